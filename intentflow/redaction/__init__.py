"""Redaction of personal data: recognizers, the analyzer that runs them, and the anonymizer."""

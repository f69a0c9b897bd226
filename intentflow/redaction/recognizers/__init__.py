"""Recognizers of personal data, one module per family.

Each recognizer is a function from a text, folded to ASCII digits, to the spans it finds.
"""

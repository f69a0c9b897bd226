"""Serving: one HTTP application for the command ``serve`` and for the transformer in a cluster."""

"""Detectors of personal data, one module a family.

Each family is a function from a text, folded to ASCII digits, to the spans it finds there.
"""

"""Names of the scores in ``metrics.json``, by what can be done with them."""

from __future__ import annotations

# Scores of which more is better, so that one model's can be held against another's.
COMPARABLE = (
    "intent_accuracy",
    "parameter_accuracy",
    "intent_f1_macro",
    "intent_f1_micro",
    "parameter_f1",
    "oos_precision",
    "oos_recall",
    "documented.intent_accuracy",
    "documented.parameter_accuracy",
)
SHARES = (*COMPARABLE, "malformed_rate", "off_taxonomy_rate")
"""Scores in [0, 1]."""

"""Drift: whether live requests differ from the rows that a model was trained on."""

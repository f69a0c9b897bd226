"""Scores of a model on held-out rows: metrics, intervals, calibration and the report."""

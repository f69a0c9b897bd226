"""Baselines that a tuned model has to beat: simpler models on the same rows and scorer."""

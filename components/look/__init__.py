"""News for a retraining."""

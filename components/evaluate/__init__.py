"""Step ``evaluate``: scores of a model on held-out rows."""

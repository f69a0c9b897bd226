"""Step ``baseline``: scores of simple models, which a tuned model has to beat."""

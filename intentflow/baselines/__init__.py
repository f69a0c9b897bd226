"""What a tuned model has to beat: simpler answers to the same rows, scored by the same scorer."""

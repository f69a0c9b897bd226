"""Fine-tuning: supervised and by preferences, in one process or distributed."""

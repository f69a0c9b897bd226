"""Step ``train``: fine-tuning."""

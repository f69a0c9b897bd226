"""Step ``validate``: data checks before training."""

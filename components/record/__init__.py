"""Step ``split``: training, validation and test sets."""

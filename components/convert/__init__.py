"""Step ``convert``: labelling exports to records."""

"""Step ``resolve``: what a run depends on, as it is now."""

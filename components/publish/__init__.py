"""Step ``publish``: upload of a model under its digest."""

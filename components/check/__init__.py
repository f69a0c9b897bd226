"""Step ``check``: the end of a run in which a check failed."""

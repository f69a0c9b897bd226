"""Step ``record``: the data set of a run in the registry."""

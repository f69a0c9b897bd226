"""Step ``gate``: the verdict whether a model may be deployed."""

"""The ``intentflow`` command: one module a verb, no logic."""

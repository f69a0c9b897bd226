"""The ``intentflow`` command: one module per subcommand."""

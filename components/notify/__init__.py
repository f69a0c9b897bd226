"""Step ``notify``: the outcome of a run, sent to people."""

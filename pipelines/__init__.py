"""The graphs, one package each."""

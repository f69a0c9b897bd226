"""The documentation: commands that work, links that lead somewhere, a reference that is complete."""

"""The documentation: commands that work, links that lead somewhere, a complete reference."""

"""The release: read by the package, pyproject.toml, the names of images and their labels."""

__version__ = "0.1.0"

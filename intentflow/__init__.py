"""intentflow: labelled utterances in, a gated intent-recognition endpoint out."""

from intentflow.version import __version__

__all__ = ["__version__"]

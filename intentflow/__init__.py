"""intentflow: labelled utterances in, a gated intent-recognition endpoint out."""

__version__ = "0.1.0"

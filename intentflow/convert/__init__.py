"""Labelling exports to records. One module a labelling tool; ``formats`` lists them."""

from intentflow.convert.conversion import ConvertSummary, TooManyRejects, convert
from intentflow.convert.formats import FORMATS
from intentflow.convert.shape import REASONS

__all__ = ["FORMATS", "REASONS", "ConvertSummary", "TooManyRejects", "convert"]

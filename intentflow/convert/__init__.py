"""Labelling exports to records. One module a labelling tool; ``formats`` lists them."""

from intentflow.convert.conversion import ConvertSummary, TooManyRejects, convert
from intentflow.convert.export_format import REASONS
from intentflow.convert.formats import FORMATS

__all__ = ["FORMATS", "REASONS", "ConvertSummary", "TooManyRejects", "convert"]

"""Conversion of labelling exports to records; one module per tool, listed in ``formats``."""

from intentflow.convert.conversion import ConvertSummary, TooManyRejects, convert
from intentflow.convert.export_format import REASONS
from intentflow.convert.formats import FORMATS

__all__ = ["FORMATS", "REASONS", "ConvertSummary", "TooManyRejects", "convert"]

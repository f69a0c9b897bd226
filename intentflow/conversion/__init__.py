"""Conversion of labelling exports to records; one module per tool, listed in ``formats``."""

from intentflow.conversion.conversion import convert
from intentflow.conversion.export_format import REASONS
from intentflow.conversion.formats import FORMATS
from intentflow.conversion.reading import ExportReading
from intentflow.conversion.summary import ConvertSummary, NoRowKept, TooManyRejects

__all__ = [
    "FORMATS",
    "REASONS",
    "ConvertSummary",
    "ExportReading",
    "NoRowKept",
    "TooManyRejects",
    "convert",
]

"""Cleaning and dividing data sets."""

from intentflow.curate.curation import Change, CurateResult, curate, write_changes
from intentflow.curate.split import Split, split
from intentflow.redaction.anonymizer import redact_example, redact_text

__all__ = [
    "Change",
    "CurateResult",
    "Split",
    "curate",
    "redact_example",
    "redact_text",
    "split",
    "write_changes",
]

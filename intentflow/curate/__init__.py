"""Curation of data sets: redaction, deduplication, conflicts, balance and splits."""

from intentflow.curate.curation import CurateResult, RowChange, curate, write_changes
from intentflow.curate.split import Split, split
from intentflow.redaction.anonymizer import redact_example, redact_text

__all__ = [
    "CurateResult",
    "RowChange",
    "Split",
    "curate",
    "redact_example",
    "redact_text",
    "split",
    "write_changes",
]

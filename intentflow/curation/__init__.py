"""Curation of data sets: redaction, deduplication, conflicts, balance and splits."""

from intentflow.curation.curation import CurateResult, RowChange, curate, write_changes
from intentflow.curation.split import Split, split
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

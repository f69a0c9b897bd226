"""Curation of data sets: redaction, deduplication, conflicts, balance and splits."""

from intentflow.curation.curation import CurateResult, curate
from intentflow.curation.split import Split, split
from intentflow.redaction.anonymizer import redact_example, redact_text

__all__ = [
    "CurateResult",
    "Split",
    "curate",
    "redact_example",
    "redact_text",
    "split",
]

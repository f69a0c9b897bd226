"""Cleaning and dividing data sets."""

from intentflow.curate.curation import Change, CurateResult, curate, write_changes
from intentflow.curate.redact import redact_example, redact_text
from intentflow.curate.split import Split, split

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

"""Labelling exports to records: every row is kept, or listed with the reason."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from intentflow.convert.batches import Batch, Reader, Reject, convert_stream
from intentflow.convert.formats import find_format
from intentflow.convert.shape import REASONS, Options
from intentflow.convert.sources import Source, find_sources, open_source
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.files import atomic_file


@dataclass(frozen=True)
class ConvertSummary:
    """What a conversion did.

    Attributes:
        rows: Rows read; blank lines are none.
        kept: Rows written.
        rejected: Rows listed in the rejects file.
        seconds: Wall time.
        digest: Content digest of the rows written, as of :func:`intentflow.records.content_digest`.
        reasons: Number of rejects by reason; see :data:`intentflow.convert.shape.REASONS`.
        normalised: Rows kept whose label had full-width call syntax.
    """

    rows: int
    kept: int
    rejected: int
    seconds: float
    digest: str
    reasons: dict[str, int]
    normalised: int

    def as_dict(self) -> dict[str, Any]:
        """The summary as the command prints it."""
        return asdict(self)


class TooManyRejects(CheckFailed):
    """More rows were rejected than allowed; the output is written all the same.

    Attributes:
        summary: What the conversion did.
    """

    def __init__(self, message: str, summary: ConvertSummary) -> None:
        super().__init__(message)
        self.summary = summary


def convert(
    sources: Sequence[str],
    out: Path,
    *,
    format: str = "auto",
    field: str | None = None,
    job: str | None = None,
    rejects: Path | None = None,
    max_reject_rate: float | None = None,
) -> ConvertSummary:
    """Convert labelling exports to ``instruction``/``output`` records.

    Args:
        sources: Files (plain or gzip), folders or ``s3://`` addresses.
        out: File to write: an array if it ends in ``.json``, JSON lines if in ``.jsonl``.
        format: Name of a labelling tool, or ``auto`` to recognise each row.
        field: Name of the utterance's field; found if None.
        job: Labelling job to take labels from; all jobs of a row have to agree if None.
        rejects: File for rejected rows, ``{source, line, reason, raw}`` each, readable by the
            owner only. If None, ``<out stem>.rejects.jsonl`` beside ``out``, where any are.
        max_reject_rate: Highest share of rejected rows in [0, 1]; no limit if None.

    Raises:
        IntentflowError: A source cannot be read, or no row could be kept.
        TooManyRejects: Above ``max_reject_rate``; ``out`` and the rejects are written.
    """
    started = time.monotonic()
    _check_usage(out, max_reject_rate)
    form, options = find_format(format), Options(field, job)
    rejects_path = rejects or out.with_name(f"{out.stem}.rejects.jsonl")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = find_sources(sources, directory, skip=(out, rejects_path))
        rejected = stack.enter_context(_rejects_file(rejects_path, always=rejects is not None))
        records = stack.enter_context(_records_file(out))
        for source in found:
            with open_source(source) as stream:
                reader: Reader = lambda row: form.read(row, options)  # noqa: E731
                for batch in convert_stream(stream, reader, form.layout):
                    records.write(batch)
                    rejected.write(source, batch.rejects)
    return None  # type: ignore[return-value]

"""Labelling exports to records: every row is kept, or listed with the reason."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from intentflow.convert.batches import Batch, convert_stream
from intentflow.convert.formats import find_format
from intentflow.convert.shape import Format, Options
from intentflow.convert.sources import Source, find_sources, open_source
from intentflow.convert.writing import LazyFile, RecordsWriter, reject_lines
from intentflow.errors import CheckFailed, IntentflowError


@dataclass(frozen=True)
class ConvertSummary:
    """What a conversion did.

    Attributes:
        rows: Rows read; blank lines are none.
        kept: Rows written.
        rejected: Rows listed in the rejects file.
        seconds: Wall time.
        digest: Digest of the rows written, as of :func:`intentflow.records.content_digest`.
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
    with tempfile.TemporaryDirectory() as directory:
        found = find_sources(sources, Path(directory), skip=(out, rejects_path))
        with LazyFile(out) as file, LazyFile(rejects_path, private=True) as rejected:
            if rejects is not None:
                rejected.write(b"")
            tally, digest = _write_all(_batches(found, form, options), out, file, rejected)
    summary = tally.summary(time.monotonic() - started, digest)
    if not summary.rejected and rejects is None:
        rejects_path.unlink(missing_ok=True)  # a former run's would be taken for this one's
    _check_result(summary, sources, rejects_path, max_reject_rate)
    return summary


def _write_all(
    batches: Iterator[tuple[Source, Batch]], out: Path, file: LazyFile, rejected: LazyFile
) -> tuple[_Tally, str]:
    """Write what was kept and what was not; returns the counts and the records' digest."""
    writer, tally = RecordsWriter(out, file), _Tally()
    for source, batch in batches:
        tally.add(batch)
        writer.write(batch.kept)
        if batch.rejects:
            rejected.write(reject_lines(source.name, batch.rejects))
    return tally, writer.finish()


class _Tally:
    """Counts of what became of the rows."""

    def __init__(self) -> None:
        self._kept = self._normalised = 0
        self._reasons: Counter[str] = Counter()

    def add(self, batch: Batch) -> None:
        self._kept += len(batch.kept)
        self._normalised += batch.normalised
        self._reasons.update(reject.reason for reject in batch.rejects)

    def summary(self, seconds: float, digest: str) -> ConvertSummary:
        rejected = self._reasons.total()
        return ConvertSummary(
            rows=self._kept + rejected,
            kept=self._kept,
            rejected=rejected,
            seconds=round(seconds, 3),
            digest=digest,
            reasons=dict(self._reasons.most_common()),
            normalised=self._normalised,
        )


def _check_usage(out: Path, max_reject_rate: float | None) -> None:
    if out.suffix not in (".json", ".jsonl"):
        raise IntentflowError(f"{out}: the output has to end in .json or .jsonl")
    if max_reject_rate is not None and not 0 <= max_reject_rate <= 1:
        raise IntentflowError(f"the highest reject rate must lie in [0, 1], not {max_reject_rate}")


def _batches(
    sources: Sequence[Source], form: Format, options: Options
) -> Iterator[tuple[Source, Batch]]:
    with tqdm(unit=" rows", desc="convert", disable=None) as progress:
        for source in sources:
            with open_source(source) as stream:
                for batch in convert_stream(stream, form, options):
                    yield source, batch
                    progress.update(len(batch.kept) + len(batch.rejects))


def _check_result(
    summary: ConvertSummary, sources: Sequence[str], rejects: Path, limit: float | None
) -> None:
    if not summary.kept:
        raise IntentflowError(f"{', '.join(sources)}: no row kept: {_why(summary, rejects)}")
    if limit is not None and summary.rejected > limit * summary.rows:
        rate = summary.rejected / summary.rows
        raise TooManyRejects(
            f"{rate:.1%} of the rows were rejected, more than the {limit:.1%} allowed: "
            f"{_why(summary, rejects)}",
            summary,
        )


def _why(summary: ConvertSummary, rejects: Path) -> str:
    if not summary.rows:
        return "there is none"
    counts = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    return f"{counts} (see {rejects})"

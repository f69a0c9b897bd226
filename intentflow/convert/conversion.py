"""Labelling exports to records: every row is kept, or listed with the reason."""

from __future__ import annotations

import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.convert.asked_names import say_what_is_there
from intentflow.convert.blocks import Part, convert_stream, settle_votes
from intentflow.convert.export_format import Format, Options
from intentflow.convert.formats import find_format, settle_layout
from intentflow.convert.label_tasks import Target, as_tasks, check_target
from intentflow.convert.rejects import can_redact
from intentflow.convert.sources import Source, find_sources, open_source
from intentflow.convert.votes import BallotBox
from intentflow.convert.writers import LazyFile, RecordsWriter, reject_lines
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.io.progress import progress_bar

if TYPE_CHECKING:
    from intentflow.parallel import Executor

log = logging.getLogger(__name__)

_LARGE_BYTES = 64 << 20
_MAX_WORKERS = 4


@dataclass(frozen=True)
class ConvertSummary:
    """What a conversion did.

    Attributes:
        rows: Rows read; blank lines are none.
        kept: Rows written.
        rejected: Rows listed in the rejects file.
        seconds: Wall time.
        digest: Digest of the rows written, as of :func:`intentflow.records.content_digest`.
        reasons: Number of rejects by reason; see :data:`intentflow.convert.export_format.REASONS`.
        normalised: Rows kept whose label had full-width call syntax.
        merged: Rows that are further annotators' answers to the utterance of a row kept.
    """

    rows: int
    kept: int
    rejected: int
    seconds: float
    digest: str
    reasons: dict[str, int]
    normalised: int
    merged: int

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
    to: Target | None = None,
    workers: int | None = None,
    redact: bool = True,
    executor: Executor | None = None,
) -> ConvertSummary:
    """Convert labelling exports to ``instruction``/``output`` records, or to labelling tasks.

    Args:
        sources: Files (plain or gzip), folders or ``s3://`` addresses.
        out: File to write: an array if it ends in ``.json``, JSON lines if in ``.jsonl``.
        format: Name of a labelling tool, or ``auto`` to recognise each row.
        field: Name of the utterance's field; found if None.
        job: Labelling job to take labels from; all jobs of a row have to agree if None.
        rejects: File for rejected rows, ``{source, line, reason, raw}`` each, readable by the
            owner only. If None, ``<out stem>.rejects.jsonl`` beside ``out``, where any are.
        max_reject_rate: Highest share of rejected rows in [0, 1]; no limit if None.
        to: Labelling tool to write tasks for instead of records; see
            :mod:`intentflow.convert.label_tasks`.
        workers: ProcessExecutor for files of one row a line, at most one a block of the file and 4
            for each usable processor; one for each usable processor, 4 at most, if None, and
            one for a small file. The output does not depend on it.
        redact: Replace personal data in the rejects' rows. Without the ``data`` extra they stay
            as they are, and a line on standard error says so.
        executor: Whose workers convert files of one row a line, instead of processes; the files
            are read here and handed to them.

    Raises:
        IntentflowError: A source cannot be read, or no row could be kept.
        TooManyRejects: Above ``max_reject_rate``; ``out`` and the rejects are written.
    """
    started = time.monotonic()
    _check_usage(out, max_reject_rate, to)
    workers = _allowed(workers) if executor is None else None
    form, options = find_format(format), Options(field, job, redact and can_redact())
    form = form if to is None else as_tasks(form, to)
    rejects_path = rejects or out.with_name(f"{out.stem}.rejects.jsonl")
    with tempfile.TemporaryDirectory() as directory:
        found = find_sources(sources, Path(directory), skip=(out, rejects_path))
        with LazyFile(out) as file, LazyFile(rejects_path, private=True) as rejected:
            if rejects is not None:
                rejected.write(b"")
            choose = partial(_engine_for, executor=executor, workers=workers)
            parts = _with_votes(_parts(found, form, options, choose), form, options)
            tally, digest = _write_all(parts, out, file, rejected)
        hint = "" if tally.kept else say_what_is_there(found, form, options)
    summary = tally.summary(time.monotonic() - started, digest)
    if not summary.rejected and rejects is None:
        rejects_path.unlink(missing_ok=True)  # a former run's would be taken for this one's
    if summary.rejected and redact and not options.redact:
        _warn_unredacted(rejects_path)
    _check_result(summary, sources, rejects_path, max_reject_rate, hint)
    return summary


def _write_all(
    parts: Iterator[tuple[str, Part, int]], out: Path, file: LazyFile, rejected: LazyFile
) -> tuple[_Tally, str]:
    """Write what was kept and what was not; returns the counts and the records' digest."""
    writer, tally = RecordsWriter(out, file), _Tally()
    for source, part, lines_before in parts:
        tally.add(part)
        writer.write(part.kept, part.rows)
        if part.rejects:
            rejected.write(reject_lines(source, part.rejects, lines_before))
    return tally, writer.finish()


class _Tally:
    """Counts of what became of the rows."""

    def __init__(self) -> None:
        self.kept = self._normalised = self._merged = 0
        self._reasons: Counter[str] = Counter()

    def add(self, part: Part) -> None:
        self.kept += part.rows
        self._normalised += part.normalised
        self._merged += part.merged
        self._reasons.update(reject.reason for reject in part.rejects)

    def summary(self, seconds: float, digest: str) -> ConvertSummary:
        rejected = self._reasons.total()
        return ConvertSummary(
            rows=self.kept + rejected + self._merged,
            kept=self.kept,
            rejected=rejected,
            seconds=round(seconds, 3),
            digest=digest,
            reasons=dict(self._reasons.most_common()),
            normalised=self._normalised,
            merged=self._merged,
        )


def _allowed(workers: int | None) -> int | None:
    if workers is None:
        return None
    from intentflow.parallel import allowed_workers  # costs start-up time

    return allowed_workers(workers)


def _check_usage(out: Path, max_reject_rate: float | None, to: Target | None) -> None:
    if to is not None:
        check_target(to, out)
    elif out.suffix not in (".json", ".jsonl"):
        raise IntentflowError(f"{out}: the output has to end in .json or .jsonl")
    if max_reject_rate is not None and not 0 <= max_reject_rate <= 1:
        raise IntentflowError(f"the highest reject rate must lie in [0, 1], not {max_reject_rate}")


def _with_votes(
    parts: Iterator[tuple[str, Part, int]], form: Format, options: Options
) -> Iterator[tuple[str, Part, int]]:
    """The parts, and at the end what became of rows that are one annotator's answer each."""
    box = BallotBox()
    for source, part, lines_before in parts:
        for vote in part.votes:
            box.add(source, vote._replace(line=lines_before + vote.line))
        yield source, part, lines_before
    yield from ((source, part, 0) for source, part in settle_votes(box, form, options))


def _parts(
    sources: Sequence[Source], form: Format, options: Options, choose: _Choice
) -> Iterator[tuple[str, Part, int]]:
    """What became of each block of rows, with its source and the lines before it."""
    with progress_bar("convert", unit=" rows", only_on_terminal=True) as progress:
        for source in sources:
            lines = 0
            for part in _parts_of(source, form, options, choose):
                yield source.name, part, lines
                lines += part.lines
                progress.update(part.read)


def _parts_of(source: Source, form: Format, options: Options, choose: _Choice) -> Iterator[Part]:
    with open_source(source) as stream:
        settled = settle_layout(form, stream, source.path.name)
        executor = choose(source, settled)
        if executor is None:
            yield from convert_stream(stream, settled, options)
            return
        from intentflow.convert.parallel import convert_in_parallel  # costs start-up time

        yield from convert_in_parallel(stream, source, settled, options, executor)


_Choice = Callable[[Source, Format], "Executor | None"]


def _engine_for(
    source: Source, form: Format, *, executor: Executor | None, workers: int | None
) -> Executor | None:
    """Whose workers convert a file; None if it is converted here."""
    if form.layout != "lines":
        return None
    if executor is not None:
        return executor
    if workers is None and source.path.stat().st_size < _LARGE_BYTES:
        return None
    from intentflow.parallel import ProcessExecutor, usable_cpus  # costs start-up time

    found = workers or min(usable_cpus(), _MAX_WORKERS)
    return ProcessExecutor(found) if found > 1 else None


def _warn_unredacted(rejects: Path) -> None:
    log.warning(
        "%s: not redacted, for pip install 'intentflow[data]' is missing; "
        "readable by its owner only",
        rejects,
    )


def _check_result(
    summary: ConvertSummary, sources: Sequence[str], rejects: Path, limit: float | None, hint: str
) -> None:
    if not summary.kept:
        raise IntentflowError(f"{', '.join(sources)}: no row kept: {_why(summary, rejects)}{hint}")
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

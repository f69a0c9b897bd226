"""Conversion of labelling exports to records: every row is kept, or listed with a reason."""

from __future__ import annotations

import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from intentflow.conversion.available_names import describe_available_names
from intentflow.conversion.blocks import Part, convert_stream, count_votes
from intentflow.conversion.class_names import CallWriter
from intentflow.conversion.column_choice import choose_columns
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.formats import detect_layout, find_format
from intentflow.conversion.label_tasks import TASKS, Target, as_tasks, check_target
from intentflow.conversion.limits import DEFAULT_LIMITS, LimitExceeded, SizeLimits
from intentflow.conversion.order_survey import survey_order
from intentflow.conversion.parameter_order import OrderNeededError, ParameterOrder
from intentflow.conversion.record_exports import (
    ChatWriter,
    ParameterNames,
    RasaWriter,
    as_rasa,
)
from intentflow.conversion.rejects import can_redact
from intentflow.conversion.sources import Source, find_sources, open_source
from intentflow.conversion.votes import BallotBox
from intentflow.conversion.writers import LazyFile, RecordsWriter, RowsWriter, reject_lines
from intentflow.errors import CheckFailed, InputError
from intentflow.io.progress import progress_bar

if TYPE_CHECKING:
    from intentflow.parallel import Executor
    from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)

_LARGE_BYTES = 64 << 20
_MAX_WORKERS = 4


@dataclass(frozen=True)
class ConvertSummary:
    """Results of a conversion.

    Attributes:
        rows: Number of rows read, without blank lines.
        kept: Number of rows written.
        rejected: Number of rows listed in the rejects file.
        seconds: Wall time in seconds.
        digest: Digest of the rows written, see :func:`intentflow.records.content_digest`.
        reasons: Number of rejects by reason, see
            :data:`intentflow.conversion.export_format.REASONS`.
        normalised: Number of kept rows whose label had full-width call syntax.
        merged: Number of duplicates of kept rows: further annotators' answers to their utterance.
        class_names: Number of kept rows whose label had class names, now calls without parameters.
        parameters: Names of each intent's parameters in the order of the calls, where the export
            names parameters; empty where labels were written as calls.
    """

    rows: int
    kept: int
    rejected: int
    seconds: float
    digest: str
    reasons: dict[str, int]
    normalised: int
    merged: int
    class_names: int
    parameters: dict[str, list[str]]

    def as_dict(self) -> dict[str, Any]:
        """The summary that the command prints."""
        summary = asdict(self)
        if not self.parameters:
            del summary["parameters"]
        return summary


class NoRowKept(InputError):  # noqa: N818 - what happened
    """Every row was rejected, or there is none; the rejects are written.

    Attributes:
        message: The error message.
        summary: Results of the conversion.
    """

    def __init__(self, message: str, summary: ConvertSummary) -> None:
        super().__init__(message)
        self.summary = summary


class TooManyRejects(CheckFailed):
    """More rows were rejected than allowed; the output is written nevertheless.

    Attributes:
        message: The error message.
        summary: Results of the conversion.
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
    label_field: str | None = None,
    job: str | None = None,
    rejects: Path | None = None,
    max_reject_rate: float | None = None,
    to: Target | None = None,
    workers: int | None = None,
    redact: bool = True,
    limits: SizeLimits = DEFAULT_LIMITS,
    executor: Executor | None = None,
    parameters_from_spans: bool = False,
    taxonomy: Taxonomy | None = None,
) -> ConvertSummary:
    r"""Convert labelling exports to ``instruction``/``output`` records, or to labelling tasks.

    Args:
        sources: Files (plain or gzip), folders or ``s3://`` addresses.
        out: File to write: an array if it ends in ``.json``, JSON lines if in ``.jsonl``.
        format: Name of a labelling tool, or ``auto`` to recognise each row.
        field: Name of the utterance's field; found by names and content if None.
        label_field: Name of the label's field in rows that have one; found likewise if None.
        job: Labelling job to take labels from; if None, all jobs of a row have to agree.
        rejects: File for rejected rows, ``{source, line, reason, raw}`` each, readable by the
            owner only. If None, ``<out stem>.rejects.jsonl`` next to ``out``. Without rejects no
            file is written.
        max_reject_rate: Maximum share of rejected rows in [0, 1]; no limit if None.
        to: Tool to write for instead of records: tasks of
            :mod:`intentflow.conversion.label_tasks`, or the formats of
            :mod:`intentflow.conversion.record_exports`.
        workers: Number of processes for files of one row per line, at most one per block of the
            file and 4 per usable CPU. If None, one per usable CPU and at most 4, and one for a
            small file. The output does not depend on it.
        redact: Whether to replace personal data in rejected rows. Without the ``data`` extra they
            stay unchanged, and a warning is logged.
        limits: Sizes beyond which a file is refused.
        executor: Executor for files of one row per line, instead of local processes; this process
            reads the files and sends the rows to its workers.
        parameters_from_spans: Whether labelled spans become the parameters of the intent that is
            chosen next to them.
        taxonomy: Its intents are class names, though they label one row only, and it gives the
            order of parameters that an export has by name. If None, that order is the one of the
            export's own definitions, then of the names' first occurrence.

    Raises:
        InputError: A source cannot be read or exceeds a limit, or two of its columns look alike.
        NoRowKept: No row was kept; the rejects are written.
        TooManyRejects: The share of rejects exceeds ``max_reject_rate``; ``out`` and the rejects
            are written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     source, out = Path(folder, "export.csv"), Path(folder, "records.jsonl")
        ...     _ = source.write_text("text,label\nplay some jazz,play_music(jazz)\n")
        ...     convert([str(source)], out).kept
        1
    """
    started = time.monotonic()
    _check_usage(out, max_reject_rate, to)
    workers = _allowed(workers) if executor is None else None
    form = find_format(format)
    order = ParameterOrder.of(taxonomy) if taxonomy else None
    options = Options(
        field,
        job,
        redact and can_redact(),
        limits,
        label_field,
        spans=parameters_from_spans,
        order=order,
    )
    names = {name: it.parameters for name, it in taxonomy.intents.items()} if taxonomy else {}
    if to is not None:
        form = as_rasa(form, names) if to == "rasa" else as_tasks(form, to) if to in TASKS else form
    rejects_path = rejects or out.with_name(f"{out.stem}.rejects.jsonl")
    with tempfile.TemporaryDirectory() as directory:
        found = find_sources(sources, Path(directory), skip=(out, rejects_path), limits=limits)
        choose = partial(_executor_for, executor=executor, workers=workers)
        files = _Files(out, rejects_path, rejects is not None, to, names)
        try:
            tally, digest = _convert_all(found, form, options, choose, files)
        except OrderNeededError:
            options = replace(options, order=survey_order(found, form, options))
            tally, digest = _convert_all(found, form, options, choose, files)
        hint = "" if tally.kept else describe_available_names(found, form, options)
    parameters = options.order.as_dict() if options.order and not taxonomy else {}
    summary = tally.summary(time.monotonic() - started, digest, parameters)
    if not summary.rejected and rejects is None:
        rejects_path.unlink(missing_ok=True)  # an earlier run's would be mistaken for this one's
    if summary.rejected and redact and not options.redact:
        _warn_unredacted(rejects_path)
    _check_result(summary, sources, rejects_path, max_reject_rate, hint)
    return summary


class _Files(NamedTuple):
    """The files to write.

    Attributes:
        out: The kept rows.
        rejects: The rejected rows.
        always_rejects: Whether the file of rejected rows is written if there are none.
        to: The format of the rows, if they are no records.
        names: Names of each intent's parameters in the taxonomy; its intents are class names,
            though they label one row only.
    """

    out: Path
    rejects: Path
    always_rejects: bool
    to: Target | None
    names: ParameterNames

    def writer(self, file: LazyFile) -> RowsWriter:
        """The writer of the kept rows; class names become calls, unless rows are tasks."""
        if self.to in TASKS:
            return RecordsWriter(self.out, file)
        if self.to == "rasa":
            return CallWriter(RasaWriter(file, self.names), self.names)
        own = ChatWriter(file) if self.to == "jsonl-chat" else RecordsWriter(self.out, file)
        return CallWriter(own, self.names)


def _convert_all(
    sources: Sequence[Source], form: Format, options: Options, choose: _Choice, files: _Files
) -> tuple[_Tally, str]:
    """Convert all files; what is written appears only if all of it succeeds.

    Raises:
        OrderNeededError: The order of parameters has to be found in the rows first.
    """
    with LazyFile(files.out) as file, LazyFile(files.rejects, private=True) as rejected:
        if files.always_rejects:
            rejected.write(b"")
        parts = _with_votes(_parts(sources, form, options, choose), form, options)
        return _write_all(parts, files.writer(file), rejected)


def _write_all(
    parts: Iterator[tuple[str, Part, int]], writer: RowsWriter, rejected: LazyFile
) -> tuple[_Tally, str]:
    """Write kept and rejected rows; returns the counts and the records' digest."""
    tally = _Tally()
    for source, part, lines_before in parts:
        tally.add(part)
        writer.write(part.kept, part.rows)
        if part.rejects:
            rejected.write(reject_lines(source, part.rejects, lines_before))
    digest = writer.finish()
    tally.class_names = writer.class_names if isinstance(writer, CallWriter) else 0
    return tally, digest


class _Tally:
    """Counts of the rows' outcomes."""

    def __init__(self) -> None:
        self.kept = self.class_names = self._normalised = self._merged = 0
        self._reasons: Counter[str] = Counter()

    def add(self, part: Part) -> None:
        self.kept += part.rows
        self._normalised += part.normalised
        self._merged += part.merged
        self._reasons.update(reject.reason for reject in part.rejects)

    def summary(
        self, seconds: float, digest: str, parameters: dict[str, list[str]]
    ) -> ConvertSummary:
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
            class_names=self.class_names,
            parameters=parameters,
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
        raise InputError(f"{out}: the name of the output must end in .json or .jsonl")
    if max_reject_rate is not None and not 0 <= max_reject_rate <= 1:
        raise InputError(f"the maximum reject rate must be between 0 and 1, not {max_reject_rate}")


def _with_votes(
    parts: Iterator[tuple[str, Part, int]], form: Format, options: Options
) -> Iterator[tuple[str, Part, int]]:
    """The parts, and at the end the outcome of rows that are one annotator's answer each."""
    box = BallotBox()
    for source, part, lines_before in parts:
        for vote in part.votes:
            box.add(source, vote._replace(line=lines_before + vote.line))
        yield source, part, lines_before
    yield from ((source, part, 0) for source, part in count_votes(box, form, options))


def _parts(
    sources: Sequence[Source], form: Format, options: Options, choose: _Choice
) -> Iterator[tuple[str, Part, int]]:
    """The result of each block of rows, with its source and the number of lines before it."""
    with progress_bar("convert", unit=" rows", only_on_terminal=True) as progress:
        for source in sources:
            lines = 0
            for part in _parts_of(source, form, options, choose):
                yield source.name, part, lines
                lines += part.lines
                progress.update(part.read)


def _parts_of(source: Source, form: Format, options: Options, choose: _Choice) -> Iterator[Part]:
    try:
        yield from _parts_within_limits(source, form, options, choose)
    except LimitExceeded as error:
        raise InputError(f"{source.name}: {error}") from None


def _parts_within_limits(
    source: Source, form: Format, options: Options, choose: _Choice
) -> Iterator[Part]:
    with open_source(source, options.limits) as stream:
        detected = detect_layout(form, stream, source.path, options.limits)
        options = choose_columns(source, detected, options)
        executor = choose(source, detected)
        if executor is None:
            yield from convert_stream(stream, detected, options)
            return
        from intentflow.conversion.parallel import convert_in_parallel  # costs start-up time

        yield from convert_in_parallel(stream, source, detected, options, executor)


_Choice = Callable[[Source, Format], "Executor | None"]


def _executor_for(
    source: Source, form: Format, *, executor: Executor | None, workers: int | None
) -> Executor | None:
    """The executor for a file; None if this process converts it."""
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
        "%s: not redacted, readable by its owner only; "
        "redaction needs pip install 'intentflow[data]'",
        rejects,
    )


def _check_result(
    summary: ConvertSummary, sources: Sequence[str], rejects: Path, limit: float | None, hint: str
) -> None:
    if not summary.kept:
        raise NoRowKept(
            f"{', '.join(sources)}: no row was kept: {_explain(summary, rejects)}{hint}", summary
        )
    if limit is not None and summary.rejected > limit * summary.rows:
        rate = summary.rejected / summary.rows
        raise TooManyRejects(
            f"{rate:.1%} of the rows were rejected, more than the {limit:.1%} allowed: "
            f"{_explain(summary, rejects)}",
            summary,
        )


def _explain(summary: ConvertSummary, rejects: Path) -> str:
    if not summary.rows:
        return "the files contain no rows"
    counts = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    return f"{counts} (see {rejects})"

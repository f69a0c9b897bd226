"""Conversion of labelling exports to records: every row is kept, or listed with a reason."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from intentflow.conversion.available_names import describe_available_names
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.formats import find_format
from intentflow.conversion.label_tasks import TASKS, Target, as_tasks, check_target
from intentflow.conversion.order_survey import survey_order
from intentflow.conversion.origins import origins_of
from intentflow.conversion.outputs import OutputFiles
from intentflow.conversion.parameter_order import OrderNeededError, ParameterOrder
from intentflow.conversion.parts import ExecutorChoice, convert_parts
from intentflow.conversion.reading import ExportReading
from intentflow.conversion.record_exports import ParameterNames, as_rasa
from intentflow.conversion.sources import find_sources
from intentflow.conversion.summary import ConvertSummary, Tally, check_result
from intentflow.errors import InputError

if TYPE_CHECKING:
    from intentflow.parallel import Executor

log = logging.getLogger(__name__)


def convert(
    sources: str | Sequence[str],
    out: Path,
    reading: ExportReading | None = None,
    *,
    rejects: Path | None = None,
    agreement: Path | None = None,
    to: Target | None = None,
    max_reject_rate: float | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> ConvertSummary:
    r"""Convert labelling exports to ``instruction``/``output`` records, or to labelling tasks.

    Args:
        sources: File (plain or gzip), folder or ``s3://`` address, or several.
        out: File to write: an array if it ends in ``.json``, JSON lines if in ``.jsonl``.
        reading: Format, fields and names that count; all are found if None.
        rejects: File for rejected rows, ``{source, line, reason, raw}`` each, readable by the
            owner only. If None, ``<out stem>.rejects.jsonl`` next to ``out``. Without rejects no
            file is written.
        agreement: File for the agreement of annotators, see
            :mod:`intentflow.artifacts.agreement`; None for none.
        to: Tool to write for instead of records: tasks of
            :mod:`intentflow.conversion.label_tasks`, or the formats of
            :mod:`intentflow.conversion.record_exports`.
        max_reject_rate: Maximum share of rejected rows in [0, 1]; no limit if None.
        workers: Number of processes for files of one row per line, at most one per block of the
            file and 4 per usable CPU. If None, one per usable CPU and at most 4, and one for a
            small file. The output does not depend on it.
        executor: Executor for files of one row per line, instead of local processes; this process
            reads the files and sends the rows to its workers.

    Raises:
        InputError: A source cannot be read or exceeds a limit, or two of its columns look alike;
            or no row has the person's field, or there is no key.
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
    sources = [sources] if isinstance(sources, str) else sources
    _check_usage(out, max_reject_rate, to)
    reading = reading or ExportReading()
    options, names = reading.options(), reading.names
    rejects_path = rejects or out.with_name(f"{out.stem}.rejects.jsonl")
    files = OutputFiles(
        out,
        rejects_path,
        rejects is not None,
        to,
        names,
        agreement,
        reading.known_intents,
        None if to else reading.person_field,
    )
    choice = ExecutorChoice(executor, _allowed(workers) if executor is None else None)
    found = _convert_sources(sources, _format(reading.format, to, names), options, choice, files)
    parameters = found.order.as_dict() if found.order and not reading.taxonomy else {}
    summary = found.tally.summary(time.monotonic() - started, found.digest, parameters)
    summary = replace(summary, origins=found.origins)
    if not summary.rejected and rejects is None:
        rejects_path.unlink(missing_ok=True)  # an earlier run's would be mistaken for this one's
    if summary.rejected and reading.redact and not options.redact:
        _warn_unredacted(rejects_path)
    check_result(summary, sources, rejects_path, max_reject_rate, found.hint)
    return summary


class _Converted(NamedTuple):
    """What was written.

    Attributes:
        tally: Counts by outcome.
        digest: Digest of the rows.
        order: Order of each intent's parameters, if one was used.
        hint: Names that the exports contain, if no row was kept.
        origins: Format of each file and its annotators, by its name.
    """

    tally: Tally
    digest: str
    order: ParameterOrder | None
    hint: str
    origins: dict[str, list[str]]


def _convert_sources(
    sources: Sequence[str],
    form: Format,
    options: Options,
    choice: ExecutorChoice,
    files: OutputFiles,
) -> _Converted:
    """Convert and write all rows; again, if the order of parameters is first found in them."""
    with tempfile.TemporaryDirectory() as directory:
        found = find_sources(sources, Path(directory), skip=files.paths(), limits=options.limits)
        files.refuse_inputs(found)
        try:
            tally, digest = files.write(convert_parts(found, form, options, choice))
        except OrderNeededError:
            order = survey_order(found, form, replace(options, is_repeated=True))
            options = replace(options, order=order)
            tally, digest = files.write(convert_parts(found, form, options, choice))
        hint = "" if tally.kept else describe_available_names(found, form, options)
        origins = origins_of(found, form, options.limits, tally.annotators)
    return _Converted(tally, digest, options.order, hint, origins)


def _format(name: str, to: Target | None, names: ParameterNames) -> Format:
    """The format of the exports, whose rows become records or another tool's."""
    form = find_format(name)
    if to == "rasa":
        return as_rasa(form, names)
    return as_tasks(form, to) if to in TASKS else form


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


def _warn_unredacted(rejects: Path) -> None:
    log.warning(
        "%s: not redacted, readable by its owner only; "
        "redaction needs pip install 'intentflow[data]'",
        rejects,
    )

"""Parts of the result: blocks of rows, converted in this process or by an executor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from intentflow.conversion.blocks import Part, convert_stream, count_votes
from intentflow.conversion.column_choice import choose_columns
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.formats import detect_layout
from intentflow.conversion.limits import LimitExceeded
from intentflow.conversion.sources import Source, open_source
from intentflow.conversion.votes import BallotBox
from intentflow.errors import InputError
from intentflow.io.progress import progress_bar

if TYPE_CHECKING:
    from intentflow.parallel import Executor

_LARGE_BYTES = 64 << 20
_MAX_WORKERS = 4

NamedPart = tuple[str, Part, int]
"""A part, with the name of its source and the number of lines before it."""


class ExecutorChoice(NamedTuple):
    """Executor of the files of one row per line; this process converts the others.

    Attributes:
        executor: Executor for all of them; None for local processes.
        workers: Number of local processes; found by the size of each file if None.
    """

    executor: Executor | None = None
    workers: int | None = None

    def executor_for(self, source: Source, form: Format) -> Executor | None:
        """The executor for a file; None if this process converts it."""
        if form.layout != "lines":
            return None
        if self.executor is not None:
            return self.executor
        if self.workers is None and source.path.stat().st_size < _LARGE_BYTES:
            return None
        from intentflow.parallel import ProcessExecutor, usable_cpus  # costs start-up time

        found = self.workers or min(usable_cpus(), _MAX_WORKERS)
        return ProcessExecutor(found) if found > 1 else None


def convert_parts(
    sources: Sequence[Source], form: Format, options: Options, choice: ExecutorChoice
) -> Iterator[NamedPart]:
    """The result of each block of rows; at the end, of rows that are one annotator's answer each.

    Args:
        sources: The files to read.
        form: Format of their rows.
        options: Field, job and limits.
        choice: Executor of large files.

    Raises:
        InputError: A file cannot be read, or exceeds a limit.
        OrderNeededError: The order of parameters has to be found in the rows first.
    """
    box = BallotBox()
    for source, part, lines_before in _parts(sources, form, options, choice):
        for vote in part.votes:
            box.add(source, vote._replace(line=lines_before + vote.line))
        yield source, part, lines_before
    yield from ((source, part, 0) for source, part in count_votes(box, form, options))


def _parts(
    sources: Sequence[Source], form: Format, options: Options, choice: ExecutorChoice
) -> Iterator[NamedPart]:
    with progress_bar("convert", unit=" rows") as progress:
        for source in sources:
            lines = 0
            for part in _parts_of(source, form, options, choice):
                yield source.name, part, lines
                lines += part.lines
                progress.update(part.read)


def _parts_of(
    source: Source, form: Format, options: Options, choice: ExecutorChoice
) -> Iterator[Part]:
    try:
        yield from _parts_within_limits(source, form, options, choice)
    except LimitExceeded as error:
        raise InputError(f"{source.name}: {error}") from None


def _parts_within_limits(
    source: Source, form: Format, options: Options, choice: ExecutorChoice
) -> Iterator[Part]:
    with open_source(source, options.limits) as stream:
        detected = detect_layout(form, stream, source.path, options.limits)
        options = choose_columns(source, detected, options)
        executor = choice.executor_for(source, detected)
        if executor is None:
            yield from convert_stream(stream, detected, options)
            return
        from intentflow.conversion.parallel import convert_in_parallel  # costs start-up time

        yield from convert_in_parallel(stream, source, detected, options, executor)

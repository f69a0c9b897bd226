"""Convert: labelling exports to records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from intentflow.config import Flag
from intentflow.errors import InputError
from intentflow.pipeline.steps.fields import one_or_several
from intentflow.pipeline.steps.label_fields import LabelFields

if TYPE_CHECKING:
    from intentflow.artifacts.failure import StepFailure
    from intentflow.conversion import ConvertSummary, ExportReading
    from intentflow.conversion.label_tasks import Target
    from intentflow.conversion.limits import SizeLimits
    from intentflow.erasure.rows import ErasedRows
    from intentflow.parallel import Executor

log = logging.getLogger(__name__)

ExportFormat = Literal[
    "auto",
    "label-studio",
    "itag",
    "ground-truth",
    "messages",
    "sharegpt",
    "prodigy",
    "json",
    "doccano",
    "jsonl",
    "csv",
    "transcript",
    "luis",
    "rasa",
    "lex",
    "dialogflow",
    "snips",
    "excel",
    "parquet",
    "text",
]


class ConvertConfig(LabelFields):
    r"""Configuration of reading labelling exports.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> rows = "title,question,intent\nA call,play some jazz,play_music(jazz)\n"
        >>> _ = Path("export.csv").write_text(rows)
        >>> config = intentflow.ConvertConfig(field="question")  # not a name that is recognised
        >>> _ = intentflow.convert("export.csv", "records.jsonl", config)
        >>> Path("records.jsonl").read_text()
        '{"instruction": "play some jazz", "output": "play_music(jazz)"}\n'
    """

    format: ExportFormat = Field(
        "auto", description="Format of the labelling tool; auto recognises it row by row"
    )
    max_reject_rate: Annotated[float | None, Flag(metavar="R")] = Field(
        None,
        ge=0,
        le=1,
        description="Maximum share of rejected rows, above which the step fails (exit 1); no limit "
        "unless set",
    )
    redact_rejects: Annotated[bool, Flag("--redact")] = Field(
        True, description="Replace personal data in the file of rejected rows"
    )
    max_line_bytes: Annotated[int, Flag(metavar="N")] = Field(
        32_000_000, ge=1, description="Longest row: a line, or a JSON value across lines"
    )
    max_cell_characters: Annotated[int, Flag(metavar="N")] = Field(
        1_000_000, ge=1, description="Longest cell of a table"
    )
    max_decompressed_bytes: Annotated[int, Flag(metavar="N")] = Field(
        20_000_000_000, ge=1, description="Largest content of one gzip file"
    )

    @property
    def limits(self) -> SizeLimits:
        """Sizes beyond which a file is refused."""
        from intentflow.conversion.limits import SizeLimits  # costs start-up time

        return SizeLimits(
            self.max_line_bytes, self.max_cell_characters, self.max_decompressed_bytes
        )

    def reading(self) -> ExportReading:
        """Fields, job and names that count in exports, and the sizes that are refused."""
        return replace(
            super().reading(), format=self.format, redact=self.redact_rejects, limits=self.limits
        )


def run_convert(
    sources: str | Path | Sequence[str | Path],
    records: str | Path,
    config: ConvertConfig | None = None,
    *,
    rejects: str | Path | None = None,
    agreement: str | Path | None = None,
    to: Target | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> ConvertSummary:
    r"""Convert labelling exports to records.

    Args:
        sources: One file, folder or ``s3://`` URI of exports, or several.
        records: The file to write; it ends in ``.json`` or ``.jsonl``.
        config: Format, field and limits; the defaults if None.
        rejects: File for rejected rows; ``<records stem>.rejects.jsonl`` if None.
        agreement: File for the agreement of the annotators; None for none.
        to: Labelling tool to write tasks for, instead of records.
        workers: Local processes; found for large files if None.
        executor: Executor that converts rows instead, such as a Ray cluster.

    Returns:
        Counts, reasons of rejects, seconds and the digest of the rows.

    Raises:
        InputError: A source cannot be read, or no row was kept.
        TooManyRejects: Above ``config.max_reject_rate``; both files are written.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> export = folder / "export.csv"
        >>> _ = export.write_text("instruction,output\nplay some jazz,play_music(jazz)\n")
        >>> run_convert([str(export)], folder / "records.jsonl").kept
        1
    """
    from intentflow.conversion import convert

    settings = config or ConvertConfig()
    return convert(
        [str(source) for source in one_or_several(sources)],
        Path(records),
        settings.reading(),
        rejects=Path(rejects) if rejects is not None else None,
        agreement=Path(agreement) if agreement is not None else None,
        to=to,
        max_reject_rate=settings.max_reject_rate,
        workers=workers,
        executor=executor,
    )


def try_convert(
    sources: Sequence[str],
    records: Path,
    config: ConvertConfig,
    *,
    rejects: str | Path,
    agreement: str | Path,
    executor: Executor | None = None,
    erased: ErasedRows | None = None,
) -> tuple[ConvertSummary, StepFailure | None]:
    """Convert for a graph, in which what is wrong with the rows ends the run in the next step.

    Args:
        sources: Files, folders or ``s3://`` URIs of exports.
        records: The file to write; empty if no row was kept.
        config: Format, field and limits.
        rejects: File for rejected rows, always written.
        agreement: File for the agreement of the annotators.
        executor: Executor that converts rows, such as a Ray cluster.
        erased: Rows that are left out; None for none.

    Returns:
        Counts, and the failure that the next step raises; None if enough rows were kept.

    Raises:
        InputError: A source cannot be read.
    """
    from intentflow.artifacts.failure import StepFailure
    from intentflow.conversion import NoRowKept, TooManyRejects

    try:
        summary = run_convert(
            sources, records, config, rejects=rejects, agreement=agreement, executor=executor
        )
    except (NoRowKept, TooManyRejects) as error:
        records.touch()
        return error.summary, StepFailure.of("convert", error)
    summary = _without_erased(records, summary, erased) if erased else summary
    if not summary.kept:
        failure = InputError("no row is left: all were erased; give other sources")
        return summary, StepFailure.of("convert", failure)
    return summary, None


def _without_erased(path: Path, summary: ConvertSummary, erased: ErasedRows) -> ConvertSummary:
    """Leave erased rows out of converted ones; they count as if they had not been there."""
    from intentflow.records import read_records, write_records

    rows = read_records(path)
    kept = erased.without(rows)
    gone = len(rows) - len(kept)
    if not gone:
        return summary
    log.info("%d rows are left out: they were erased", gone)
    digest = write_records(path, kept)
    return replace(summary, rows=summary.rows - gone, kept=len(kept), digest=digest)

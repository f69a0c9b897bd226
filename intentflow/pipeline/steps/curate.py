"""Curate: redaction, duplicates and conflicting labels; for the command also balance."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from intentflow.artifacts.row_changes import RowChange
from intentflow.config import StrictModel
from intentflow.curation.conflicts import ConflictRule
from intentflow.curation.curation import CurateResult, Dedup, curate
from intentflow.curation.minhash import NEAR_THRESHOLD
from intentflow.curation.redaction_report import redaction_html, write_redaction_report
from intentflow.pipeline.steps.balance import BalanceConfig, synthesise_rows
from intentflow.pipeline.steps.fields import NearThreshold
from intentflow.records import read_numbered_records, read_records, write_records
from intentflow.report import write_report

if TYPE_CHECKING:
    from intentflow.parallel import Executor
    from intentflow.synthesis import SynthesisResult


class CurateConfig(StrictModel):
    r"""Configuration of curation.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> labels = ["play_music()", "play_music()", "play_video()"]
        >>> lines = [f'{{"instruction": "play it", "output": "{label}"}}\n' for label in labels]
        >>> _ = Path("records.jsonl").write_text("".join(lines))
        >>> config = intentflow.CurateConfig(redact=False, dedup="none", conflicts="majority")
        >>> intentflow.curate("records.jsonl", "curated.jsonl", config).kept
        2
    """

    redact: bool = Field(
        True, description="Replace personal data by placeholders, in utterance and label"
    )
    dedup: Dedup = Field(
        "exact",
        description="exact: keep only the first of the rows with the same utterance and label; "
        "near: also remove rows that differ from a kept row with the same label by a typo or a "
        "filler word",
    )
    near_threshold: NearThreshold = NEAR_THRESHOLD
    conflicts: ConflictRule = Field(
        "list",
        description="Rule for an utterance with several labels: keep all and list them, keep the "
        "most frequent label (all in case of a tie), keep that of the last row, or drop all",
    )
    normalise_labels: bool = Field(
        False,
        description="Give names of intents that look alike (Unicode forms, invisible marks, case) "
        "their most frequent spelling",
    )


@dataclass(frozen=True)
class CurateSummary:
    """The result of curation.

    Attributes:
        rows: Number of rows read.
        kept: Number of these rows that were written.
        copies: Number of rows added as copies.
        digest: Content digest of the rows written.
        changes: Number of changed rows by kind.
        placeholders: Number of values replaced, by kind.
        clusters: Number of clusters of near-duplicate utterances; None if they were not searched.
        largest_cluster: Number of rows of the largest cluster; None likewise.
        written: Number of rows written.
        synthesis: Result of a synthesis; None if there was none.
    """

    rows: int
    kept: int
    copies: int
    digest: str
    changes: dict[str, int]
    placeholders: dict[str, int]
    clusters: int | None
    largest_cluster: int | None
    written: int
    synthesis: SynthesisResult | None = field(default=None)


def run_curate(
    records: str | Path,
    curated: str | Path,
    config: CurateConfig | None = None,
    *,
    balance: BalanceConfig | None = None,
    against: str | Path | None = None,
    changes: str | Path | None = None,
    report: str | Path | None = None,
    name: str = "records",
    journal: Path | None = None,
    executor: Executor | None = None,
) -> CurateSummary:
    r"""Clean records.

    Args:
        records: The rows.
        curated: The file to write.
        config: Redaction, duplicates, conflicts; the defaults if None.
        balance: Balancing of rare intents; none if None. Balance only training rows, after the
            split, because validation and test rows must not have copies or be synthetic.
        against: Test records; rows that are near one of them are left out. None for none.
        changes: JSON file for the list of changes; None for none.
        report: Redaction report, JSON if it ends in ``.json``, else a page; None for none.
        name: Name of the data set, for the page's heading.
        journal: File in which a synthesis records answers, so that a second run pays for nothing
            twice; None for none.
        executor: Executor of the work on rows; this process if None. The result is the same.

    Returns:
        Counts of rows, changes and placeholders, and the digest of what was written.

    Raises:
        InputError: A file cannot be read or written, or every row is near a test row.
        ServiceError: The teacher cannot be used.
        ModuleNotFoundError: Redaction or near-duplicates need the ``data`` extra, which is not
            installed.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> rows = '{"instruction": "play", "output": "play()"}\n' * 2
        >>> _ = (folder / "rows.jsonl").write_text(rows)
        >>> config = CurateConfig(redact=False)
        >>> run_curate(folder / "rows.jsonl", folder / "clean.jsonl", config).changes["duplicate"]
        1
    """
    settings, balancing = config or CurateConfig(), balance or BalanceConfig()
    numbers, examples = zip(*read_numbered_records(records), strict=True)
    result = curate(
        examples,
        numbers=numbers,
        test=() if against is None else read_records(against),
        redact=settings.redact,
        dedup=settings.dedup,
        near_threshold=settings.near_threshold,
        conflicts=settings.conflicts,
        normalise_labels=settings.normalise_labels,
        balance="none" if balancing.mode == "synthesize" else balancing.mode,
        seed=balancing.seed,
        executor=executor,
    )
    synthesis = None
    if balancing.mode == "synthesize":
        synthesis = synthesise_rows(result.examples, balancing, journal)
    made = synthesis.examples if synthesis else []
    digest = write_records(curated, [*result.examples, *made])
    if changes is not None:
        RowChange.write_rows(changes, result.changes)
    if report is not None:
        _write_report(report, result, name)
    return CurateSummary(
        rows=len(examples),
        kept=len(result.examples) - result.copies(),
        copies=result.copies(),
        digest=digest,
        changes=result.counts(),
        placeholders=result.placeholders(),
        clusters=result.clusters,
        largest_cluster=result.largest_cluster,
        written=len(result.examples) + len(made),
        synthesis=synthesis,
    )


def _write_report(path: str | Path, result: CurateResult, name: str) -> None:
    if Path(path).suffix:
        write_redaction_report(path, result.redactions, name=name)
    else:  # a file of the graph has no suffix
        write_report(path, redaction_html(result.redactions, name=name))

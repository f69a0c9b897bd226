"""Results of a conversion: counts by outcome and reason, and the errors for bad results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from intentflow.conversion.blocks import Part
from intentflow.conversion.export_format import REASONS
from intentflow.errors import CheckFailed, InputError

_NOT_OF_NAMES = frozenset({"cells", "not_utf8", "spans"})  # reasons that no other field would mend


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
        persons: Number of kept rows that have a person.
        origins: Format of each file and its annotators, by the file's name; not in what the command
            prints.
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
    persons: int = 0
    origins: dict[str, list[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The summary that the command prints."""
        summary = asdict(self)
        del summary["origins"]
        if not self.parameters:
            del summary["parameters"]
        if not self.persons:
            del summary["persons"]
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


class Tally:
    """Counts of the rows' outcomes."""

    def __init__(self) -> None:
        self.kept = self.class_names = self.persons = self._normalised = self._merged = 0
        self._reasons: Counter[str] = Counter()
        self.annotators: dict[str, set[str]] = {}

    def add(self, source: str, part: Part) -> None:
        """Count the rows of a part.

        Args:
            source: Name of its file.
            part: The part.
        """
        self.annotators.setdefault(source, set()).update(part.annotators)
        self.kept += part.rows
        self._normalised += part.normalised
        self.persons += part.persons
        self._merged += part.merged
        self._reasons.update(reject.reason for reject in part.rejects)

    def summary(
        self, seconds: float, digest: str, parameters: dict[str, list[str]]
    ) -> ConvertSummary:
        """The results of the conversion.

        Args:
            seconds: Wall time in seconds.
            digest: Digest of the rows written.
            parameters: Names of each intent's parameters in their order, where the export names
                them.
        """
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
            persons=self.persons,
        )


def check_result(
    summary: ConvertSummary, sources: Sequence[str], rejects: Path, limit: float | None, hint: str
) -> None:
    """Refuse a result without rows or with too many rejects.

    Args:
        summary: Results of the conversion.
        sources: Names of the exports, for the message.
        rejects: The file of rejected rows, for the message.
        limit: Maximum share of rejected rows in [0, 1]; no limit if None.
        hint: Names that the exports contain, for the message about no row.

    Raises:
        NoRowKept: No row was kept.
        TooManyRejects: The share of rejects exceeds the limit.
    """
    if not summary.kept:
        reason = next(iter(summary.reasons), "")
        found = _explain(summary, rejects)
        found += hint if hint and reason not in _NOT_OF_NAMES else _meaning(reason)
        found += _advice(reason, sources)
        raise NoRowKept(f"{', '.join(sources)}: no row was kept: {found}", summary)
    if limit is not None and summary.rejected > limit * summary.rows:
        rate = summary.rejected / summary.rows
        raise TooManyRejects(
            f"{rate:.1%} of the rows were rejected, more than the {limit:.1%} allowed: "
            f"{_explain(summary, rejects)}",
            summary,
        )


def _meaning(reason: str) -> str:
    """What the most frequent reason means, where no field can be named."""
    return f"; {reason}: {REASONS[reason]}" if reason else ""


def _advice(reason: str, sources: Sequence[str]) -> str:
    """The remedy for files whose names state another content, and for numbers as labels."""
    endings = {name.lower().removesuffix(".gz").rpartition(".")[2] for name in sources}
    if reason == "not_json" or (reason == "no_label" and "txt" in endings):
        return "; a table needs --format csv, or a name that ends in .csv or .tsv"
    if reason == "not_text":
        return "; where labels are numbers of classes, write the names of the classes instead"
    if not reason and endings & {"yml", "yaml"}:
        return "; YAML is read as training data of Rasa (nlu:, with examples)"
    return ""


def _explain(summary: ConvertSummary, rejects: Path) -> str:
    if not summary.rows:
        return "the files contain no rows"
    counts = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    return f"{counts} (see {rejects})"

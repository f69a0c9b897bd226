"""What validation says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from intentflow.artifacts.data_findings import Advice, DataFinding, DataFindings, Level
from intentflow.validate.dataset import IntentRows, Row


class NotCheckedError(Exception):
    """Raised by a check that cannot be made on these data; its text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found.

    Attributes:
        count: How many rows or intents it is about.
        message: What is the matter, without any utterance.
        advice: What to do.
        rows: The rows it is about, if it is about rows.
        notes: What to say about each of the rows, in their order; no utterance. May be empty.
        level: Where the check itself knows better than its level in the policy.
    """

    count: int
    message: str
    advice: str
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing about the data.

    Attributes:
        code: Stable name, also the key of its section in the data policy.
        level: ``error``, ``warning`` or ``info``.
        count: How many rows or intents it is about.
        message: What is the matter, without any utterance.
        advice: What to do.
        rows: A few of the rows, to show.
        notes: What to say about each of them; empty if nothing.
    """

    code: str
    level: Level
    count: int
    message: str
    advice: str = ""
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()

    def summary(self) -> DataFinding:
        """The finding as in the summary line."""
        return DataFinding(code=self.code, level=self.level, count=self.count, message=self.message)

    @classmethod
    def of(cls, code: str, found: Found, level: Level, examples: int) -> Finding:
        """What a check found, at the policy's level and with a few of its rows."""
        return cls(
            code=code,
            level=found.level or level,
            count=found.count,
            message=found.message,
            advice=found.advice,
            rows=tuple(found.rows[:examples]),
            notes=tuple(found.notes[:examples]),
        )


@dataclass(frozen=True)
class ValidationReport:
    """The outcome of all checks.

    Attributes:
        rows: Number of rows.
        intents: Rows by intent, most rows first.
        findings: Errors first, then warnings, then the rest.
        advice: Hyper-parameters by the guide's rules.
        skipped: Checks that were not made, and why.
    """

    rows: int
    intents: dict[str, IntentRows]
    findings: list[Finding]
    advice: Advice
    skipped: list[str] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Number of error-level findings."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of warning-level findings."""
        return sum(finding.level == "warning" for finding in self.findings)

    def summary(self) -> DataFindings:
        """The summary as the command prints it."""
        return DataFindings(
            rows=self.rows,
            intents=len(self.intents),
            errors=self.errors,
            warnings=self.warnings,
            findings=[finding.summary() for finding in self.findings],
            advice=self.advice,
            skipped=self.skipped,
        )

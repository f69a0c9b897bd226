"""Results of checks, findings and the validation report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from intentflow.artifacts.agreement import Agreement
from intentflow.artifacts.data_findings import Advice, DataFinding, DataFindings, FindingRow, Level
from intentflow.artifacts.training import TrainingEstimate
from intentflow.validation.dataset import IntentRows, Row


class NotCheckedError(Exception):
    """Raised by a check that is impossible for these data; its text states the reason."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check.

    Attributes:
        count: Number of affected rows or intents.
        message: The problem, without any utterance.
        advice: Recommended action.
        rows: The affected rows, if the check is about rows.
        notes: A note for each of the rows, in their order, without utterances. May be empty.
        level: Level that overrides that of the policy.
    """

    count: int
    message: str
    advice: str
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of the data, with the policy's level.

    Attributes:
        code: Stable name, also the key of its section in the data policy.
        level: ``error``, ``warning`` or ``info``.
        count: Number of affected rows or intents.
        message: The problem, without any utterance.
        advice: Recommended action.
        rows: The affected rows; empty if the problem is one of intents or of the set.
        notes: A note for each of them; may be empty.
        shown: Number of rows that a page shows as examples.
    """

    code: str
    level: Level
    count: int
    message: str
    advice: str = ""
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    shown: int = 0

    @property
    def noted_rows(self) -> list[tuple[Row, str]]:
        """Each affected row with its note, which is empty where there is none."""
        return list(zip(self.rows, self.notes or [""] * len(self.rows), strict=True))

    def lines(self) -> Iterator[FindingRow]:
        """Its rows as lines of ``findings.jsonl``."""
        for row, note in self.noted_rows:
            yield FindingRow(
                code=self.code,
                level=self.level,
                row=row.number,
                instruction=row.example.instruction,
                output=row.example.output,
                note=note or None,
            )

    def summary(self) -> DataFinding:
        """The finding as it appears in the summary line."""
        return DataFinding(code=self.code, level=self.level, count=self.count, message=self.message)

    @classmethod
    def of(cls, code: str, found: CheckResult, level: Level, examples: int) -> Finding:
        """The finding for a check's result, at the policy's level."""
        return cls(
            code=code,
            level=found.level or level,
            count=found.count,
            message=found.message,
            advice=found.advice,
            rows=tuple(found.rows),
            notes=tuple(found.notes),
            shown=examples,
        )


@dataclass(frozen=True)
class ValidationReport:
    """The results of all checks.

    Attributes:
        rows: Number of rows.
        intents: Rows by intent, most rows first.
        findings: Errors first, then warnings, then the rest.
        advice: Hyper-parameters by the guide's rules.
        skipped: Checks that were skipped, with the reason.
        agreement: Agreement of the annotators, if it was measured.
        estimate: Time and memory of the training, if it was asked for.
    """

    rows: int
    intents: dict[str, IntentRows]
    findings: list[Finding]
    advice: Advice
    skipped: list[str] = field(default_factory=list)
    agreement: Agreement | None = None
    estimate: TrainingEstimate | None = None

    @property
    def errors(self) -> int:
        """Number of findings of level error."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Number of findings of level warning."""
        return sum(finding.level == "warning" for finding in self.findings)

    def summary(self) -> DataFindings:
        """The summary that the command prints."""
        return DataFindings(
            rows=self.rows,
            intents=len(self.intents),
            errors=self.errors,
            warnings=self.warnings,
            findings=[finding.summary() for finding in self.findings],
            advice=self.advice,
            agreement=self.agreement,
            skipped=self.skipped,
            estimate=self.estimate,
        )

"""``metrics.json``: what was measured of a model, on which rows, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import Field, model_validator

from intentflow.artifacts.document import Artifact, Number, Section, Whole, read_json
from intentflow.artifacts.scores import (
    AT_END,
    Amount,
    ComparableRowShare,
    ComparableShare,
    Outcomes,
    RowShare,
    Score,
    Scores,
    Share,
    Throughput,
    scores_of,
)
from intentflow.errors import IntentflowError


class DocumentedScores(Section):
    """What the scorer of the training guide counts."""

    intent_accuracy: ComparableRowShare = None
    parameter_accuracy: ComparableRowShare = None


class IntentScores(Section):
    """Scores of one intent."""

    precision: Share = Field(None, description="Null where it was never predicted")
    recall: Share = None
    f1: Share = None
    support: Annotated[Whole, Score()] = Field(0, description="Gold calls")
    predicted: Whole = Field(0, description="Predicted calls")
    correct: Whole = Field(0, description="Gold calls that were predicted")

    @property
    def is_complete(self) -> bool:
        """Whether every score and the number of rows were given."""
        return all(self.holds(name) for name, _ in scores_of(IntentScores))


class Confusion(Section):
    """A wrong intent: what stood for what."""

    gold: str
    predicted: str
    count: Whole
    examples: list[str] = Field([], description="A few utterances, redacted")


class ReliabilityBin(Section):
    """Rows of like confidence."""

    low: Number
    high: Number
    n: Whole
    confidence: Number = Field(description="Mean of the bin's rows")
    accuracy: Number = Field(description="Share of the bin's rows that are right")


class CoveragePoint(Section):
    """The most confident answers, and how many of them are right."""

    coverage: Number = Field(description="Share of rows kept")
    threshold: Number = Field(description="Confidence of the least confident row kept")
    accuracy: Number


class CalibrationScores(Section):
    """How far confidences can be believed."""

    ece: Share = Field(None, description="Expected calibration error")
    ece_raw: Share = Field(None, description="The same before calibration")
    fitted: bool = Field(False, description="Whether the model has a calibration")
    bins: list[ReliabilityBin] = Field([], description="Ten of equal width; empty ones left out")
    coverage: list[CoveragePoint] = Field([], description="From few rows kept to all")


class ThresholdScores(Section):
    """Scores where unsure answers count as out of scope."""

    threshold: Share = Field(None, description="Confidence below which an answer is unsure")
    intent_accuracy: RowShare = None
    parameter_accuracy: RowShare = None
    oos_precision: Share = None
    oos_recall: Share = None
    replaced: Amount = Field(None, description="Answers below the threshold")


class Latency(Section):
    """Seconds for one answer."""

    p50: Amount = None
    p95: Amount = None


class Measured(Section):
    """What was measured on what: the same in scores and in a verdict about them."""

    model_digest: str | None = Field(None, description="SHA-256 of the model directory")
    data_digest: str | None = Field(None, description="SHA-256 of the rows")
    prompt_digest: str | None = Field(None, description="SHA-256 of the prompt")
    constrained: bool | None = Field(None, description="Whether answers kept to the taxonomy")
    engine: str | None = Field(None, description="What answered")


class Measurement(Measured, Throughput):
    """What was measured on what, and how."""

    latency_seconds: Latency | None = None
    taxonomy_digest: str | None = None
    served_by: str | None = None
    failed_rows: Amount = Field(None, description="Rows without an answer, which count as wrong")


class Metrics(Measurement, Scores, Artifact):
    """All that evaluation measured.

    Another tool may leave out everything but ``n``, and add scores of its own.
    """

    NOT_ONE: ClassVar[str] = "no scores in it (n is missing); is it a metrics.json?"
    SIGN: ClassVar[str] = "n"
    ADVICE: ClassVar[str] = "evaluate again"

    n: Annotated[Whole, Score()] = Field(description="Rows scored")
    documented: DocumentedScores | None = None
    intent_f1_micro: ComparableShare = None
    parameter_f1: Annotated[
        Number | None, Score(share=True, comparable=True, label="parameter F1")
    ] = Field(None, description="F1 over (intent, parameter) pairs")
    malformed_rate: RowShare = Field(None, description="Predictions that do not parse")
    off_taxonomy_rate: RowShare = Field(
        None, description="Predictions with an intent or parameters that the taxonomy lacks"
    )
    oos_precision: ComparableShare = Field(None, description="Precision of out of scope")
    oos_recall: ComparableShare = Field(None, description="Recall of out of scope")
    per_intent: Annotated[dict[str, IntentScores] | None, AT_END] = None
    confusion: Annotated[list[Confusion], AT_END] = Field(
        [], description="Wrong intents, the most frequent first"
    )
    calibration: CalibrationScores | None = None
    with_threshold: ThresholdScores | None = None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read ``metrics.json``, here or on ``s3://``.

        Raises:
            IntentflowError: Missing, not JSON, without rows, newer than this release, a key that
                is wrong, or outcomes of other rows.
        """
        constants: list[str] = []
        found = cls.from_mapping(read_json(path, constants), str(path))
        if constants:
            raise IntentflowError(
                f"{path}: holds {constants[0]}, which is no score: evaluate again"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """The document as it is written, what is long at its end."""
        found = self.model_dump()
        return dict(sorted(found.items(), key=lambda item: item[0] in _LONG))

    @classmethod
    def explain(cls, location: tuple[str, ...], message: str, document: Mapping[Any, Any]) -> str:
        """What is wrong with a key, and what to do."""
        if len(location) > 1 and location[0] == "outcomes":
            return _outcome_message(location[1], document["n"])
        return super().explain(location, message, document)

    @model_validator(mode="after")
    def _tells_of_its_rows(self) -> Self:
        if self.n < 1:
            raise ValueError(f"no row was scored (n is {self.n}), so nothing can be judged")
        for name, kind in OUTCOME_OF.items():
            if (outcome := self.outcome(kind)) is not None:
                _check_outcome(outcome, self.n, kind, getattr(self, name))
        if self.outcomes is not None and not _fits(self.outcomes, self.n):
            raise ValueError(_outcome_message("gold", self.n))
        return self


_LONG = {name for name, field in Metrics.model_fields.items() if AT_END in field.metadata}
_VARIANTS = (CalibrationScores, ThresholdScores)  # of confidences, not of the answers as they are
_ALL = dict(scores_of(Metrics))
METRICS = tuple(_ALL)
"""Names of all scores, those of a section behind its name and a dot."""
SHARES = tuple(name for name, score in _ALL.items() if score.share)
"""Scores in [0, 1]."""
RATES = tuple(name for name, score in scores_of(Metrics, _VARIANTS) if score.share)
"""Scores in [0, 1] of the answers as they are."""
COMPARABLE = tuple(name for name, score in _ALL.items() if score.comparable)
"""Scores of which more is better, so that two models can be compared by them."""
SHARES_OF_ROWS = tuple(name for name, score in _ALL.items() if score.of_rows)
"""Shares of all rows."""
OUTCOME_OF = {name: score.outcome for name, score in _ALL.items() if score.outcome}
"""Scores that ``outcomes`` tell of row by row, with the kind of outcome."""
LABELS = {name: score.label for name, score in _ALL.items() if score.label}
"""What a page calls the scores that it shows in large figures."""


def name_of(choose: Callable[[Metrics], object]) -> str:
    """The name of a score or section, so that it is spelled at its field alone.

    Example:
        >>> name_of(lambda metrics: metrics.malformed_rate)
        'malformed_rate'
    """
    return str(choose(cast(Metrics, _FieldNames())))


class _FieldNames:
    def __getattr__(self, name: str) -> str:
        return name


INTENT_ACCURACY = name_of(lambda metrics: metrics.intent_accuracy)
PARAMETER_ACCURACY = name_of(lambda metrics: metrics.parameter_accuracy)


def _check_outcome(outcome: str, n: int, kind: str, rate: float | None) -> None:
    if len(outcome) != n or set(outcome) - {"0", "1"}:
        raise ValueError(_outcome_message(kind, n))
    right = outcome.count("1")
    if rate is not None and abs(right - rate * n) > 0.5:
        raise ValueError(
            f"outcomes.{kind} has {right} right rows of {n}, the score says {rate:.4g}: "
            "the file was changed; evaluate again"
        )


def _fits(outcomes: Outcomes, n: int) -> bool:
    """Whether each row has one of the labels, or none is told of any."""
    if outcomes.gold is None:
        return True
    known = range(len(outcomes.labels or ()))
    return len(outcomes.gold) == n and all(place in known for place in outcomes.gold)


def _outcome_message(kind: str, n: int) -> str:
    if kind in OUTCOME_OF.values():
        return f"outcomes.{kind} is not one 0 or 1 for each of {n} rows"
    return f"outcomes.gold does not tell each of {n} rows its label"

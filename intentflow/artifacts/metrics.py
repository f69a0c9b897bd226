"""``metrics.json``: the scores of a model, with the data and conditions of the measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import Field, model_validator

from intentflow.artifacts.answer_scores import (
    Confusion,
    DocumentedScores,
    IntentScores,
    ParameterScores,
    SeveralIntentsScores,
)
from intentflow.artifacts.confidence_scores import (
    CalibrationScores,
    RankingScores,
    ThresholdScores,
)
from intentflow.artifacts.document import Artifact, Integer, Number, Section, read_json
from intentflow.artifacts.scores import (
    AT_END,
    Amount,
    ComparableShare,
    Outcomes,
    RowShare,
    Score,
    Scores,
    Throughput,
    scores_of,
)
from intentflow.errors import InputError


class Latency(Section):
    """Seconds for one answer."""

    p50: Amount = Field(None, description="Median, in seconds")
    p95: Amount = Field(None, description="95th percentile, in seconds")


class TokensPerRequest(Section):
    """Tokens that one request was charged for."""

    prompt: Amount = Field(None, description="Mean tokens of the prompt, cached ones included")
    answer: Amount = Field(
        None, description="Mean tokens of the answer, those of a hidden reasoning included"
    )


class Measured(Section):
    """The model and data of a measurement, in scores and in verdicts about them."""

    model_digest: str | None = Field(None, description="SHA-256 of the model directory")
    data_digest: str | None = Field(None, description="SHA-256 of the rows")
    prompt_digest: str | None = Field(None, description="SHA-256 of the prompt")
    constrained: bool | None = Field(
        None, description="Whether decoding was constrained to the taxonomy"
    )
    engine: str | None = Field(None, description="The engine that answered")
    engine_version: str | None = Field(
        None, description="Version of the engine; null if it states none, such as an endpoint"
    )
    quantization: str | None = Field(
        None, description="Format of the model's weights; null if they are not quantized"
    )
    grammar_backend: str | None = Field(
        None,
        description="Library that constrained the answers in the engine; null without constraint",
    )


class Measurement(Measured, Throughput):
    """The model, data and conditions of a measurement."""

    latency_seconds: Latency | None = Field(
        None, description="Seconds for one answer; null if nothing was timed"
    )
    tokens_per_request: TokensPerRequest | None = Field(
        None, description="Tokens of one request, as an endpoint states them; null if none did"
    )
    taxonomy_digest: str | None = Field(
        None, description="SHA-256 of the taxonomy; null if none was known"
    )
    served_by: str | None = Field(
        None, description="Name of the engine that gave the answers, the same as engine"
    )
    failed_rows: Amount = Field(None, description="Rows without an answer, which count as wrong")


class Metrics(Measurement, Scores, Artifact):
    """All scores of an evaluation.

    Another tool may leave out everything except ``n``, and add its own scores.
    """

    WRONG_KIND: ClassVar[str] = "contains no scores (n is missing); is it a metrics.json?"
    SIGN: ClassVar[str] = "n"
    ADVICE: ClassVar[str] = "evaluate again"

    n: Annotated[Integer, Score()] = Field(description="Rows scored")
    documented: DocumentedScores | None = Field(
        None, description="Scores as the training guide's own scorer counts them"
    )
    intent_f1_micro: ComparableShare = Field(
        None, description="F1 over the calls of all intents together"
    )
    parameter_f1: Annotated[
        Number | None, Score(share=True, comparable=True, label="parameter F1")
    ] = Field(
        None, description="F1 over (intent, parameter) pairs; null if no label has a parameter"
    )
    malformed_rate: RowShare = Field(None, description="Predictions that do not parse")
    off_taxonomy_rate: RowShare = Field(
        None, description="Predictions with an intent or parameters that the taxonomy lacks"
    )
    oos_precision: ComparableShare = Field(None, description="Precision of out of scope")
    oos_recall: ComparableShare = Field(None, description="Recall of out of scope")
    per_intent: Annotated[dict[str, IntentScores] | None, AT_END] = Field(
        None, description="Scores of each intent, by its name"
    )
    confusion: Annotated[list[Confusion], AT_END] = Field(
        [], description="Wrong intents, the most frequent first"
    )
    several_intents: SeveralIntentsScores | None = Field(
        None, description="Scores of rows with several intents; null in files of older releases"
    )
    per_parameter: Annotated[list[ParameterScores], AT_END] = Field(
        [], description="Scores of each parameter, in the order of intents and parameters"
    )
    calibration: CalibrationScores | None = Field(
        None, description="Reliability of confidences; null if the engine gives none"
    )
    ranking: RankingScores | None = Field(
        None, description="Scores of the ranked intents; null if the engine ranks none"
    )
    with_threshold: ThresholdScores | None = Field(
        None, description="Scores with the model's out-of-scope threshold; null if it has none"
    )

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read ``metrics.json``, local or on ``s3://``.

        Raises:
            InputError: The file is missing, not JSON, without rows, newer than this release,
                has an invalid key or a share outside [0, 1], or outcomes of other rows.
        """
        constants: list[str] = []
        found = cls.from_mapping(read_json(path, constants, advice=cls.ADVICE), str(path))
        if constants:
            raise InputError(
                f"{path}: contains {constants[0]}, which is not a score: evaluate again"
            )
        for name in SHARES:
            value = found.value(name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(
                    f"{path}: {name} is {value:g}, which is no share from 0 to 1: evaluate again, "
                    "or write 0.95 for 95 %"
                )
        return found

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values, with long parts at its end."""
        found = self.model_dump()
        return dict(sorted(found.items(), key=lambda item: item[0] in _LONG))

    @classmethod
    def explain(cls, location: tuple[str, ...], message: str, document: Mapping[Any, Any]) -> str:
        """The error message for a key, with advice."""
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
_VARIANTS = (CalibrationScores, ThresholdScores)  # scores of confidences, not of the plain answers
_ALL = dict(scores_of(Metrics))
METRICS = tuple(_ALL)
"""Names of all scores; those in a section have its name and a dot before them."""
SHARES = tuple(name for name, score in _ALL.items() if score.share)
"""Scores in [0, 1]."""
RATES = tuple(name for name, score in scores_of(Metrics, _VARIANTS) if score.share)
"""Scores in [0, 1] of the plain answers."""
COMPARABLE = tuple(name for name, score in _ALL.items() if score.comparable)
"""Scores that are better if higher, so that two models can be compared by them."""
SHARES_OF_ROWS = tuple(name for name, score in _ALL.items() if score.of_rows)
"""Shares of all rows."""
OUTCOME_OF = {name: score.outcome for name, score in _ALL.items() if score.outcome}
"""Scores with row-by-row ``outcomes``, and the kind of outcome."""
LABELS = {name: score.label for name, score in _ALL.items() if score.label}
"""Labels of the scores that a page shows in large figures."""


def name_of(choose: Callable[[Metrics], object]) -> str:
    """The name of a score or section, so that it is spelled only at its field.

    Example:
        >>> name_of(lambda metrics: metrics.malformed_rate)
        'malformed_rate'
    """
    return str(choose(cast(Metrics, _FieldNames())))


def why_null(name: str) -> str:
    """The reason why a score has no value, as far as its name gives it; empty if unknown.

    Args:
        name: Name of the score; a dot leads into a section.

    Example:
        >>> why_null("oos_recall")
        'the taxonomy names no out-of-scope intent, or no row has it'
    """
    return next((why for start, why in _WHY_NULL.items() if f"{name}.".startswith(f"{start}.")), "")


class _FieldNames:
    def __getattr__(self, name: str) -> str:
        return name


_NO_SCOPE = "the taxonomy names no out-of-scope intent, or no row has it"
_NOT_TIMED = "nothing was timed"
_WHY_NULL = {
    name_of(lambda metrics: metrics.intent_f1_micro): "no label can be read",
    name_of(lambda metrics: metrics.intent_f1_macro): "no label can be read",
    name_of(lambda metrics: metrics.parameter_f1): "no label of these rows has a parameter",
    name_of(lambda metrics: metrics.off_taxonomy_rate): "no taxonomy was known",
    name_of(lambda metrics: metrics.oos_precision): _NO_SCOPE,
    name_of(lambda metrics: metrics.oos_recall): _NO_SCOPE,
    name_of(lambda metrics: metrics.several_intents): "no row has several intents",
    name_of(lambda metrics: metrics.calibration): "the engine gives no confidence",
    name_of(lambda metrics: metrics.ranking): "the engine ranks no intents",
    name_of(lambda metrics: metrics.with_threshold): "the model has no out-of-scope threshold",
    name_of(lambda metrics: metrics.latency_seconds): _NOT_TIMED,
    name_of(lambda metrics: metrics.tokens_per_request): "the engine states no tokens",
    name_of(lambda metrics: metrics.rows_per_second): _NOT_TIMED,
}
INTENT_ACCURACY = name_of(lambda metrics: metrics.intent_accuracy)
PARAMETER_ACCURACY = name_of(lambda metrics: metrics.parameter_accuracy)
TOP3_ACCURACY = "top3_accuracy"
"""The score of a ranking, in its section."""
FALSE_ALARM_RATE = "false_alarm_rate"
"""The score of the out-of-scope threshold, in its section."""


def _check_outcome(outcome: str, n: int, kind: str, rate: float | None) -> None:
    if len(outcome) != n or set(outcome) - {"0", "1"}:
        raise ValueError(_outcome_message(kind, n))
    right = outcome.count("1")
    if rate is not None and abs(right - rate * n) > 0.5:
        raise ValueError(
            f"outcomes.{kind} has {right} correct rows of {n}, but the score is {rate:.4g}: "
            "the file was changed; evaluate again"
        )


def _fits(outcomes: Outcomes, n: int) -> bool:
    """Whether each row has one of the labels, or no row has any."""
    if outcomes.gold is None:
        return True
    known = range(len(outcomes.labels or ()))
    return len(outcomes.gold) == n and all(place in known for place in outcomes.gold)


def _outcome_message(kind: str, n: int) -> str:
    if kind in OUTCOME_OF.values():
        return f"outcomes.{kind} is not one 0 or 1 for each of {n} rows"
    return f"outcomes.gold does not have a label for each of {n} rows"

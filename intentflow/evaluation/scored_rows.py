"""Scored rows: one row with its gold answer and its prediction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from intentflow.calls import (
    Call,
    CallSyntaxError,
    OutputFormat,
    comparable_call,
    parse_calls,
    parse_output,
    same_calls,
    same_intents,
)
from intentflow.evaluation.guide_scorer import documented_intent, documented_parameters
from intentflow.inference.intent_distribution import Ranking
from intentflow.lookalikes import comparable
from intentflow.taxonomy import Taxonomy

NO_INTENT = "(none)"  # the missing side of a confusion


@dataclass(frozen=True, slots=True)
class Scored:
    """One row with its gold answer, its prediction and the outcome.

    Attributes:
        predicted: Calls of the prediction; None if it does not parse.
        raw_confidence: The engine's confidence in [0, 1]; None if it has none.
        confidence: Raw confidence, calibrated if the model has a calibration.
        seconds: Time for the answer; None if the answer was given.
        margin: Smallest lead of a token over the second best, in nats; None if unknown.
        ranking: Probability of every intent to be the answer's first; None if unknown.
        own_intent: Intent that the model without its classifier puts first; None without one.
    """

    instruction: str
    gold_text: str
    prediction: str
    gold: list[Call] | None
    predicted: list[Call] | None
    intent_right: bool
    parameters_right: bool
    off_taxonomy: bool
    documented_intent_right: bool
    documented_parameters_right: bool
    raw_confidence: float | None = None
    confidence: float | None = None
    seconds: float | None = None
    margin: float | None = None
    ranking: Ranking | None = None
    own_intent: str | None = None

    @property
    def gold_intents(self) -> Counter[str]:
        """Names of the gold calls; if the gold answer does not parse, its beginning."""
        return intent_names(self.gold or _unparsed_name(self.gold_text))


def score_row(
    instruction: str,
    gold_text: str,
    prediction: str,
    taxonomy: Taxonomy | None = None,
    output_format: OutputFormat = "call",
) -> Scored:
    """Compare one prediction with its gold answer.

    Args:
        instruction: The utterance.
        gold_text: The label, in the call language.
        prediction: The model's answer, in ``output_format``.
        taxonomy: Intents that the model may answer; None if unknown.
        output_format: Format of the prediction.

    Example:
        >>> row = score_row("play some jazz", "play_music(jazz)", "play_music(blues)")
        >>> row.intent_right, row.parameters_right
        (True, False)
    """
    gold = _comparable(_read(gold_text, "call"))
    answer = _read(prediction, output_format)
    predicted = _comparable(answer)
    same_text = comparable(gold_text).strip() == comparable(prediction).strip()
    both = gold is not None and predicted is not None
    intent_right = same_text or (both and same_intents(gold or [], predicted or []))
    parameters_right = same_text or (both and same_calls(gold or [], predicted or []))
    off = taxonomy is not None and any(not taxonomy.accepts(call) for call in answer or [])
    return Scored(
        instruction,
        gold_text,
        prediction,
        gold,
        predicted,
        intent_right,
        parameters_right,
        off,
        documented_intent(gold_text, _as_calls(prediction, answer, output_format)),
        documented_parameters(gold_text, _as_calls(prediction, answer, output_format)),
    )


def _read(text: str, output_format: OutputFormat) -> list[Call] | None:
    try:
        return parse_output(text, output_format)
    except CallSyntaxError:
        return None


def _comparable(calls: list[Call] | None) -> list[Call] | None:
    return None if calls is None else list(map(comparable_call, calls))


def _as_calls(prediction: str, predicted: list[Call] | None, output_format: OutputFormat) -> str:
    """A prediction in the form of the guide's scorer; JSON answers are written as plain calls."""
    if output_format == "call" or predicted is None:
        return prediction
    return "; ".join(f"{call.intent}({','.join(call.parameters)})" for call in predicted)


def intent_names(calls: list[Call] | None) -> Counter[str]:
    """Number of occurrences of each intent; empty for an answer that does not parse."""
    return Counter(call.intent for call in calls or [])


def _unparsed_name(text: str) -> list[Call]:
    """The name of a gold answer that does not parse, only for confusions and labels."""
    try:
        return parse_calls(text)
    except CallSyntaxError:
        return [Call(text.split("(")[0].strip() or NO_INTENT)]

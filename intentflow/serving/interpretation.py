"""Interpretation of a model's answer: calls of its taxonomy, confidence, in or out of scope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from intentflow.calls import Call, parse_output
from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.intent_distribution import Ranking
from intentflow.inference.scope import is_out_of_scope
from intentflow.serving.backend import ModelAnswer
from intentflow.serving.model_files import ServedModel
from intentflow.serving.schemas.predict import IntentPrediction, PredictedCall, ProbableIntent


@dataclass(frozen=True)
class Interpretation:
    """Intents and parameters recognized in a dialogue.

    Attributes:
        calls: The calls, or the out-of-scope call where the model was not sure enough.
        text: The model's own answer.
        confidence: Probability in [0, 1] that the intents are right: calibrated where the model
            has a calibration; None where the backend gives no probabilities.
        out_of_scope: Whether none of the taxonomy's intents is meant.
        latency_seconds: Time of the answer, the backend's included.
        model: The model that answered.
        ranking: Intents with their probability of being the first; None if the backend has none.
    """

    calls: list[Call]
    text: str
    confidence: float | None
    out_of_scope: bool
    latency_seconds: float
    model: ServedModel
    ranking: Ranking | None = None

    def as_prediction(self, top_k: int = 0) -> IntentPrediction:
        """The same as the API gives it, with the ``top_k`` most probable intents."""
        return IntentPrediction(
            calls=[_typed(call, self.model) for call in self.calls],
            text=self.text,
            confidence=None if self.confidence is None else round(self.confidence, 6),
            out_of_scope=self.out_of_scope,
            latency_seconds=round(self.latency_seconds, 6),
            ranking=_first_ranked(self.ranking, top_k) if self.ranking and top_k else None,
        )


def interpret(answer: ModelAnswer, seconds: float) -> Interpretation:
    """Read an answer that the taxonomy admits.

    Args:
        answer: The model's answer.
        seconds: Time that it took.
    """
    model = answer.model
    calls = parse_output(answer.text, model.structure.output_format)
    confidence, scope_call = judge(answer.confidence, answer.ranking, model)
    calls = [scope_call] if scope_call else calls
    scope = model.taxonomy.out_of_scope
    outside = scope is not None and any(call.intent == scope for call in calls)
    facts = calls, answer.text, confidence, outside, seconds
    return Interpretation(*facts, model, answer.ranking)


def judge(
    confidence: float | None, ranking: Ranking | None, model: ServedModel
) -> tuple[float | None, Call | None]:
    """Calibrate a confidence, and decide whether an answer counts as out of scope.

    Args:
        confidence: Raw confidence of the answer.
        ranking: The ranked intents.
        model: The model that answered.

    Returns:
        The calibrated confidence, and the out-of-scope call to answer instead; None to keep the
        answer.
    """
    calibration, scope = model.calibration, model.taxonomy.out_of_scope
    if calibration is not None and confidence is not None:
        confidence = calibration.apply(confidence)
    if scope is None or not is_out_of_scope(calibration, confidence, ranking, scope):
        return confidence, None
    return confidence, Call(scope)


def is_admitted(answer: ModelAnswer) -> bool:
    """Whether an answer consists of calls that its model's taxonomy accepts."""
    return answer.model.structure.admits(answer.text)


def close_answer(answer: ModelAnswer, max_tokens: int) -> ModelAnswer:
    """An answer that ran on to our own limit of tokens, closed inside the taxonomy if possible.

    One that a client wanted shorter stays as it is.
    """
    is_constrained = answer.model.constrained
    if answer.ended or max_tokens < MAX_NEW_TOKENS or not is_constrained or is_admitted(answer):
        return answer
    closed = answer.model.structure.close(answer.text)
    return answer if closed is None else replace(answer, text=closed)


def _first_ranked(ranking: Ranking, top_k: int) -> list[ProbableIntent]:
    return [
        ProbableIntent(intent=intent, probability=round(probability, 6))
        for intent, probability in islice(ranking.items(), min(top_k, len(ranking)))
    ]


def _typed(call: Call, model: ServedModel) -> PredictedCall:
    """Intent, parameters in order, and the same by the taxonomy's names for them."""
    intent = model.taxonomy.intents.get(call.intent)
    names = intent.parameters if intent else []
    values = list(call.parameters)
    arguments = dict(zip(names, values, strict=False))
    return PredictedCall(intent=call.intent, parameters=values, arguments=arguments)

"""Typed calls from an answer's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from intentflow.calls import Call, CallSyntaxError, parse_output
from intentflow.errors import CheckFailed
from intentflow.inference.engines import Engine


@dataclass(frozen=True)
class Prediction:
    """What an utterance was understood as.

    Attributes:
        utterance: What the user said.
        calls: The intents with their parameters.
        seconds: How long the answer took.
    """

    utterance: str
    calls: list[Call]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """As ``intentflow predict`` prints it."""
        calls = [{"intent": c.intent, "parameters": list(c.parameters)} for c in self.calls]
        return {"utterance": self.utterance, "calls": calls, "seconds": round(self.seconds, 3)}


def predict(engine: Engine, utterance: str) -> Prediction:
    """Ask an engine for one utterance.

    Raises:
        CheckFailed: The answer is in neither output format.
    """
    answer = engine.answer([utterance])[0]
    try:
        calls = parse_output(answer.text, "json" if answer.text.startswith("[") else "call")
    except CallSyntaxError as error:
        raise CheckFailed(
            f"the model answered {answer.text[:120]!r}, which is no call: {error}"
        ) from None
    return Prediction(utterance, calls, answer.seconds)

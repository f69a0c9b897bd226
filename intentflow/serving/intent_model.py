"""A model directory that is asked from Python: utterances in, typed calls out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.calls import Call, CallSyntaxError, parse_output
from intentflow.errors import CheckFailed, InputError, UsageError
from intentflow.io.surrogates import is_unicode
from intentflow.serving.interpretation import judge

if TYPE_CHECKING:
    from intentflow.inference.engines import Answer, Engine
    from intentflow.serving.model_files import ServedModel


@dataclass(frozen=True)
class Prediction:
    """The calls that were recognised in an utterance.

    Attributes:
        utterance: Text of the user.
        calls: The intents with their parameters.
        seconds: Time that the answer took.
        confidence: Probability that the intents are right, in [0, 1], calibrated if the model has a
            calibration; None if the engine gives none.

    Example:
        >>> found = Prediction("some jazz", [Call("play", ("jazz",))], 0.0412)
        >>> found.calls[0].intent, found.confidence
        ('play', None)
    """

    utterance: str
    calls: list[Call]
    seconds: float
    confidence: float | None = None


class IntentModel:
    """An engine whose answers are typed.

    Args:
        engine: Engine that answers: a model loaded in this process, or an endpoint.
        model: The engine's model, whose calibration and out-of-scope threshold are applied as by
            a service; None if they are unknown, as an endpoint's are.

    Example:
        With ``model_directory`` a folder that :func:`intentflow.train` wrote:

        >>> model = load_model(model_directory)
        >>> [type(call).__name__ for call in model.ask("play some jazz").calls]
        ['Call']
    """

    def __init__(self, engine: Engine, model: ServedModel | None = None) -> None:
        self._engine = engine
        self._model = model

    def ask(self, utterance: str) -> Prediction:
        """The calls in one utterance.

        Args:
            utterance: Text of the user.

        Raises:
            InputError: The utterance is empty, or too long for the model.
            CheckFailed: The answer is in neither output format.
        """
        return self.ask_all([utterance])[0]

    def ask_all(self, utterances: Sequence[str]) -> list[Prediction]:
        """The calls in each utterance, in order; many are decoded together.

        Raises:
            UsageError: One utterance is given in place of a list.
            InputError: An utterance is empty, or too long for the model.
            CheckFailed: An answer is in neither output format.
        """
        if isinstance(utterances, str):
            raise UsageError("ask_all takes a list of utterances; ask takes one")
        if any(not utterance.strip() for utterance in utterances):
            raise InputError("the utterance is empty")
        require_unicode(utterances)
        answers = self._engine.answer(utterances)
        return [
            _prediction(utterance, answer, self._model)
            for utterance, answer in zip(utterances, answers, strict=True)
        ]


def load_model(folder: str | Path, *, constrained: bool = True) -> IntentModel:
    """Load a model directory into this process.

    Args:
        folder: Model directory, as :func:`intentflow.train` writes it.
        constrained: Whether answers are kept inside the model's taxonomy.

    Raises:
        InputError: Not a complete model directory.
        ModuleNotFoundError: The ``train`` extra is not installed.

    Example:
        With ``model_directory`` a folder that :func:`intentflow.train` wrote:

        >>> import intentflow
        >>> model = intentflow.load_model(model_directory)
        >>> [found.utterance for found in model.ask_all(["play some jazz", "rain in Rome"])]
        ['play some jazz', 'rain in Rome']
    """
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.model_files import read_served_model

    engine = TransformersEngine(folder, constrained=constrained)
    return IntentModel(engine, read_served_model(str(folder), constrained=constrained))


def require_unicode(utterances: Sequence[str]) -> None:
    """Refuse texts with bytes that are no characters, as of an argument that is not UTF-8.

    Raises:
        InputError: One of them has such bytes, or half of a surrogate pair.
    """
    if not all(map(is_unicode, utterances)):
        raise InputError("the utterance is not Unicode text: write it as UTF-8")


def _prediction(utterance: str, answer: Answer, model: ServedModel | None) -> Prediction:
    try:
        calls = parse_output(answer.text, "json" if answer.text.startswith("[") else "call")
    except CallSyntaxError as error:
        raise CheckFailed(
            f"the model answered {answer.text[:120]!r}, which is no call: {error}"
        ) from None
    if model is None:
        return Prediction(utterance, calls, answer.seconds, answer.confidence)
    confidence, scope_call = judge(answer.confidence, answer.ranking, model)
    calls = [scope_call] if scope_call else calls
    return Prediction(utterance, calls, answer.seconds, confidence)

"""KServe's V1 protocol: utterances in, typed calls out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Discriminator, Field, Tag

from intentflow.serving.schemas.common import ChatMessage, Person, Text, TopK


class UtteranceInstance(BaseModel):
    """An utterance by itself."""

    utterance: Text = Field(description="The utterance")


class DialogueInstance(BaseModel):
    """The messages of a dialogue."""

    messages: list[ChatMessage] = Field(
        min_length=1, description="The dialogue, oldest message first"
    )


def _kind(instance: object) -> str | None:
    if isinstance(instance, str):
        return "text"
    if isinstance(instance, UtteranceInstance | DialogueInstance):
        return "utterance" if isinstance(instance, UtteranceInstance) else "messages"
    keys = instance if isinstance(instance, Mapping) else ()
    return next((key for key in ("utterance", "messages") if key in keys), None)


Instance = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[UtteranceInstance, Tag("utterance")]
    | Annotated[DialogueInstance, Tag("messages")],
    Discriminator(
        _kind,
        custom_error_type="instance",
        custom_error_message="an instance is a text, or an object with utterance or messages",
    ),
]


class PredictRequest(BaseModel):
    """Utterances and dialogues to recognize, each by itself."""

    instances: list[Instance] = Field(min_length=1, description="Texts, utterances or dialogues")
    top_k: TopK | None = Field(
        None,
        description="Number of most probable intents to rank in each prediction; null for none",
    )
    person: Person = None


class PredictedCall(BaseModel):
    """An intent with its parameters, in order and by the taxonomy's names."""

    intent: str = Field(description="Name of the intent in the taxonomy")
    parameters: list[str] = Field(description="Values of its parameters, in the taxonomy's order")
    arguments: dict[str, str] = Field(description="Values of its parameters, by their names")


class ProbableIntent(BaseModel):
    """An intent with its probability."""

    intent: str = Field(description="Name of the intent in the taxonomy")
    probability: float = Field(description="Probability of being the answer's first, from 0 to 1")


class IntentPrediction(BaseModel):
    """Intents and parameters recognized in one instance.

    ``text`` is the model's own answer; ``confidence``, in [0, 1], is null where the model gives no
    probabilities.
    """

    calls: list[PredictedCall] = Field(description="The recognized intents with their parameters")
    text: str = Field(description="The model's own answer")
    confidence: float | None = Field(
        description="Confidence from 0 to 1; null if the model gives no probabilities"
    )
    out_of_scope: bool = Field(
        description="Whether the utterance belongs to none of the other intents"
    )
    latency_seconds: float = Field(description="Seconds for the answer, the model's included")
    ranking: list[ProbableIntent] | None = Field(
        None,
        description="The top_k most probable intents, the most probable one first; null if not "
        "asked for, or if the model was not trained with intent_tokens",
    )


class PredictResponse(BaseModel):
    """A prediction for each instance, in order."""

    predictions: list[IntentPrediction] = Field(description="One for each instance, in order")


class AnsweredUtterance(BaseModel):
    """An utterance with its answer, as ``intentflow predict`` prints it.

    Whatever answers, the keys are the same; facts that it does not give are null.

    Example:
        >>> calls = [PredictedCall(intent="play", parameters=["jazz"], arguments={"what": "jazz"})]
        >>> AnsweredUtterance(utterance="some jazz", calls=calls, seconds=0.04).confidence is None
        True
    """

    utterance: str = Field(description="Text of the user")
    calls: list[PredictedCall] = Field(
        description="The recognized intents; arguments are empty if the parameters' names are "
        "unknown, as those of a plain endpoint are"
    )
    confidence: float | None = Field(
        None, description="Probability that the intents are right, from 0 to 1"
    )
    out_of_scope: bool | None = Field(
        None, description="Whether the utterance belongs to none of the other intents"
    )
    seconds: float = Field(description="Seconds for the answer")
    request_id: str | None = Field(None, description="Id of the request in the service's log")
    ranking: list[ProbableIntent] | None = Field(
        None,
        description="The most probable intents that --top-k asks for, the most probable one "
        "first; null if not asked for, or if the model was not trained with intent_tokens",
    )

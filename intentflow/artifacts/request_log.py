"""Lines of the request log: requests, disagreements of a shadow, corrections; all redacted."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from intentflow.artifacts.document import Integer, JsonDocument, Number, Rate
from intentflow.persons import is_person_hash


def _require_hash(text: str) -> str:
    if not is_person_hash(text):
        raise ValueError("is no keyed hash of a person")
    return text


PersonHash = Annotated[str, AfterValidator(_require_hash)]
"""Keyed hash of a person, see :mod:`intentflow.persons`."""


class LogLine(JsonDocument):
    """The keys that requests and corrections have in common."""

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"rounds", "person"})
    """Keys that a line has only with another value than the usual one."""

    request_id: str = Field(description="Identifier of the request")
    time: str = Field(description="Time in UTC, ISO 8601, with milliseconds")
    model_digest: str | None = Field(
        description="Digest of the model that answered; null where it is served from a folder"
    )
    prompt_digest: str = Field(description="Digest of its prompt")
    instruction: str = Field(description="The utterance, with placeholders for personal data")
    rounds: Integer = Field(
        1, description="Number of the user's turns that the utterance joins; left out if 1", ge=1
    )
    person: PersonHash | None = Field(
        None, description="Keyed hash of the person who asked; left out if unknown"
    )

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON values, without what is unknown and may be left out."""
        document = self.model_dump()
        return {
            key: value
            for key, value in document.items()
            if key not in self.LEFT_OUT or value != type(self).model_fields[key].default
        }


class LoggedRequest(LogLine):
    """A request and its answer, a line in ``requests/``."""

    WRONG_KIND: ClassVar[str] = "not a logged request"
    ADVICE: ClassVar[str] = "give the request log of a service"

    prediction: str = Field(description="The answer, in the call language")
    confidence: Rate | None = Field(
        description="Share of correct answers among similar ones; null if unknown"
    )
    latency_seconds: Number = Field(description="Time of the answer")


class LoggedDisagreement(LogLine):
    """A request that the shadow answered differently, a line in ``disagreements/``."""

    WRONG_KIND: ClassVar[str] = "not a logged disagreement"

    prediction: str = Field(description="The answer that the client got, in the call language")
    confidence: Rate | None = Field(description="Confidence of the answer; null if unknown")
    latency_seconds: Number = Field(description="Time of that answer")
    shadow_digest: str | None = Field(
        description="Digest of the shadow's model; null where it is served from a folder"
    )
    shadow_prediction: str = Field(description="The shadow's answer, in the call language")
    shadow_confidence: Rate | None = Field(
        description="Confidence of the shadow's answer; null if unknown"
    )
    shadow_latency_seconds: Number = Field(description="Time of the shadow's answer")


class LoggedCorrection(LogLine):
    """A client's correction of an answer, a line in ``feedback/``."""

    WRONG_KIND: ClassVar[str] = "not a logged correction"
    LEFT_OUT: ClassVar[frozenset[str]] = LogLine.LEFT_OUT | {"prediction", "note", "annotator"}

    output: str = Field(description="The right answer, in the call language")
    prediction: str | None = Field(None, description="The wrong answer; left out if unknown")
    note: str | None = Field(None, description="A remark for reviewers; left out if there is none")
    annotator: str | None = Field(
        None, description="Annotator: a person's pseudonym or a tool; left out if unknown"
    )

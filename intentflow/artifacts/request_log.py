"""Lines of the request log: requests of clients, and their corrections, both redacted."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from intentflow.artifacts.document import JsonDocument, Number, Rate


class LogLine(JsonDocument):
    """The keys that requests and corrections have in common."""

    request_id: str = Field(description="Identifier of the request")
    time: str = Field(description="Time in UTC, ISO 8601, with milliseconds")
    model_digest: str | None = Field(
        description="Digest of the model that answered; null where it is served from a folder"
    )
    prompt_digest: str = Field(description="Digest of its prompt")
    instruction: str = Field(description="The utterance, with placeholders for personal data")


class LoggedRequest(LogLine):
    """A request and its answer, a line in ``requests/``."""

    WRONG_KIND: ClassVar[str] = "not a logged request"
    ADVICE: ClassVar[str] = "give the request log of a service"

    prediction: str = Field(description="The answer, in the call language")
    confidence: Rate | None = Field(
        description="Share of correct answers among similar ones; null if unknown"
    )
    latency_seconds: Number = Field(description="Time of the answer")


class LoggedCorrection(LogLine):
    """A client's correction of an answer, a line in ``feedback/``."""

    WRONG_KIND: ClassVar[str] = "not a logged correction"

    output: str = Field(description="The right answer, in the call language")
    prediction: str | None = Field(None, description="The wrong answer; left out if unknown")
    note: str | None = Field(None, description="A remark for reviewers; left out if there is none")
    annotator: str | None = Field(
        None, description="Annotator: a person's pseudonym or a tool; left out if unknown"
    )

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON values, without what the client left out."""
        document = self.model_dump()
        return {
            key: value
            for key, value in document.items()
            if value is not None or key not in ("prediction", "note", "annotator")
        }

"""Parts that several routes share."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from intentflow.io.surrogates import is_unicode


def _require_unicode(text: str) -> str:
    """JSON can write half of a surrogate pair, which no file or model can take."""
    if not is_unicode(text):
        raise ValueError("the text holds half of a surrogate pair")
    return text


Text = Annotated[str, AfterValidator(_require_unicode)]


Person = Annotated[
    Text | None,
    Field(
        description="Id of the person who asks, of which the log keeps a keyed hash, so that the "
        "person's rows can be erased; it reaches no model"
    ),
]

TopK = Annotated[int, Field(ge=1, strict=True)]
"""A number of intents; more than exist means all of them."""


class TextPart(BaseModel):
    """A content part; only text is understood."""

    type: Literal["text"] = Field("text", description="Kind of the part")
    text: Text = Field(description="The text")


class MadeCall(BaseModel):
    """A call of a tool that an earlier answer made."""

    id: Text = Field(description="Identifier of the call, which its result names")


class ChatMessage(BaseModel):
    """A message of a dialogue."""

    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(
        description="Author of the message; the user's messages are what is recognized"
    )
    content: Text | Annotated[list[TextPart], Field(min_length=1)] | None = Field(
        None,
        description="The text, or parts that are joined; null only where an assistant calls tools",
    )
    tool_calls: list[MadeCall] | None = Field(
        None, description="Calls that the assistant made, as they were answered"
    )
    tool_call_id: Text | None = Field(
        None, description="Identifier of the call whose result the content of a tool is"
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.content is None and not (self.role == "assistant" and self.tool_calls):
            raise ValueError("content is missing")
        if self.role == "tool" and self.tool_call_id is None:
            raise ValueError("tool_call_id is missing: name the call whose result this is")
        return self

    @property
    def text(self) -> str:
        """The content; text parts are joined as the model's own template joins them."""
        if self.content is None:
            return ""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StatusResponse(BaseModel):
    """The service's own state."""

    status: str = Field(description="State of the service in one word")


class ErrorResponse(BaseModel):
    """A request that was not answered; KServe's routes and ``/feedback``."""

    error: str = Field(description="The reason in one line")


class OpenAIErrorDetail(BaseModel):
    """Reason why a request was not answered."""

    message: str = Field(description="The reason in one line")
    type: Literal["invalid_request_error", "server_error"] = Field(
        description="Whether the request or the server has to change"
    )
    code: int = Field(description="HTTP status")


class OpenAIErrorResponse(BaseModel):
    """A request that was not answered; OpenAI's routes."""

    error: OpenAIErrorDetail = Field(description="The reason, its kind and the status")

"""Responses other than success: a status and one line, in the form that the route has."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

_OPENAI_PREFIXES = ("/v1/", "/openai/")
_KSERVE_VERBS = (":predict", ":explain")
_RETRY_SECONDS = 5
_MAX_CHARACTERS = 500


class ReplyError(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        message: One line for the client; holds nothing of another request.
        retry_after_seconds: Seconds until a retry may succeed; None where it cannot.
    """

    def __init__(self, status: int, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = _one_line(message)
        self.retry_after_seconds = retry_after_seconds

    def document(self, path: str) -> dict[str, Any]:
        """Body of the response to a request for a path.

        OpenAI's routes have ``{"error": {"message", "type", "code"}}``, KServe's and ``/feedback``
        have ``{"error": "message"}``.
        """
        if not _is_openai(path):
            return {"error": self.message}
        return self.openai_document()

    def openai_document(self) -> dict[str, Any]:
        """Body as OpenAI's clients read it; also the data of a stream's error event."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "code": self.status}}

    def response(self, path: str) -> JSONResponse:
        """Response to a request for a path, with the headers that belong to the status."""
        headers = {}
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.document(path), self.status, headers)


def unavailable(message: str) -> ReplyError:
    """An error that may pass: 503, with the seconds after which to retry."""
    return ReplyError(503, f"{message}; retry later", _RETRY_SECONDS)


def outside_taxonomy() -> ReplyError:
    """An answer that is not one of the model's taxonomy: 502."""
    return ReplyError(502, "the model's answer is not a call of the taxonomy")


def no_answer_within(seconds: float) -> ReplyError:
    """An answer that took too long: 504."""
    return ReplyError(504, f"there was no answer within {seconds:g} s")


def _one_line(message: str) -> str:
    """The message without the control characters and the length of what a client sent."""
    shown = message[:_MAX_CHARACTERS]
    return "".join(character if character.isprintable() else "?" for character in shown)


def _is_openai(path: str) -> bool:
    """Whether OpenAI's clients ask for the path; KServe's V1 has verbs below the same prefix."""
    return path.startswith(_OPENAI_PREFIXES) and not path.endswith(_KSERVE_VERBS)

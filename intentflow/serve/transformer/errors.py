"""Answers other than success: a status and one line."""

from __future__ import annotations

from typing import Any

OPENAI = "/openai/"


class ServiceError(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        message: One line for the client; holds nothing of another request.
        retry_after_seconds: When it may be worth another try.
    """

    def __init__(self, status: int, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_seconds = retry_after_seconds

    def document(self, path: str) -> dict[str, Any]:
        """The body of the answer: as OpenAI's clients read it where they ask, else one line."""
        if not path.startswith(OPENAI):
            return {"error": self.message}
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "code": self.status}}

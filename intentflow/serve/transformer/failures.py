"""Answers other than success: a status and one line."""

from __future__ import annotations


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

"""Error messages for failures of a teacher: one line with advice, without the API key."""

from __future__ import annotations

from intentflow.errors import ServiceError
from intentflow.openai_api.faults import Fault, excerpt, status_fault
from intentflow.synthesis.teacher import Teacher


class TeacherError(ServiceError):
    """The teacher cannot be used."""


def fault_of(error: Exception, teacher: Teacher, key: str | None) -> Fault:
    """Translate an error of the client library, of parsing a reply or of a timeout.

    Args:
        error: The exception.
        teacher: Configuration whose names the message uses.
        key: The API key, which must not be shown.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, (TimeoutError, APITimeoutError)):
        return Fault(
            f"no complete reply within {teacher.timeout_seconds:g} seconds: raise timeout_seconds, "
            "or lower phrasings_per_request",
            billed=True,
        )
    if isinstance(error, APIStatusError):
        headers = dict(error.response.headers)
        return _status_fault(error.status_code, headers, excerpt(error.message, key), teacher)
    if isinstance(error, APIConnectionError):
        return _connection_fault(error, key)
    return Fault(
        "its reply is not that of an OpenAI endpoint: check base_url, which usually ends in /v1",
        billed=True,
    )


def _connection_fault(error: Exception, key: str | None) -> Fault:
    from intentflow.openai_api.bounded import MAX_REPLY_BYTES, ReplyTooLong

    if isinstance(error.__cause__, ReplyTooLong):
        return Fault(
            f"its reply exceeds {MAX_REPLY_BYTES:,} bytes, or is compressed, which was not "
            "requested: is base_url right?",
            billed=True,
        )
    cause = excerpt(str(error.__cause__ or error), key).rstrip(".")
    return Fault(f"no connection ({cause}): is it running, and is base_url right?")


def _status_fault(status: int, headers: dict[str, str], body: str, teacher: Teacher) -> Fault:
    if status in (401, 403):
        where = f"set {teacher.api_key_env}" if teacher.api_key_env else "set api_key_env"
        return Fault(f"it refused the key (HTTP {status}): {where}", retryable=False, status=status)
    if status == 404:
        return Fault(
            f"it knows no model {teacher.model}, or the address is wrong (HTTP 404): check model "
            "and base_url, which usually ends in /v1",
            retryable=False,
            status=status,
        )
    if 300 <= status < 400:
        reason = f"it points to another address (HTTP {status}): write that into base_url"
        return Fault(reason, retryable=False, status=status)
    return status_fault(status, headers, body)

"""What went wrong with a teacher, in one line that says what to do; never with the key in it."""

from __future__ import annotations

from intentflow.errors import IntentflowError
from intentflow.openai_api.faults import Fault, busy_fault, shown
from intentflow.synthesis.teacher import Teacher


class TeacherError(IntentflowError):
    """The teacher cannot be used."""


def fault_of(error: Exception, teacher: Teacher, key: str | None) -> Fault:
    """What an error of the client library, of reading a reply or of waiting means.

    Args:
        error: What was raised.
        teacher: For names in the message.
        key: The secret that must not be shown.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, (TimeoutError, APITimeoutError)):
        return Fault(
            f"no whole reply within {teacher.timeout_seconds:g} seconds: raise timeout_seconds, or "
            "lower phrasings_per_request",
            billed=True,
        )
    if isinstance(error, APIStatusError):
        headers = dict(error.response.headers)
        return _status_fault(error.status_code, headers, shown(error.message, key), teacher)
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
            f"its reply is over {MAX_REPLY_BYTES:,} bytes, or compressed without being asked to: "
            "is base_url right?",
            billed=True,
        )
    cause = shown(str(error.__cause__ or error), key).rstrip(".")
    return Fault(f"no connection ({cause}): is it running, and is base_url right?")


def _status_fault(status: int, headers: dict[str, str], said: str, teacher: Teacher) -> Fault:
    if status in (401, 403):
        where = f"set {teacher.api_key_env}" if teacher.api_key_env else "set api_key_env"
        return Fault(f"it refused the key (HTTP {status}): {where}", again=False, status=status)
    if status == 404:
        return Fault(
            f"it knows no model {teacher.model}, or the address is wrong (HTTP 404): check model "
            "and base_url, which usually ends in /v1",
            again=False,
            status=status,
        )
    if 300 <= status < 400:
        reason = f"it points to another address (HTTP {status}): write that into base_url"
        return Fault(reason, again=False, status=status)
    return busy_fault(status, headers, said)

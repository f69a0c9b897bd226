"""What went wrong with a teacher, in one line that says what to do; never with the key in it."""

from __future__ import annotations

import email.utils
import time
import unicodedata
from collections.abc import Callable

from intentflow.curate.synthesis.teacher import Teacher
from intentflow.errors import IntentflowError

LONGEST_WAIT_SECONDS = 60.0
"""A teacher that asks for a longer pause is taken at its word: the run ends and goes on later."""

_SHOWN_CHARACTERS = 160
_SHORTEST_KEY = 8
_AGAIN = frozenset({408, 409, 425, 429})


class TeacherError(IntentflowError):
    """The teacher cannot be used."""


class Fault(Exception):  # noqa: N818 - what happened to one request
    """One request that brought no answer.

    Attributes:
        reason: What happened and what to do.
        again: Whether the same request may succeed later.
        wait_seconds: The pause that the teacher asked for.
        status: HTTP status, where there was one.
        billed: Whether the teacher may have worked, and so count tokens.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = True,
        wait_seconds: float | None = None,
        status: int | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.wait_seconds = wait_seconds
        self.status = status
        self.billed = billed


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
        return _status_fault(error.status_code, headers, _shown(error.message, key), teacher)
    if isinstance(error, APIConnectionError):
        return _connection_fault(error, key)
    return Fault(
        "its reply is not that of an OpenAI endpoint: check base_url, which usually ends in /v1",
        billed=True,
    )


def without_key(text: str, key: str | None) -> str:
    """A text of the teacher, which knows the key and may repeat it; a word such as none is none."""
    return text.replace(key, "***") if key and len(key) >= _SHORTEST_KEY else text


def _connection_fault(error: Exception, key: str | None) -> Fault:
    from intentflow.curate.synthesis.bounded import MAX_REPLY_BYTES, ReplyTooLong

    if isinstance(error.__cause__, ReplyTooLong):
        return Fault(
            f"its reply is over {MAX_REPLY_BYTES:,} bytes, or compressed without being asked to: "
            "is base_url right?",
            billed=True,
        )
    cause = _shown(str(error.__cause__ or error), key).rstrip(".")
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
    wait = _asked_wait_seconds(headers)
    if wait is not None and wait > LONGEST_WAIT_SECONDS:
        reason = f"it asks to wait {wait:,.0f} seconds (HTTP {status}): run again after that"
        return Fault(reason, again=False, status=status)
    advice = ": lower concurrency, or try later" if status == 429 else ""
    again = status in _AGAIN or status >= 500
    return Fault(f"HTTP {status}, {said}{advice}", again=again, wait_seconds=wait, status=status)


def _asked_wait_seconds(headers: dict[str, str]) -> float | None:
    """The pause in ``Retry-After``: seconds or a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "")
    readers: tuple[Callable[[str], float], ...] = (float, _seconds_until)
    for read in readers:
        try:
            seconds = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        return max(0.0, seconds) if seconds == seconds else None
    return None


def _seconds_until(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time()


def _shown(text: str, key: str | None) -> str:
    """The beginning of a foreign text on one line, without control characters and the key."""
    text = without_key(text, key)
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= _SHOWN_CHARACTERS else f"{clean[:_SHOWN_CHARACTERS]}…"

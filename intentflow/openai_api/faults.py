"""Failures of single requests to an endpoint, and the pauses that endpoints ask for."""

from __future__ import annotations

import email.utils
import time
import unicodedata
from collections.abc import Callable, Mapping

MAX_WAIT_SECONDS = 60.0
"""Longest pause that is waited for; if an endpoint asks for a longer one, the run ends."""

_SHOWN_CHARACTERS = 160
_MIN_KEY_LENGTH = 8
_AGAIN = frozenset({408, 409, 425, 429})

# Exceptions of reading a reply that is not JSON, or JSON without the fields of the API.
NOT_AN_API_REPLY = (
    ValueError,
    AttributeError,
    IndexError,
    TypeError,
    RecursionError,
    OverflowError,
)


class Fault(Exception):  # noqa: N818 - the failure of one request
    """The failure of one request.

    Attributes:
        reason: The cause and what to do about it.
        retryable: Whether the same request may succeed later.
        wait_seconds: The pause that the endpoint asked for.
        status: HTTP status, if there was one.
        billed: Whether the endpoint may have processed the request and billed its tokens.
    """

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool = True,
        wait_seconds: float | None = None,
        status: int | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.wait_seconds = wait_seconds
        self.status = status
        self.billed = billed


def status_fault(status: int, headers: Mapping[str, str], body: str) -> Fault:
    """The failure for a status that concerns neither the key nor the address.

    Args:
        status: HTTP status.
        headers: Headers of the reply, with lower-case names.
        body: Excerpt of the reply.
    """
    wait = retry_after_seconds(headers)
    if wait is not None and wait > MAX_WAIT_SECONDS:
        reason = f"it asks for a pause of {wait:,.0f} seconds (HTTP {status}): run again after that"
        return Fault(reason, retryable=False, status=status)
    advice = ": lower concurrency, or try later" if status == 429 else ""
    retryable = status in _AGAIN or status >= 500
    return Fault(
        f"HTTP {status}, {body}{advice}", retryable=retryable, wait_seconds=wait, status=status
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The pause of the ``Retry-After`` header, seconds or a date (RFC 9110, 10.2.3).

    Example:
        >>> retry_after_seconds({"retry-after": "2"})
        2.0
    """
    text = headers.get("retry-after", "")
    readers: tuple[Callable[[str], float], ...] = (float, _seconds_until)
    for read in readers:
        try:
            seconds = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        return max(0.0, seconds) if seconds == seconds else None
    return None


def mask_key(text: str, key: str | None) -> str:
    """Mask the key in an endpoint's text; texts as short as "none" are not taken for a key."""
    return text.replace(key, "***") if key and len(key) >= _MIN_KEY_LENGTH else text


def excerpt(text: str, key: str | None) -> str:
    """The beginning of an untrusted text on one line, without control characters and the key."""
    text = mask_key(text, key)
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= _SHOWN_CHARACTERS else f"{clean[:_SHOWN_CHARACTERS]}…"


def _seconds_until(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time()

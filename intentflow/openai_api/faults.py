"""What went wrong with one request to an endpoint, and how long to wait before the next."""

from __future__ import annotations

import email.utils
import time
import unicodedata
from collections.abc import Callable, Mapping

LONGEST_WAIT_SECONDS = 60.0
"""An endpoint that asks for a longer pause is taken at its word: the run ends and goes on later."""

_SHOWN_CHARACTERS = 160
_SHORTEST_KEY = 8
_AGAIN = frozenset({408, 409, 425, 429})

# What reading a reply raises that is no JSON, or JSON without the fields of the API.
NOT_THE_API = (ValueError, AttributeError, IndexError, TypeError, RecursionError)


class Fault(Exception):  # noqa: N818 - what happened to one request
    """One request that brought no answer.

    Attributes:
        reason: What happened and what to do.
        again: Whether the same request may succeed later.
        wait_seconds: The pause that the endpoint asked for.
        status: HTTP status, where there was one.
        billed: Whether the endpoint may have worked, and so count tokens.
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


def busy_fault(status: int, headers: Mapping[str, str], said: str) -> Fault:
    """What a status means that is neither about the key nor about the address.

    Args:
        status: Of HTTP.
        headers: Of the reply, in lower case.
        said: The beginning of the reply.
    """
    wait = asked_wait_seconds(headers)
    if wait is not None and wait > LONGEST_WAIT_SECONDS:
        reason = f"it asks to wait {wait:,.0f} seconds (HTTP {status}): run again after that"
        return Fault(reason, again=False, status=status)
    advice = ": lower concurrency, or try later" if status == 429 else ""
    again = status in _AGAIN or status >= 500
    return Fault(f"HTTP {status}, {said}{advice}", again=again, wait_seconds=wait, status=status)


def asked_wait_seconds(headers: Mapping[str, str]) -> float | None:
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


def without_key(text: str, key: str | None) -> str:
    """An endpoint's text, for it may repeat the key; a word such as none is none."""
    return text.replace(key, "***") if key and len(key) >= _SHORTEST_KEY else text


def shown(text: str, key: str | None) -> str:
    """The beginning of a foreign text on one line, without control characters and the key."""
    text = without_key(text, key)
    clean = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= _SHOWN_CHARACTERS else f"{clean[:_SHOWN_CHARACTERS]}…"


def _seconds_until(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time()

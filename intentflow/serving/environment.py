"""Environment variables of a service, the same on a laptop and in a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intentflow.errors import InputError

KEYS_FILE = "INTENTFLOW_API_KEYS_FILE"
"""File with the tokens of clients, one a line; read again when it changes."""

KEY = "INTENTFLOW_API_KEY"
"""The one token, where there is no file."""

LOG_URI = "INTENTFLOW_LOG_URI"
"""Folder or ``s3://`` where requests and corrections are kept."""

LOG_SAMPLE_RATE = "INTENTFLOW_LOG_SAMPLE_RATE"
"""Share of the requests that are kept, between 0 and 1."""


@dataclass(frozen=True)
class Access:
    """Source of the tokens of clients.

    Attributes:
        keys_file: File with tokens; None for none.
        key: The one token; None for none.
    """

    keys_file: Path | None
    key: str | None


def read_access(environment: Mapping[str, str]) -> Access:
    """Sources of tokens, from the environment; secrets are never on a command line."""
    file = environment.get(KEYS_FILE)
    return Access(Path(file) if file else None, environment.get(KEY) or None)


def read_sample_rate(environment: Mapping[str, str]) -> float:
    """Share of the requests to keep; all of them where nothing is set.

    Raises:
        InputError: The share is not a number between 0 and 1.
    """
    text = environment.get(LOG_SAMPLE_RATE) or "1"
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise InputError(f"{LOG_SAMPLE_RATE}={text}: expected a share between 0 and 1")
    return rate

"""Bearer tokens of clients, exchanged without a restart."""

from __future__ import annotations

import hmac
import logging
import re
import time
from pathlib import Path

from intentflow.errors import InputError, IntentflowError

_REREAD_SECONDS = 1.0
# Visible characters, the first none that begins a comment.
_TOKEN = re.compile(rb"[!\x22$-~][!-~]*")

log = logging.getLogger(__name__)


class Keys:
    """The tokens that are valid now.

    A Secret that is mounted as a file changes in place; while clients move from one token to the
    next, the file holds both, one a line. A file that is missing or damaged later changes nothing
    and is logged.

    Args:
        file: File with tokens, one a line; None for the one token.
        key: The one token; with neither, clients need none.

    Raises:
        InputError: The file cannot be read or holds no token, or something is no token.
    """

    def __init__(self, file: Path | None, key: str | None) -> None:
        self._file = file
        self._last_read = time.monotonic()
        self._fault = ""
        if file is not None:
            self._keys = _read(file)
        else:
            self._keys = [_token(key.encode(), "the token")] if key else []

    @property
    def demanded(self) -> bool:
        """Whether clients need a token at all."""
        return bool(self._keys)

    def accepts(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header holds a valid token, in a time that does not tell."""
        self._reread()
        scheme, _, given = authorization.partition(" ")
        octets = given.strip().encode("latin-1", "replace")  # as the header had them
        matches = [hmac.compare_digest(octets, key) for key in self._keys]
        return scheme.lower() == "bearer" and any(matches)

    def _reread(self) -> None:
        now = time.monotonic()
        if self._file is None or now - self._last_read < _REREAD_SECONDS:
            return
        self._last_read = now
        try:
            self._keys = _read(self._file)
            self._fault = ""
        except IntentflowError as error:
            if str(error) != self._fault:
                self._fault = str(error)
                log.warning("%s: the former tokens stay valid", error)


def _read(file: Path) -> list[bytes]:
    try:
        lines = [line.strip() for line in file.read_bytes().splitlines()]
    except OSError as error:
        raise InputError(f"{file}: the tokens cannot be read ({error.strerror})") from None
    keys = [_token(line, f"{file}: line {number}") for number, line in enumerate(lines, 1) if line]
    if not keys:
        raise InputError(f"{file}: no token in it; a Secret's key must be mounted")
    return keys


def _token(octets: bytes, where: str) -> bytes:
    if not _TOKEN.fullmatch(octets):
        raise InputError(
            f"{where}: not a token: it has a blank, a byte order mark, a comment or other "
            "characters than ASCII ones in it"
        )
    return octets

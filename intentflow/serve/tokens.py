"""Bearer tokens of clients, exchanged without a restart."""

from __future__ import annotations

import hmac
import time
from pathlib import Path

from intentflow.errors import IntentflowError

_LOOK_AGAIN_SECONDS = 1.0


class Keys:
    """The tokens that are valid now.

    A Secret that is mounted as a file changes in place; while clients move from one token to the
    next, the file holds both, one a line. A file that is gone or empty for a moment changes
    nothing.

    Args:
        file: File with tokens, one a line; None for the one token.
        key: The one token; with neither, clients need none.

    Raises:
        IntentflowError: The file cannot be read or holds no token.
    """

    def __init__(self, file: Path | None, key: str | None) -> None:
        self._file = file
        self._looked = time.monotonic()
        self._keys = [key.encode()] if key else []
        if file is not None:
            self._keys = _read(file)
            if not self._keys:
                raise IntentflowError(f"{file}: no token in it; a Secret's key must be mounted")

    @property
    def demanded(self) -> bool:
        """Whether clients need a token at all."""
        return bool(self._keys)

    def accepts(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header holds a valid token, in a time that does not tell."""
        self._look_again()
        scheme, _, given = authorization.partition(" ")
        octets = given.strip().encode("latin-1", "replace")  # as the header had them
        matches = [hmac.compare_digest(octets, key) for key in self._keys]
        return scheme.lower() == "bearer" and any(matches)

    def _look_again(self) -> None:
        now = time.monotonic()
        if self._file is None or now - self._looked < _LOOK_AGAIN_SECONDS:
            return
        self._looked = now
        self._keys = _read(self._file) or self._keys


def _read(file: Path) -> list[bytes]:
    try:
        return [line.strip() for line in file.read_bytes().splitlines() if line.strip()]
    except OSError:
        return []

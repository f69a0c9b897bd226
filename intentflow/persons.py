"""Persons in data sets and logs: a keyed hash of a person's id, which itself is never kept.

The hash is the same wherever the key is, so that a person's rows can be found and erased; without
the key it leads back to nobody, also where ids can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeGuard

from intentflow.errors import InputError

PERSON_KEY_VARIABLE = "INTENTFLOW_PERSON_KEY"
"""Environment variable with the key of the hashes; in a cluster it comes from a Secret."""

MIN_KEY_BYTES = 16
"""Length from which on a key cannot be guessed."""

_PREFIX = "hmac-sha256-"
_HASH = re.compile(rf"{_PREFIX}[0-9a-f]{{64}}")


@dataclass(frozen=True)
class PersonKey:
    """The key of the hashes; it is not shown.

    Attributes:
        secret: Bytes of the key, at least 16.

    Raises:
        InputError: The key is too short.

    Example:
        >>> PersonKey(b"a key of 16 byte")
        PersonKey()
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Check the length."""
        if len(self.secret) < MIN_KEY_BYTES:
            raise InputError(
                f"{PERSON_KEY_VARIABLE}: the key has fewer than {MIN_KEY_BYTES} bytes; take a "
                "random one, such as that of `openssl rand -hex 32`, and keep it"
            )

    @classmethod
    def find(cls, environment: Mapping[str, str] | None = None) -> Self | None:
        """The key that the environment has; None without one.

        Args:
            environment: Variables; those of the process if None.

        Raises:
            InputError: The key is too short.
        """
        text = (os.environ if environment is None else environment).get(PERSON_KEY_VARIABLE)
        return cls(text.encode("utf-8", "surrogateescape")) if text else None

    @classmethod
    def require(cls, purpose: str) -> Self:
        """The key that the environment has.

        Args:
            purpose: Subject of the message: the setting that needs it.

        Raises:
            InputError: There is none, or it is too short.
        """
        if (found := cls.find()) is None:
            raise InputError(
                f"{purpose} needs the key of the persons' hashes: set {PERSON_KEY_VARIABLE}, in a "
                "cluster from a Secret"
            )
        return found

    def hashed(self, person: str) -> str:
        """The keyed hash (HMAC-SHA-256) of a person's id; blanks around the id do not count.

        Args:
            person: The id, as labelling exports and clients have it.

        Example:
            >>> key = PersonKey(b"a key of 16 byte")
            >>> key.hashed("c-1042") == key.hashed(" c-1042"), key.hashed("c-1042")[:16]
            (True, 'hmac-sha256-0cc5')
        """
        made = hmac.new(
            self.secret, person.strip().encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return f"{_PREFIX}{made.hexdigest()}"


def is_person_hash(value: object) -> TypeGuard[str]:
    """Whether a value is a person's keyed hash rather than an id.

    Example:
        >>> is_person_hash("c-1042"), is_person_hash(PersonKey(b"0" * 16).hashed("c-1042"))
        (False, True)
    """
    return isinstance(value, str) and _HASH.fullmatch(value) is not None

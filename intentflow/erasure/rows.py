"""Rows that are erased: of persons, by keyed hash; of utterances and requests, by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from intentflow.artifacts.erasures import Erasures
from intentflow.curation.dedup import normalised_utterance
from intentflow.records import Example


def utterance_digest(text: str) -> str:
    """Digest of an utterance, whatever its case and blanks, from which it cannot be read.

    Example:
        >>> utterance_digest("Stop it") == utterance_digest("stop  it ")
        True
    """
    text = f"utterance\0{normalised_utterance(text)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def request_digest(request_id: str) -> str:
    """Digest of the id of a request, which a client may have made of anything.

    Example:
        >>> request_digest("r1") == request_digest("r2")
        False
    """
    return hashlib.sha256(f"request\0{request_id}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class ErasedRows:
    """The rows that are erased.

    Attributes:
        persons: Keyed hashes of persons.
        utterances: Digests of utterances.
        requests: Digests of the ids of requests of these persons.

    Example:
        >>> erased = ErasedRows(utterances=frozenset([utterance_digest("stop")]))
        >>> [row.output for row in erased.without([Example("Stop", "a()"), Example("go", "b()")])]
        ['b()']
    """

    persons: frozenset[str] = frozenset()
    utterances: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()

    @classmethod
    def of(cls, erasures: Erasures) -> Self:
        """Those that a registry lists."""
        return cls(
            frozenset(erasures.persons),
            frozenset(erasures.utterances),
            frozenset(erasures.requests),
        )

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.persons or self.utterances)

    def has(self, row: Example) -> bool:
        """Whether a record is one of them."""
        return row.person in self.persons or self._has_utterance(row.instruction)

    def has_line(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of a log or of another file of rows is one of them."""
        text, request_id = line.get("instruction"), line.get("request_id")
        return (
            line.get("person") in self.persons
            or (isinstance(text, str) and self._has_utterance(text))
            or (isinstance(request_id, str) and self.has_request(request_id, line.get("person")))
        )

    def has_request(self, request_id: str, person: object) -> bool:
        """Whether a request, or a correction of one, is that of an erased person.

        Args:
            request_id: Id of the request.
            person: Keyed hash of the person whom the line names; None if it names none.
        """
        return not person and bool(self.requests) and request_digest(request_id) in self.requests

    def without(self, rows: Iterable[Example]) -> list[Example]:
        """The other records."""
        return [row for row in rows if not self.has(row)]

    def _has_utterance(self, text: str) -> bool:
        return bool(self.utterances) and utterance_digest(text) in self.utterances

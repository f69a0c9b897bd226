"""The list of erasures of a registry: whose rows must not come back, and what replaced them."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from pydantic import Field

from intentflow.artifacts.document import ClosedArtifact, Integer, Section
from intentflow.artifacts.registry_entry import EntryId, Time
from intentflow.artifacts.request_log import PersonHash

TRAINED_PARTS = ("train", "validation")
"""Parts of a data set that a model learns from; its test rows are scored only."""


class ReplacedData(Section):
    """A data set whose erased rows are gone."""

    at: Time = Field(description="Time of the erasure, UTC")
    by: EntryId | None = Field(description="Id of the data set without them; null if none is left")
    erased: dict[str, Integer] = Field(description="Number of erased rows by part")

    @property
    def was_trained(self) -> bool:
        """Whether models of the data set have learned from erased rows."""
        return any(self.erased.get(part) for part in TRAINED_PARTS)


class Erasures(ClosedArtifact):
    """Persons and utterances whose rows are erased, as hashes, and the data sets that had them.

    Example:
        >>> Erasures().digest
        ''
    """

    WRONG_KIND: ClassVar[str] = "not the erasures of a registry"
    SIGN: ClassVar[str] = "persons"
    ADVICE: ClassVar[str] = "restore the file from a backup: without it, erased rows may come back"
    IS_SORTED: ClassVar[bool] = True
    IS_ASCII: ClassVar[bool] = True

    persons: dict[PersonHash, Time] = Field({}, description="Keyed hashes, each with its time")
    utterances: dict[str, Time] = Field({}, description="Digests of utterances, each with its time")
    requests: dict[str, Time] = Field(
        {},
        description="Digests of the ids of erased persons' requests, each with its time: "
        "corrections of them name no person, as a rule",
    )
    replaced: dict[EntryId, ReplacedData] = Field({}, description="Data sets that had such rows")

    @property
    def digest(self) -> str:
        """SHA-256 of persons and utterances; empty if there are none."""
        keys = sorted([*self.persons, *self.utterances])
        return hashlib.sha256("\n".join(keys).encode()).hexdigest() if keys else ""

    @property
    def latest(self) -> str:
        """Time of the latest request for erasure; empty if there was none."""
        return max([*self.persons.values(), *self.utterances.values()], default="")

    def successor(self, data_id: str) -> str | None:
        """Id of the data set that has the rows of another now; None if none is left.

        Args:
            data_id: Id of a data set; one that was not replaced is its own successor.
        """
        found: str | None = data_id
        while found in self.replaced:
            found = self.replaced[found].by
        return found

    def trained_at(self, data_id: str) -> str:
        """Time of the erasure of rows that models of a data set learned from; empty if none.

        Args:
            data_id: Id of a data set.
        """
        found: str | None = data_id
        while found is not None and found in self.replaced:
            if self.replaced[found].was_trained:
                return self.replaced[found].at
            found = self.replaced[found].by
        return ""

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values; a list without requests has not their key."""
        document = self.model_dump(mode="json")
        return {key: value for key, value in document.items() if value or key != "requests"}

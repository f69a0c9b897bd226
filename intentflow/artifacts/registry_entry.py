"""Entries of the registry: data sets, models and deployments, and the names of models."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field

from intentflow.artifacts.document import ClosedArtifact, Integer, Number, Section
from intentflow.artifacts.verdict import Decision
from intentflow.config import DNS_LABEL

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
EntryKind = Literal["dataset", "model", "deployment"]
KINDS: tuple[EntryKind, ...] = get_args(EntryKind)
Alias = Literal["champion", "challenger", "previous"]
ALIASES: tuple[Alias, ...] = get_args(Alias)

RUN_ID = r"^(\w[\w.-]{0,99})?$"
_ID = r"^[0-9a-f]{64}$"
_LATER = frozenset({"erasures", "pairs"})
EntryId = Annotated[str, Field(pattern=_ID)]
"""SHA-256 of an entry's file, which names the file."""


def _is_time(text: str) -> str:
    try:
        datetime.strptime(text, TIME_FORMAT)
    except ValueError:
        raise ValueError("is not a time such as 2026-11-29T20:15:00Z") from None
    return text


Time = Annotated[str, AfterValidator(_is_time)]
"""A time in UTC, to the second."""


def now() -> str:
    """The present time, as entries have it.

    Example:
        >>> len(now())
        20
    """
    return datetime.now(UTC).strftime(TIME_FORMAT)


class EntrySource(Section):
    """An input from outside the registry."""

    uri: str = Field(description="Address of the file or folder")
    digest: str = Field("", description="Digest of its content; empty if unknown")
    origins: list[str] = Field([], description="People or tools that it came from")


class RegistryEntry(ClosedArtifact):
    """A data set, a model or a deployment: where it came from, and how good it was found.

    An entry never changes. Its id is the SHA-256 of its file, which has that name.

    Example:
        >>> made = {"name": "banking", "created": "2026-11-29T20:15:00Z"}
        >>> entry = RegistryEntry(kind="dataset", rows={"train": 560}, **made)
        >>> entry.id == RegistryEntry.from_mapping(entry.as_dict(), "entry").id
        True
    """

    WRONG_KIND: ClassVar[str] = "not an entry of a registry"
    SIGN: ClassVar[str] = "kind"
    ADVICE: ClassVar[str] = "restore the file from a backup, or delete it"
    IS_SORTED: ClassVar[bool] = True

    kind: EntryKind = Field(description="Kind of the content: a data set, a model or a deployment")
    name: str = Field(description="Name of the service", pattern=DNS_LABEL)
    created: Time = Field(description="Start of the run, UTC, such as 2026-11-29T20:15:00Z")
    run: str = Field("", description="Id of the run; empty outside a run", pattern=RUN_ID)
    code_version: str = Field("", description="Version of the code")
    uri: str | None = Field(None, description="Address of the content; null if it was not stored")
    digest: str = Field("", description="SHA-256 of the content")
    sources: list[EntrySource] = Field([], description="Inputs from outside the registry")
    recipe: dict[str, Any] = Field({}, description="Configuration that it was made by")
    rows: dict[str, Integer] = Field({}, description="Numbers of rows by part or by outcome")
    metrics: dict[str, Number | None] = Field({}, description="Scores by name")
    verdict: Decision | None = Field(None, description="The gate's decision; null without one")
    reports: dict[str, str] = Field({}, description="Addresses of reports by name")
    parents: list[EntryId] = Field([], description="Ids of the entries that it was made from")
    erasures: str = Field(
        "",
        description="Digest of the erased persons and utterances of which a data set has no rows; "
        "empty where none were erased",
    )

    pairs: str = Field(
        "",
        description="Digest of the rows of a model's preference tuning, as in training.json; empty "
        "without one",
    )

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values; entries from before a key was there stay the same."""
        document = self.model_dump(mode="json")
        return {key: value for key, value in document.items() if value or key not in _LATER}

    @property
    def id(self) -> str:
        """SHA-256 of its file."""
        return hashlib.sha256(self.content()).hexdigest()


class AliasMove(Section):
    """A change of the names of a service's models, all at once."""

    id: str = Field(description="Random id of the change")
    at: Time = Field(description="Time of the change, UTC")
    run: str = Field("", description="Id of the run that made it; empty outside a run")
    reason: str = Field("", description="Command or step that made it")
    before: dict[Alias, EntryId] = Field({}, description="Aliases before it")
    after: dict[Alias, EntryId] = Field({}, description="Aliases after it")


class ServiceAliases(ClosedArtifact):
    """Models of a service by alias: its champion, its challenger and its previous champion."""

    WRONG_KIND: ClassVar[str] = "not the aliases of a registry"
    SIGN: ClassVar[str] = "name"
    ADVICE: ClassVar[str] = (
        "restore the file from a backup, or delete it: the next deployment or promotion sets the "
        "aliases again"
    )

    name: str = Field(description="Name of the service", pattern=DNS_LABEL)
    current: dict[Alias, EntryId] = Field({}, description="Ids of model entries by alias")
    moves: list[AliasMove] = Field([], description="The changes so far, the newest last")

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values."""
        return self.model_dump(mode="json")

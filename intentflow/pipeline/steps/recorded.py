"""The registry of a run, and the facts that all its entries have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intentflow.config import DNS_LABEL, Place, StrictModel
from intentflow.deployment.options import DeployOptions
from intentflow.pipeline.parameters import as_received
from intentflow.registry.place import PLACE

if TYPE_CHECKING:
    from intentflow.artifacts.registry_entry import (
        EntryId,
        EntryKind,
        EntrySource,
        RegistryEntry,
    )
    from intentflow.artifacts.verdict import Decision
    from intentflow.pipeline.steps.recorded_recipes import DataRecipe, ModelRecipe
    from intentflow.registry import Registry

_UNNAMED = DeployOptions.model_fields["name"].get_default()


class RecordConfig(StrictModel):
    """Place of the registry and the name under which a run is recorded.

    Example:
        >>> RecordConfig(registry="s3://models/registry", service="banking").service
        'banking'
    """

    registry: Annotated[str | None, Place()] = Field(None, description=PLACE)
    service: str = Field(_UNNAMED, pattern=DNS_LABEL, description="Name of the service")
    compare: bool = Field(
        False, description="Compare a new model with the champion that the registry has"
    )
    lease_hours: float | None = Field(
        None,
        gt=0,
        description="Hours after which another retraining may begin if this one was killed; unless "
        "set, runs do not wait for one another",
    )


@dataclass(frozen=True)
class Recorded:
    """Facts that every entry of a run has.

    Attributes:
        config: Place and name.
        run: Id of the run; empty outside a run.
        code_version: Version of the code.
    """

    config: RecordConfig
    run: str = ""
    code_version: str = ""

    def entry(
        self,
        kind: EntryKind,
        *,
        digest: str,
        uri: str | None,
        sources: Sequence[EntrySource] = (),
        recipe: DataRecipe | ModelRecipe | DeployOptions | None = None,
        rows: Mapping[str, int] = {},
        metrics: Mapping[str, float | None] = {},
        verdict: Decision | None = None,
        reports: Mapping[str, str] = {},
        parents: Sequence[EntryId] = (),
        erasures: str = "",
        pairs: str = "",
    ) -> RegistryEntry:
        """An entry that is made now; its fields are those of :class:`RegistryEntry`."""
        from intentflow.artifacts.registry_entry import RegistryEntry, now

        if isinstance(recipe, DeployOptions):  # no component's parameter, also of a command
            settings = recipe.model_dump(mode="json", exclude_unset=True)
        else:
            settings = as_received(recipe) if recipe else {}
        document = {
            "kind": kind,
            "name": self.config.service,
            "created": now(),
            "run": self.run,
            "code_version": self.code_version,
            "uri": uri,
            "digest": digest,
            "sources": [*sources],
            "recipe": settings,
            "rows": {**rows},
            "metrics": {**metrics},
            "verdict": verdict,
            "reports": {**reports},
            "parents": [*parents],
            "erasures": erasures,
            "pairs": pairs,
        }
        return RegistryEntry.from_mapping(document, "registry entry")

    def write(self, registry: Registry, entry: RegistryEntry) -> str:
        """Write an entry of the run; a retraining that goes on after a kill writes no second one.

        Args:
            registry: The registry.
            entry: The entry.

        Returns:
            Id of the entry.
        """
        return registry.record(entry, once=self.config.lease_hours is not None)

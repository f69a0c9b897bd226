"""Restoration of the state before a change that failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.cluster.client import Cluster
from intentflow.deployment.autoscaling import surplus
from intentflow.deployment.canary import without_canary
from intentflow.deployment.cluster_objects import put, remove
from intentflow.deployment.model_change import Stage, in_place_reason, service_of, stages
from intentflow.deployment.ownership import FIELD_MANAGER, Manifest
from intentflow.deployment.pod_failures import WaitLimits
from intentflow.deployment.readiness import SERVICE, while_away
from intentflow.errors import IntentflowError


@dataclass(frozen=True)
class Restoration:
    """The state to restore if a change fails.

    Attributes:
        cluster: The cluster.
        where: Name and namespace of the service.
        former: The objects before the change.
        added: Objects that the change creates.
        limits: Limits of the wait where the former model has to be loaded again, or the API server
            does not answer.
    """

    cluster: Cluster
    where: tuple[str, str]
    former: list[Manifest]
    added: list[Manifest]
    limits: WaitLimits

    def restore(self) -> str:
        """Restore the state; returns a description of the outcome instead of raising errors."""
        deadline, name = time.monotonic() + self.limits.timeout_seconds, self.where[0]
        try:
            live = while_away(self._find_service, deadline, name)
            again = _loaded_again(live, self.former) if live else []
            for stage in again:
                put(self.cluster, stage, self.where, self.limits, deadline)
            if not again:
                while_away(self._apply_former, deadline, name)
            while_away(self._remove_surplus, deadline, name)
        except IntentflowError as error:
            return f"the previous revision could not be restored: {error}"
        if any(item["kind"] == SERVICE[1] for item in self.former):
            return "the previous revision was restored"
        return "it was the first deployment: its objects were removed"

    def _find_service(self) -> Manifest | None:
        return self.cluster.find(*SERVICE, *self.where)

    def _apply_former(self) -> None:
        for item in self.former:
            self.cluster.apply(item, FIELD_MANAGER)

    def _remove_surplus(self) -> None:
        live = self._find_service()
        for item in [*reversed(self.added), *(surplus(self.cluster, live) if live else [])]:
            remove(self.cluster, item)


def _loaded_again(live: Manifest, former: Sequence[Manifest]) -> list[Stage]:
    """The stages back to a predictor that is gone already; none while it is there."""
    if not any(item["kind"] == SERVICE[1] for item in former):
        return []
    service = service_of(former)
    alone = without_canary(service) or service
    names = [item["spec"]["predictor"].get("name") for item in (live, service)]
    objects = [alone if item is service else item for item in former]
    if names[0] == names[1] or in_place_reason(live, objects):
        return []
    return stages(live, objects)

"""Rollout of a change in the cluster: dry run, record, apply, wait, and restore on failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from intentflow.cluster.client import Cluster, is_in_pod
from intentflow.cluster.pod_diagnostics import log_diagnostics
from intentflow.deployment.autoscaling import surplus
from intentflow.deployment.canary import require_kept, trial, without_canary
from intentflow.deployment.cluster_objects import put, remove, title
from intentflow.deployment.model_change import Stage
from intentflow.deployment.ownership import FIELD_MANAGER, Manifest, owned
from intentflow.deployment.pod_failures import WaitLimits
from intentflow.deployment.readiness import SERVICE, ClusterAwayError, while_away
from intentflow.deployment.restoration import Restoration
from intentflow.deployment.revisions import record
from intentflow.errors import CheckFailed, IntentflowError, kind_of

log = logging.getLogger(__name__)

Check = Callable[[str], object]


@dataclass(frozen=True)
class RolloutResult:
    """The result of a successful change.

    Attributes:
        url: URL of the service.
        former: Number of the recorded revision that was replaced; None if there was none.
        changed: Whether anything changed.
    """

    url: str
    former: int | None
    changed: bool


class Rollout:
    """The objects of one service, and their state before a change.

    Args:
        cluster: The cluster.
        name: Name of the InferenceService.
        namespace: Namespace of the service.
    """

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        self._cluster, self._name, self._namespace = cluster, name, namespace
        self._where = (name, namespace)
        self.live = cluster.find(*SERVICE, name, namespace)

    def apply(
        self,
        stages: Sequence[Stage],
        limits: WaitLimits,
        *,
        check: Check | None = None,
        keep_former: bool = True,
        delete: Sequence[Manifest] = (),
    ) -> RolloutResult:
        """Apply the objects of each stage and wait for the service; on failure restore it.

        Nothing is applied unless the server accepts every object in a dry run.

        Args:
            stages: The stages, one after another; those of a change in place are one.
            limits: Limits of the wait for the service, whose time is that of all stages.
            check: Tests the ready service at its URL; raises an error for wrong answers.
            keep_former: Whether to record the replaced state.
            delete: Objects that the new state does not have; deleted after success.

        Raises:
            ServiceError: The cluster refused, or did not answer until the time limit; the message
                has the state.
            KeyboardInterrupt: The wait was interrupted; the message has the state.
            CheckFailed: The service is not ready, or answers incorrectly; the message has the
                restored state.
        """
        objects = list({title(item): item for stage in stages for item in stage.objects}.values())
        before = {title(item): self._live(item) for item in objects}
        changes = [self._try(stage.objects, before) for stage in stages]
        changed = any(changes)
        if self.live is None:
            self._try_canary(objects)
        added = [item for item in objects if before[title(item)] is None]
        found = [item for item in before.values() if item]
        former = self._record(found, added) if changed and keep_former else None
        former_objects = [owned(item) for item in found]
        back = Restoration(self._cluster, self._where, former_objects, added, limits)
        try:
            url = self._carry_out(stages, limits, check)
        except KeyboardInterrupt:
            left = self._left(stages, changed=changed)
            raise KeyboardInterrupt(f"stopped while waiting for {left}") from None
        except ClusterAwayError as error:
            left = self._left(stages, changed=changed)
            raise ClusterAwayError(f"{error}; the state of {left}") from error
        except IntentflowError as error:
            log_diagnostics(self._cluster, self._name, self._namespace)
            ending = back.restore() if changed else "nothing was changed, so nothing is restored"
            raise kind_of(error)(f"{error}; {ending}") from error
        self._clean_up(delete, limits)
        return RolloutResult(url, former, changed)

    def _carry_out(self, stages: Sequence[Stage], limits: WaitLimits, check: Check | None) -> str:
        deadline = time.monotonic() + limits.timeout_seconds
        url = ""
        for number, stage in enumerate(stages, 1):
            if stage.title:
                log.info("%s: %d of %d: %s", self._name, number, len(stages), stage.title)
            state = put(self._cluster, stage, self._where, limits, deadline)
            if check and stage.is_tested:
                check(state.reachable_url(in_pod=is_in_pod()))
            url = state.url or ""
        return url

    def _clean_up(self, delete: Sequence[Manifest], limits: WaitLimits) -> None:
        """Delete what the new state does not have, now that it is ready."""

        def clean() -> None:
            service = self._cluster.find(*SERVICE, *self._where)
            for item in [*delete, *(surplus(self._cluster, service) if service else [])]:
                remove(self._cluster, item)

        try:
            while_away(clean, time.monotonic() + limits.timeout_seconds, self._name)
        except ClusterAwayError as error:
            left = ", ".join([*map(title, delete), "ScaledObjects of a former predictor"])
            raise ClusterAwayError(
                f"{error}; {self._name} in {self._namespace} is ready with the change, and "
                f"{left} may be left there: delete them with kubectl"
            ) from error

    def require_unchanged(self, objects: Sequence[Manifest]) -> None:
        """Check that a canary's other objects stay unchanged, because both models share them.

        Raises:
            CheckFailed: Objects would change for the model in service, too; the message names them.
        """
        others = [
            title(item) for item in objects if self._try([item], {title(item): self._live(item)})
        ]
        if others:
            raise CheckFailed(
                "a canary shares everything except its model with the one in service, and "
                f"{', '.join(others)} would change for both: deploy that first, without --canary"
            )

    def _live(self, item: Manifest) -> Manifest | None:
        metadata = item["metadata"]
        return self._cluster.find(
            item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace")
        )

    def _try(self, objects: Sequence[Manifest], before: Mapping[str, Manifest | None]) -> bool:
        """Dry-run the objects on the server; returns whether anything would change."""
        changed = False
        for item in objects:
            found = before[title(item)]
            planned = self._cluster.apply(item, FIELD_MANAGER, dry_run=True)
            if item["kind"] == SERVICE[1]:
                require_kept(item, planned)
            changed |= found is None or owned(planned) != owned(found)
        return changed

    def _try_canary(self, objects: Sequence[Manifest]) -> None:
        """Dry-run a canary before the first deployment, so that it is not the second that fails."""
        service = trial(objects)
        if service:
            require_kept(service, self._cluster.apply(service, FIELD_MANAGER, dry_run=True))

    def _record(self, before: Sequence[Manifest], added: list[Manifest]) -> int | None:
        """Record the state to restore, which is the one without a canary."""
        if self.live is None:
            return None
        objects = [owned(item) for item in before]
        kept = [without_canary(item) if item["kind"] == SERVICE[1] else item for item in objects]
        states = [item for item in kept if item is not None]
        if len(states) < len(kept):
            return None
        return record(self._cluster, self.live, states, added)

    def _left(self, stages: Sequence[Stage], *, changed: bool) -> str:
        name = f"{self._name} -n {self._namespace}"
        if not changed:
            return f"{name}: nothing was changed"
        if len(stages) > 1:
            return (
                f"{name}: the new model is a canary or has replaced the former one: `intentflow "
                f"promote {name}` completes the change, `intentflow rollback {name}` reverses it"
            )
        way = (
            f"`kubectl delete inferenceservice {name}` removes it"
            if self.live is None
            else f"`intentflow rollback {name}` restores the previous revision"
        )
        return f"{name}: the change is applied and the cluster continues with it; {way}"

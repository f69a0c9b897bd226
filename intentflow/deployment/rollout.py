"""Rollout of a change in the cluster: dry run, record, apply, wait, and restore on failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from intentflow.cluster.client import Cluster, is_in_pod, is_missing
from intentflow.cluster.pod_diagnostics import log_diagnostics
from intentflow.deployment.autoscaling import follow_predictor
from intentflow.deployment.canary import keep_predictor_name, require_kept, without_canary
from intentflow.deployment.ownership import FIELD_MANAGER, Manifest, owned
from intentflow.deployment.pod_failures import WaitLimits
from intentflow.deployment.readiness import SERVICE, ClusterAwayError, wait_until_ready, while_away
from intentflow.deployment.revisions import record, reference
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
        namespace: Its namespace.
    """

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        self._cluster, self._name, self._namespace = cluster, name, namespace
        self.live = cluster.find(*SERVICE, name, namespace)

    def apply(
        self,
        objects: Sequence[Manifest],
        limits: WaitLimits,
        *,
        check: Check | None = None,
        keep_former: bool = True,
        delete: Sequence[Manifest] = (),
        rename: bool = False,
    ) -> RolloutResult:
        """Apply objects and wait for the service; on failure restore the state before.

        Nothing is applied unless the server accepts every object in a dry run.

        Args:
            objects: The objects in the order to apply them.
            limits: Limits of the wait for the service.
            check: Tests the ready service at its URL; raises an error for wrong answers.
            keep_former: Whether to record the replaced state.
            delete: Objects that the new state does not have; deleted after success.
            rename: Whether the predictor gets another name, as in a promotion.

        Raises:
            ServiceError: The cluster refused, or did not answer until the time limit; the message
                has the state.
            KeyboardInterrupt: The wait was interrupted; the message has the state.
            CheckFailed: The service is not ready, or answers incorrectly; the message has the
                restored state.
        """
        for item in objects:
            if item["kind"] == SERVICE[1] and not rename:
                keep_predictor_name(item, self.live)
        follow_predictor(objects)
        before = [self._live(item) for item in objects]
        changed = self._try(objects, before)
        added = [item for item, found in zip(objects, before, strict=True) if found is None]
        former = self._record(before, added) if changed and keep_former else None
        back = _Restoration(self._cluster, [owned(item) for item in before if item], added)
        try:
            url = self._carry_out(objects, limits, check)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped while waiting for {self._left(changed)}") from None
        except ClusterAwayError as error:
            raise ClusterAwayError(f"{error}; the state of {self._left(changed)}") from error
        except IntentflowError as error:
            log_diagnostics(self._cluster, self._name, self._namespace)
            ending = back.put() if changed else "nothing was changed, so nothing is restored"
            raise kind_of(error)(f"{error}; {ending}") from error
        for item in delete:
            remove(self._cluster, item)
        return RolloutResult(url, former, changed)

    def _carry_out(
        self, objects: Sequence[Manifest], limits: WaitLimits, check: Check | None
    ) -> str:
        deadline = time.monotonic() + limits.timeout_seconds
        for item in objects:
            put = partial(self._cluster.apply, item, FIELD_MANAGER)
            while_away(put, deadline, self._name)
            log.info("applied %s in %s", title(item), self._namespace)
        state = wait_until_ready(self._cluster, self._name, self._namespace, limits)
        if check:
            check(state.reachable_url(in_pod=is_in_pod()))
        return state.url or ""

    def require_unchanged(self, objects: Sequence[Manifest]) -> None:
        """Check that a canary's other objects stay unchanged, because both models share them.

        Raises:
            CheckFailed: Objects would change for the model in service, too; the message names them.
        """
        others = [title(item) for item in objects if self._try([item], [self._live(item)])]
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

    def _try(self, objects: Sequence[Manifest], before: Sequence[Manifest | None]) -> bool:
        """Dry-run the objects on the server; returns whether anything would change."""
        changed = False
        for item, found in zip(objects, before, strict=True):
            planned = self._cluster.apply(item, FIELD_MANAGER, dry_run=True)
            if item["kind"] == SERVICE[1]:
                require_kept(item, planned)
            changed |= found is None or owned(planned) != owned(found)
        return changed

    def _record(self, before: Sequence[Manifest | None], added: list[Manifest]) -> int | None:
        """Record the state to restore, which is the one without a canary."""
        if self.live is None:
            return None
        objects = [owned(item) for item in before if item]
        kept = [without_canary(item) if item["kind"] == SERVICE[1] else item for item in objects]
        states = [item for item in kept if item is not None]
        if len(states) < len(kept):
            return None
        return record(self._cluster, self.live, states, added)

    def _left(self, changed: bool) -> str:
        name = f"{self._name} -n {self._namespace}"
        if not changed:
            return f"{name}: nothing was changed"
        way = (
            f"`kubectl delete inferenceservice {name}` removes it"
            if self.live is None
            else f"`intentflow rollback {name}` restores the previous revision"
        )
        return f"{name}: the change is applied and the cluster continues with it; {way}"


@dataclass(frozen=True)
class _Restoration:
    """The state to restore if a change fails."""

    cluster: Cluster
    former: list[Manifest]
    added: list[Manifest]

    def put(self) -> str:
        """Restore the state; returns a description of the outcome instead of raising errors."""
        try:
            for item in self.former:
                self.cluster.apply(item, FIELD_MANAGER)
            for item in reversed(self.added):
                remove(self.cluster, item)
        except IntentflowError as error:
            return f"the previous revision could not be restored: {error}"
        if any(item["kind"] == SERVICE[1] for item in self.former):
            return "the previous revision was restored"
        return "it was the first deployment: its objects were removed"


def remove(cluster: Cluster, item: Manifest) -> None:
    """Delete an object; a missing one is not an error, and caches stay for other services."""
    if item["kind"] == "LocalModelCache":
        return
    found = reference(item)
    metadata = found["metadata"]
    try:
        cluster.delete(found["apiVersion"], found["kind"], metadata["name"], metadata["namespace"])
    except IntentflowError as error:
        if not is_missing(error):
            raise


def title(item: Manifest) -> str:
    """``Kind/name``."""
    return f"{item['kind']}/{item['metadata']['name']}"

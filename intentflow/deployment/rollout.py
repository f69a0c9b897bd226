"""A change of a service in the cluster: tried, recorded, applied, awaited, or taken back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from intentflow.cluster.client import Cluster, is_missing
from intentflow.cluster.pod_diagnostics import log_diagnostics
from intentflow.deployment.canary import keep_predictor_name, require_kept, without_canary
from intentflow.deployment.ownership import FIELD_MANAGER, Manifest, owned
from intentflow.deployment.readiness import SERVICE, wait_until_ready
from intentflow.deployment.revisions import record, reference
from intentflow.errors import CheckFailed, IntentflowError

log = logging.getLogger(__name__)

Check = Callable[[str], object]


@dataclass(frozen=True)
class RolledOut:
    """A change that holds.

    Attributes:
        url: URL at which the service answers.
        former: Number of the recorded revision that was replaced; None where there was none.
        changed: Whether anything was another than before.
    """

    url: str
    former: int | None
    changed: bool


class Rollout:
    """The objects of one service, and what they were before."""

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        """Look the service up.

        Args:
            cluster: Namespace of the service.
            name: Name of the InferenceService.
            namespace: Its namespace.
        """
        self._cluster, self._name, self._namespace = cluster, name, namespace
        self.live = cluster.find(*SERVICE, name, namespace)

    def bring(
        self,
        objects: Sequence[Manifest],
        timeout_seconds: float,
        *,
        check: Check | None = None,
        keep_former: bool = True,
        delete: Sequence[Manifest] = (),
        rename: bool = False,
    ) -> RolledOut:
        """Apply objects and wait for the service; on failure put back what was there.

        Nothing is applied unless the server takes every object on trial.

        Args:
            objects: In the order to apply them.
            timeout_seconds: For Ready.
            check: Asks the ready service, by its URL; raises where it answers badly.
            keep_former: Record what is replaced.
            delete: Objects that the new state has no more; deleted once it holds.
            rename: The predictor gets another name, as a promotion does.

        Raises:
            IntentflowError: The cluster refused, or the wait was interrupted: what it left.
            CheckFailed: Not ready, or answering badly; what was put back.
        """
        if not rename:
            for item in objects:
                if item["kind"] == SERVICE[1]:
                    keep_predictor_name(item, self.live)
        before = [self._live(item) for item in objects]
        changed = self._try(objects, before)
        added = [item for item, found in zip(objects, before, strict=True) if found is None]
        former = self._record(before, added) if changed and keep_former else None
        back = _Back(self._cluster, [owned(item) for item in before if item], added)
        try:
            url = self._carry_out(objects, timeout_seconds, check)
        except KeyboardInterrupt:
            raise IntentflowError(self._left(changed)) from None
        except IntentflowError as error:
            log_diagnostics(self._cluster, self._name, self._namespace)
            ending = back.put() if changed else "nothing was changed, so nothing is put back"
            raise type(error)(f"{error}; {ending}") from error
        for item in delete:
            remove(self._cluster, item)
        return RolledOut(url, former, changed)

    def _carry_out(
        self, objects: Sequence[Manifest], timeout_seconds: float, check: Check | None
    ) -> str:
        for item in objects:
            self._cluster.apply(item, FIELD_MANAGER)
            log.info("applied %s in %s", title(item), self._namespace)
        url = wait_until_ready(self._cluster, self._name, self._namespace, timeout_seconds)
        if check:
            check(url)
        return url

    def require_unchanged(self, objects: Sequence[Manifest]) -> None:
        """Make sure that what stands around a canary stays as it is: both models share it.

        Raises:
            CheckFailed: Naming the objects that would change for the model in service, too.
        """
        others = [title(item) for item in objects if self._try([item], [self._live(item)])]
        if others:
            raise CheckFailed(
                "a canary shares everything but its model with the one in service, and "
                f"{', '.join(others)} would change for both: deploy that first, without --canary"
            )

    def _live(self, item: Manifest) -> Manifest | None:
        metadata = item["metadata"]
        return self._cluster.find(
            item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace")
        )

    def _try(self, objects: Sequence[Manifest], before: Sequence[Manifest | None]) -> bool:
        """Let the server say what it would make of the objects; whether that is a change."""
        changed = False
        for item, found in zip(objects, before, strict=True):
            planned = self._cluster.apply(item, FIELD_MANAGER, dry_run=True)
            if item["kind"] == SERVICE[1]:
                require_kept(item, planned)
            changed |= found is None or owned(planned) != owned(found)
        return changed

    def _record(self, before: Sequence[Manifest | None], added: list[Manifest]) -> int | None:
        """Keep the state to come back to: that with no canary."""
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
            return f"stopped while waiting for {name}: nothing was changed"
        way = (
            f"`kubectl delete inferenceservice {name}` removes it"
            if self.live is None
            else f"`intentflow rollback {name}` puts the former revision back"
        )
        return (
            f"stopped while waiting for {name}: the change is applied and the cluster goes on "
            f"with it; {way}"
        )


@dataclass(frozen=True)
class _Back:
    """The way back while a change is under way."""

    cluster: Cluster
    former: list[Manifest]
    added: list[Manifest]

    def put(self) -> str:
        """Put it back; says what came of it, and never hides why it was needed."""
        try:
            for item in self.former:
                self.cluster.apply(item, FIELD_MANAGER)
            for item in reversed(self.added):
                remove(self.cluster, item)
        except IntentflowError as error:
            return f"the former revision could not be put back: {error}"
        if any(item["kind"] == SERVICE[1] for item in self.former):
            return "the former revision is back in place"
        return "it was the first deployment: what it made was removed"


def remove(cluster: Cluster, item: Manifest) -> None:
    """Delete an object; one that is gone already is no error."""
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

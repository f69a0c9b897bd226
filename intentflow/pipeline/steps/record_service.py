"""Record: which model of a service is deployed, promoted or restored, in the registry."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intentflow.pipeline.steps.lease import keep_lease
from intentflow.pipeline.steps.record import open_registry
from intentflow.pipeline.steps.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from intentflow.artifacts.verdict import Decision
    from intentflow.deployment.options import DeployOptions
    from intentflow.pipeline.steps.recorded import RecordConfig
    from intentflow.registry import Registry
    from intentflow.registry.registry import NewAliases

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeployedFacts:
    """A deployment that was made.

    Attributes:
        digest: Digest of the model.
        uri: Address of the model.
        address: URL of the service, or the commit; empty for one that was only rendered.
        verdict: The gate's decision about the model; None if none was given.
    """

    digest: str
    uri: str | None = None
    address: str = ""
    verdict: Decision | None = None


def record_deployment(recorded: Recorded, options: DeployOptions, made: DeployedFacts) -> str:
    """Write the entry of a deployment, and move the aliases of its service.

    A canary, or a commit that is yet to be merged, is the challenger. Otherwise the model is the
    champion, in mode ``render`` too, whose manifests are there to be applied.

    Args:
        recorded: The run.
        options: Options of the deployment.
        made: The model, and where it was deployed.

    Returns:
        Id of the entry; empty without a registry.

    Raises:
        InputError: The registry cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.registry.changes import deployed, tried_out

    registry = open_registry(recorded)
    if registry is None:
        return ""
    model = _model_entry(registry, recorded, made)
    entry = recorded.entry(
        "deployment",
        uri=made.address or None,
        digest=made.digest,
        recipe=options,
        parents=[model],
    )
    added = recorded.write(registry, entry)
    is_tried = options.canary_percent is not None or bool(options.git_push_branch)
    change = tried_out(model) if is_tried else deployed(model)
    _move(registry, recorded, change, f"deploy --mode {options.mode}")
    return added


def record_promotion(recorded: Recorded, made: DeployedFacts) -> None:
    """Make the model that was promoted the champion.

    Raises:
        InputError: The registry cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.registry.changes import deployed

    _record_change(recorded, made, deployed, "promote")


def record_rollback(recorded: Recorded, made: DeployedFacts) -> None:
    """Make the model that was restored the champion, without a challenger.

    Raises:
        InputError: The registry cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.registry.changes import rolled_back

    _record_change(recorded, made, rolled_back, "rollback")


def require_registry(recorded: Recorded, digest: str = "") -> None:
    """Check before a change of a service that its aliases can be read; warn of a stale model.

    Args:
        recorded: The registry and the service.
        digest: Digest of the model that is to serve; empty if it is not known yet.

    Raises:
        InputError: The aliases are damaged, or the run has lost the lease of its retraining.
        ServiceError: The storage does not answer, or refuses.
    """
    if recorded.config.registry:
        registry = open_registry(recorded)
        assert registry is not None
        registry.aliases(recorded.config.service)
        keep_lease(recorded)
        _warn_of_stale(recorded, digest)


def _warn_of_stale(recorded: Recorded, digest: str) -> None:
    for note in stale_notes(recorded.config, {"the model": digest or None}):
        log.warning("%s", note)


def stale_notes(config: RecordConfig, digests: Mapping[str, str | None]) -> list[str]:
    """Notes about models that have learned from rows which are erased.

    Args:
        config: Place of the registry; without one, nothing is known.
        digests: Digest of each model by its name in the note; None where it is unknown.

    Raises:
        InputError: The registry is damaged.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.registry import Registry
    from intentflow.registry.erasures import read_erasures
    from intentflow.registry.listing import SHORT

    if not config.registry or not read_erasures(config.registry).replaced:
        return []
    listing = Registry(config.registry).listing()
    stale = {listing.entries[one].digest: time for one, time in listing.stale.items()}
    return [
        f"{name} {digest[:SHORT]} is stale: it has learned from rows that were erased at "
        f"{stale[digest]}; train again"
        for name, digest in digests.items()
        if digest in stale
    ]


def _record_change(
    recorded: Recorded, made: DeployedFacts, change: Callable[[str], NewAliases], reason: str
) -> None:
    registry = open_registry(recorded)
    if registry is not None:
        _move(registry, recorded, change(_model_entry(registry, recorded, made)), reason)
        _warn_of_stale(recorded, made.digest)


def _move(registry: Registry, recorded: Recorded, change: NewAliases, reason: str) -> None:
    found = registry.move(recorded.config.service, change, reason=reason, run=recorded.run)
    champion = found.current.get("champion", "none")
    log.info("the champion of %s in the registry is %s", recorded.config.service, champion)


def _model_entry(registry: Registry, recorded: Recorded, made: DeployedFacts) -> str:
    """Id of the newest entry of a model; one from elsewhere gets an entry of its own."""
    of_run = registry.of_run(recorded.run) if recorded.run else {}
    if "model" in of_run and of_run["model"].digest == made.digest:
        return of_run["model"].id
    service = recorded.config.service
    for entry in registry.models(service):
        if entry.digest == made.digest:
            return entry.id
    log.warning("the registry has no entry of the model %s: it gets one", made.digest or made.uri)
    entry = recorded.entry("model", uri=made.uri, digest=made.digest, verdict=made.verdict)
    return recorded.write(registry, entry)

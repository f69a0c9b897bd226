"""Rollout status of a service's Deployments, as ``kubectl rollout status`` reports it.

KServe's own status cannot tell the end of an update: it stays Ready while old pods serve, and its
``observedGeneration`` is that of one of the Deployments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from intentflow.deployment.annotations import SOURCE_URI
from intentflow.deployment.ownership import Manifest
from intentflow.deployment.requested_pods import (
    RequestedPods,
    includes,
    of_canary,
    of_predictor,
    of_transformer,
)

_CONTAINER = "kserve-container"
_PREDICTOR_HOST = "--predictor_host"
# Arguments that KServe appends to those of a transformer.
_ADDED_BY_KSERVE = ("--model_name", _PREDICTOR_HOST, "--http_port", "--workers")


@dataclass(frozen=True)
class WantedDeployment:
    """The state of one Deployment that was requested last.

    Attributes:
        name: Name of the Deployment.
        container: Fields of its first container: ``args``, ``image``, ``resources``, ``env``.
        source_uri: Location of its model; None for a transformer or several locations.
        locations: Locations of model and LoRA adapters, where there are several.
        predictor_host: Host that a transformer has to ask; None for a predictor.
        pods: Number, fields, labels and annotations of its pods.
    """

    name: str
    container: Manifest
    source_uri: str | None = None
    locations: tuple[str, ...] = ()
    predictor_host: str | None = None
    pods: RequestedPods = field(default_factory=RequestedPods)

    def pending(self, found: Mapping[str, Any] | None) -> str | None:
        """The reason why the Deployment has not rolled out; None if it has.

        Args:
            found: The Deployment in the cluster; None if there is none.
        """
        where = f"Deployment {self.name}"
        if found is None:
            return f"{where} does not exist yet"
        if not self.is_requested_in(found):
            return f"{where} does not have the change yet"
        return _pending_pods(where, found)

    def is_requested_in(self, found: Mapping[str, Any]) -> bool:
        """Whether the Deployment has the requested pods and their number, and is observed."""
        status = found.get("status") or {}
        if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
            return False
        if not self.pods.are_in(found["spec"]):
            return False
        template = found["spec"]["template"]
        annotations = template["metadata"].get("annotations") or {}
        if self.source_uri and annotations.get(SOURCE_URI) != self.source_uri:
            return False
        if not {*self.locations} <= _downloads(template["spec"]):
            return False
        containers = template["spec"]["containers"]
        return bool(containers) and self._runs_in(containers[0])

    def _runs_in(self, container: Mapping[str, Any]) -> bool:
        wanted = self.container.get("args", [])
        arguments = list(container.get("args") or ())
        rest = arguments[len(wanted) :]
        added = {argument for argument in rest if argument.startswith("--")}
        if arguments[: len(wanted)] != wanted or not added <= set(_ADDED_BY_KSERVE):
            return False
        if self.predictor_host and _value_of(_PREDICTOR_HOST, rest) != self.predictor_host:
            return False
        return all(
            includes(container.get(key), self.container[key])
            for key in ("image", "resources", "env")
            if key in self.container
        )


def wanted_deployments(
    service: Mapping[str, Any], runtime: Mapping[str, Any] | None
) -> list[WantedDeployment]:
    """The Deployments of a service in Standard mode.

    Args:
        service: The InferenceService in the cluster.
        runtime: ServingRuntime of the service; None if it is not in the service's namespace.
    """
    spec, name = service["spec"], service["metadata"]["name"]
    pods = of_predictor(service, runtime)
    wanted = [_wanted_predictor(name, spec["predictor"], runtime, pods)]
    for canary in spec.get("canary") or ():
        pods = of_canary(service, canary, runtime)
        predictor = _with_model_of(spec["predictor"], canary["predictor"])
        wanted.append(_wanted_predictor(name, predictor, runtime, pods))
    for container in (spec.get("transformer") or {}).get("containers", ())[:1]:
        host = f"{wanted[0].name}.{service['metadata']['namespace']}"
        given = _value_of(_PREDICTOR_HOST, container.get("args") or ())
        wanted.append(
            WantedDeployment(
                f"{name}-transformer",
                dict(container),
                predictor_host=None if given else host,
                pods=of_transformer(service),
            )
        )
    return wanted


def predictor_name(service: str, predictor: str | None) -> str:
    """KServe's name of a predictor's Deployment and Service."""
    return f"{service}-{predictor}-predictor" if predictor else f"{service}-predictor"


def _with_model_of(stable: Mapping[str, Any], canary: Mapping[str, Any]) -> Manifest:
    """A canary's predictor with the model's fields that it takes from the stable one."""
    return {**canary, "model": {**stable.get("model", {}), **canary.get("model", {})}}


def _wanted_predictor(
    service: str,
    predictor: Mapping[str, Any],
    runtime: Mapping[str, Any] | None,
    pods: RequestedPods,
) -> WantedDeployment:
    model = predictor.get("model") or {}
    container = {key: model[key] for key in ("resources", "image") if key in model}
    base = _runtime_container(runtime)
    if base:
        container = {"image": base["image"], "env": base.get("env", []), **container}
        container["args"] = base.get("args", []) + model.get("args", [])
    name = predictor_name(service, predictor.get("name"))
    several = tuple(item["uri"] for item in predictor.get("storageUris") or ())
    uri = model.get("storageUri")
    return WantedDeployment(name, container, source_uri=uri, locations=several, pods=pods)


def _runtime_container(runtime: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    containers: Sequence[Mapping[str, Any]] = ((runtime or {}).get("spec") or {}).get(
        "containers", ()
    )
    return next((item for item in containers if item.get("name") == _CONTAINER), None)


def _downloads(pod: Mapping[str, Any]) -> set[str]:
    """What the init containers of a pod are to download, among their other arguments."""
    containers = pod.get("initContainers") or ()
    return {argument for item in containers for argument in item.get("args") or ()}


def _pending_pods(where: str, found: Mapping[str, Any]) -> str | None:
    """The conditions of ``kubectl rollout status``."""
    status = found.get("status") or {}
    wanted = found["spec"].get("replicas", 1)
    present, updated, available = (
        status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")
    )
    if updated < wanted:
        return f"{where}: {updated} of {wanted} pods are updated"
    if present > updated:
        return f"{where}: {present - updated} old pods are left"
    if available < updated:
        return f"{where}: {available} of {updated} updated pods are available"
    return None


def _value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """Value of a command-line flag, ``--flag=value`` or ``--flag value``."""
    for number, argument in enumerate(arguments):
        name, separator, value = argument.partition("=")
        if name == flag:
            return value if separator else next(iter(arguments[number + 1 :]), None)
    return None

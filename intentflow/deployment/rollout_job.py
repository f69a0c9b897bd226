"""The Job that verifies a rollout: what a GitOps controller waits for.

The status of an InferenceService does not tell the end of an update. This Job ends when the service
answers with the new model. Its name has a digest of the service and of the Job itself, so that each
change has a Job of its own; the former one is pruned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from intentflow.deployment.kustomize import Manifest, change_image
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.pod_access import mount_certificates
from intentflow.models.model_facts import ModelFacts

ROLLOUT_LABEL = "intentflow.dev/rollout-of"
"""Label of the Job's pods: the service."""

_DIGITS = 10
# The command ends at its own time limit, with the reason; the Job's limit ends what is stuck.
_MARGIN_SECONDS = 60


def fill_rollout_job(job: Manifest, facts: ModelFacts, options: DeployOptions) -> None:
    """Fill in the question, image, account and labels; :func:`rollout_name` comes last."""
    job["spec"]["activeDeadlineSeconds"] = int(options.timeout_seconds) + _MARGIN_SECONDS
    template = job["spec"]["template"]
    labels, annotations = template["metadata"]["labels"], template["metadata"]["annotations"]
    labels |= {"app.kubernetes.io/name": options.name, **options.pod_labels}
    annotations |= options.pod_annotations
    if options.mesh == "istio":
        # As an ordinary container the sidecar would keep the Job from its end.
        annotations["sidecar.istio.io/nativeSidecar"] = "true"
    if not annotations:
        del template["metadata"]["annotations"]
    pod = template["spec"]
    pod["serviceAccountName"] = options.service_account or options.name
    if options.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    mount_certificates(pod, options)
    container = pod["containers"][0]
    container["args"] = _arguments(facts, options)
    container["image"] = change_image(
        container["image"],
        options.rollout_image,
        options.rollout_version,
        options.rollout_image_digest,
    )


def rollout_name(service: str, objects: Iterable[Mapping[str, Any]]) -> str:
    """The Job's name, which changes with any of the service's objects, the Job included.

    Args:
        service: Name of the service.
        objects: Objects of the service; the Job's present name does not count.

    Example:
        >>> service = {"kind": "InferenceService", "spec": {"predictor": {"minReplicas": 1}}}
        >>> rollout_name("banking", [service])
        'banking-rollout-3307b1dbb0'
    """
    texts = sorted(json.dumps(_unnamed(item), sort_keys=True, default=str) for item in objects)
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return f"{service}-rollout-{digest[:_DIGITS]}"


def is_rollout_job(item: object, service: str) -> bool:
    """Whether an object is the Job of a service."""
    if not isinstance(item, Mapping) or item.get("kind") != "Job":
        return False
    template = (item.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(ROLLOUT_LABEL) == service)


def _arguments(facts: ModelFacts, options: DeployOptions) -> list[str]:
    arguments = [
        f"--url={options.probe_url or _address(options)}",
        f"--model-digest={facts.digest}",
        f"--timeout={options.timeout_seconds:g}",
    ]
    if options.probe:
        arguments += [f"--probe={options.probe}", f"--model={facts.storage_uri}"]
    return arguments


def _address(options: DeployOptions) -> str:
    """The service's URL inside the cluster, as KServe states it in ``status.address``."""
    part = "" if options.deployment_mode == "Knative" else "-transformer"
    return f"http://{options.name}{part}.{options.namespace}.svc.cluster.local"


def _unnamed(item: Mapping[str, Any]) -> Mapping[str, Any]:
    if item.get("kind") != "Job":
        return item
    copy = deepcopy(dict(item))
    copy["metadata"].pop("name", None)
    return copy

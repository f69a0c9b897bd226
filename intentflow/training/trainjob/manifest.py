"""The manifest of a training's ``TrainJob`` for Kubeflow Trainer v2 (v1alpha1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intentflow.recipe.cluster import TRAIN_IMAGE, ClusterOptions
from intentflow.recipe.distributed import Distributed
from intentflow.storage.uris import S3_ENDPOINT_VARIABLES, S3_REGION_VARIABLES
from intentflow.version import __version__

TRAINJOB = ("trainer.kubeflow.org/v1alpha1", "TrainJob")
FIELD_MANAGER = "intentflow"
_PATCH_MANAGER = "intentflow.dev/train"
"""Kubeflow Trainer takes a domain-prefixed path alone (``jobset.go:176`` of v2.3.0)."""

_CHECKPOINTS = "/var/intentflow/checkpoints"
_CERTIFICATES = "/etc/intentflow/ca"
_MODEL = "/tmp/intentflow/model"
_RELEASE_IMAGE = f"intentflow/train:{__version__}"
_USER = 1000
_SETTINGS = (*S3_ENDPOINT_VARIABLES, *S3_REGION_VARIABLES)
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True)
class Staged:
    """Locations of a job's data and of its model.

    Attributes:
        inputs: ``s3://…/sha256-<digest>`` with recipe, rows and taxonomy.
        files: Names of the files in it.
        results: ``s3://`` prefix under which the model is published.
    """

    inputs: str
    files: frozenset[str]
    results: str


def render_trainjob(
    settings: Distributed, staged: Staged, namespace: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Render the job as an object to apply; its name depends on its inputs.

    Args:
        settings: Nodes and devices.
        staged: Data and model.
        namespace: Namespace of the job.
        environment: Environment of this process, from which the address of S3 and the image of the
            graph's train step are taken, never keys.
    """
    options = settings.cluster
    spec: dict[str, Any] = {
        "runtimeRef": {
            "apiGroup": "trainer.kubeflow.org",
            "kind": options.runtime_kind,
            "name": options.runtime,
        },
        "trainer": {
            "image": options.image or environment.get(TRAIN_IMAGE) or _RELEASE_IMAGE,
            "numNodes": settings.nodes,
            "numProcPerNode": settings.devices,
            "resourcesPerNode": _resources(settings),
            "command": ["torchrun", "-m", "intentflow.cli.main"],
            "args": _arguments(staged),
            "env": _environment(options, environment),
        },
    }
    patch = _pod_patch(options)
    if patch:
        spec["runtimePatches"] = [_runtime_patch(patch)]
    if options.timeout_seconds:
        spec["activeDeadlineSeconds"] = options.timeout_seconds
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
    metadata = {
        "name": f"intentflow-train-{digest[:12]}",
        "namespace": namespace,
        "labels": {"app.kubernetes.io/part-of": "intentflow"},
    }
    return {"apiVersion": TRAINJOB[0], "kind": TRAINJOB[1], "metadata": metadata, "spec": spec}


def _arguments(staged: Staged) -> list[str]:
    arguments = ["train", "--recipe", f"{staged.inputs}/recipe.yaml"]
    for flag, file in (
        ("--train", "train.jsonl"),
        ("--validation", "validation.jsonl"),
        ("--taxonomy", "taxonomy.yaml"),
    ):
        if file in staged.files:
            arguments += [flag, f"{staged.inputs}/{file}"]
    return [*arguments, "--output", _MODEL, "--publish", staged.results]


def _resources(settings: Distributed) -> dict[str, Any]:
    options = settings.cluster
    wanted = {"cpu": options.cpu, "memory": options.memory}
    gpus = settings.devices if options.gpus is None else options.gpus
    if gpus:
        wanted["nvidia.com/gpu"] = str(gpus)
    return {"requests": wanted, "limits": wanted}


def _environment(options: ClusterOptions, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "value": environment[name]} for name in _SETTINGS if environment.get(name)
    ]
    for key in _KEYS if options.s3_secret else ():
        reference = {"name": options.s3_secret, "key": key}
        found.append({"name": key, "valueFrom": {"secretKeyRef": reference}})
    for secret, variables in options.env_from_secrets.items():
        for key, name in variables.items():
            reference = {"name": secret, "key": key}
            found.append({"name": name, "valueFrom": {"secretKeyRef": reference}})
    if options.checkpoints_claim:
        found.append({"name": "INTENTFLOW_CHECKPOINTS", "value": _CHECKPOINTS})
    if options.ca_config_map:
        found.append({"name": "SSL_CERT_FILE", "value": f"{_CERTIFICATES}/cabundle.crt"})
    return found


def _pod_patch(options: ClusterOptions) -> dict[str, Any]:
    """Additions to the pods of the runtime."""
    patch: dict[str, Any] = {}
    if options.service_account:
        patch["serviceAccountName"] = options.service_account
    if options.image_pull_secrets:
        patch["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    if options.node_selector:
        patch["nodeSelector"] = options.node_selector
    if options.tolerations:
        patch["tolerations"] = options.tolerations
    if options.security_context == "restricted":
        patch["securityContext"] = {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    volumes = _volumes(options)
    if volumes:
        patch["volumes"] = [{"name": name, **source} for name, _, source in volumes]
    container = _container_patch(options, volumes)
    if container:
        patch["containers"] = [{"name": "node", **container}]
    return patch


def _volumes(options: ClusterOptions) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, mount path and source of each volume."""
    volumes: list[tuple[str, str, dict[str, Any]]] = []
    if options.checkpoints_claim:
        claim = {"persistentVolumeClaim": {"claimName": options.checkpoints_claim}}
        volumes.append(("checkpoints", _CHECKPOINTS, claim))
    if options.ca_config_map:
        certificates = {"configMap": {"name": options.ca_config_map}}
        volumes.append(("ca", _CERTIFICATES, certificates))
    if options.shared_memory:
        memory = {"emptyDir": {"medium": "Memory", "sizeLimit": options.shared_memory}}
        volumes.append(("shared-memory", "/dev/shm", memory))
    return volumes


def _container_patch(
    options: ClusterOptions, volumes: list[tuple[str, str, dict[str, Any]]]
) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if volumes:
        patch["volumeMounts"] = [{"name": name, "mountPath": path} for name, path, _ in volumes]
    if options.security_context == "restricted":
        patch["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    return patch


def _runtime_patch(pod: dict[str, Any]) -> dict[str, Any]:
    job = {"name": "node", "template": {"spec": {"template": {"spec": pod}}}}
    template = {"spec": {"replicatedJobs": [job]}}
    return {"manager": _PATCH_MANAGER, "trainingRuntimeSpec": {"template": template}}

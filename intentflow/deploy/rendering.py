"""The objects of one model's service: ``manifests/base`` with what is its own filled in."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from intentflow.config import load_yaml
from intentflow.deploy.facts import ModelFacts
from intentflow.deploy.options import DeployOptions
from intentflow.deploy.verdict import Verdict
from intentflow.files import atomic_file
from intentflow.resources import resource

ANNOTATION = "intentflow.dev/"
DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
MODEL_MOUNT = "/mnt/models"  # where KServe puts the model in the container
_GPU = "nvidia.com/gpu"
_GPU_PRODUCT = "nvidia.com/gpu.product"

Manifest = dict[str, Any]


def render(facts: ModelFacts, options: DeployOptions, verdict: Verdict | None) -> list[Manifest]:
    """The Kubernetes objects that belong to this model, in the order to apply them.

    Args:
        facts: The model.
        options: Names, resources, image.
        verdict: A passing verdict about it; None marks the service as unverified.
    """
    objects = _load_base()
    account, runtime, service = (
        objects[kind] for kind in ("ServiceAccount", "ServingRuntime", "InferenceService")
    )
    for item in objects.values():
        item["metadata"]["name"] = options.name
        item["metadata"]["namespace"] = options.namespace
        item["metadata"]["labels"]["app.kubernetes.io/name"] = options.name
    _fill_account(account, options)
    _fill_runtime(runtime, options)
    _fill_service(service, facts, options)
    service["metadata"]["annotations"] |= _annotations(facts, options, verdict)
    return [runtime, service] if options.service_account else [account, runtime, service]


def write_manifests(objects: Iterable[Manifest], directory: Path) -> list[Path]:
    """Write one file an object and a ``kustomization.yaml`` that names them.

    Returns:
        The files, ``kustomization.yaml`` last.
    """
    contents = {f"{item['kind'].lower()}.yaml": item for item in objects}
    contents["kustomization.yaml"] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(contents),
    }
    for name, document in contents.items():
        with atomic_file(directory / name) as partial:
            partial.write_text(to_yaml([document]), encoding="utf-8")
    return [directory / name for name in contents]


def to_yaml(objects: Iterable[Manifest]) -> str:
    """The objects as one YAML stream."""
    return yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=200)


def _load_base() -> dict[str, Manifest]:
    base = resource("manifests/base")
    files = load_yaml(base / "kustomization.yaml")["resources"]
    documents = [load_yaml(base / name) for name in files]
    return {document["kind"]: document for document in documents}


def _fill_account(account: Manifest, options: DeployOptions) -> None:
    account["secrets"] = [{"name": options.s3_secret}]


def _fill_runtime(runtime: Manifest, options: DeployOptions) -> None:
    runtime["metadata"]["name"] = _runtime_name(options)
    container = runtime["spec"]["containers"][0]
    container["image"] = options.image
    key = {"name": options.api_key_secret, "key": options.api_key_secret_key}
    for variable in container["env"]:
        if variable["name"] == "VLLM_API_KEY":
            variable["valueFrom"]["secretKeyRef"] = key
    if options.image_pull_secrets:
        secrets = [{"name": name} for name in options.image_pull_secrets]
        runtime["spec"]["imagePullSecrets"] = secrets


def _fill_service(service: Manifest, facts: ModelFacts, options: DeployOptions) -> None:
    predictor = service["spec"]["predictor"]
    service["metadata"]["annotations"][DEPLOYMENT_MODE] = options.deployment_mode
    predictor["minReplicas"] = options.min_replicas
    predictor["maxReplicas"] = options.max_replicas
    predictor["serviceAccountName"] = options.service_account or options.name
    predictor["model"] |= {
        "runtime": _runtime_name(options),
        "storageUri": facts.storage_uri,
        "args": _arguments(facts, options),
        "resources": _resources(options),
    }
    _place(predictor, options)


def _arguments(facts: ModelFacts, options: DeployOptions) -> list[str]:
    """The vLLM arguments that follow from the model; the runtime holds those that never change."""
    arguments = [f"--served-model-name={options.name}"]
    max_model_len = options.max_model_len or facts.served_length
    if max_model_len:
        arguments.append(f"--max-model-len={max_model_len}")
    arguments.append(f"--dtype={facts.dtype if options.dtype == 'auto' else options.dtype}")
    if facts.chat_template:
        arguments.append(f"--chat-template={MODEL_MOUNT}/{facts.chat_template}")
    if options.gpu_count > 1:
        arguments.append(f"--tensor-parallel-size={options.gpu_count}")
    return arguments + options.extra_args


def _resources(options: DeployOptions) -> Manifest:
    amounts = {"cpu": options.cpu, "memory": options.memory}
    if options.gpu_count:
        amounts[_GPU] = str(options.gpu_count)
    return {"requests": amounts, "limits": deepcopy(amounts)}


def _place(predictor: Manifest, options: DeployOptions) -> None:
    """On which nodes; the base tolerates those that are set apart for GPUs."""
    own = predictor["tolerations"] if options.gpu_count else []
    predictor["tolerations"] = [*own, *deepcopy(options.tolerations)]
    selector = dict(options.node_selector)
    if options.gpu_type:
        selector[_GPU_PRODUCT] = options.gpu_type
    if selector:
        predictor["nodeSelector"] = selector
    if not predictor["tolerations"]:
        del predictor["tolerations"]


def _annotations(
    facts: ModelFacts, options: DeployOptions, verdict: Verdict | None
) -> dict[str, str]:
    found: dict[str, str | None] = {
        "verdict": "passed" if verdict else "unverified",
        "model-digest": facts.digest,
        "prompt-digest": facts.prompt_digest,
        "training-data-digest": facts.data_digest,
        "data-digest": verdict.data_digest if verdict else None,
        "constrained": _flag(verdict.constrained) if verdict else None,
        "api-key-secret": f"{options.api_key_secret}/{options.api_key_secret_key}",
    }
    return {ANNOTATION + key: value for key, value in found.items() if value is not None}


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _runtime_name(options: DeployOptions) -> str:
    return f"{options.name}-vllm"

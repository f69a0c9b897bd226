"""Rendering: ``manifests`` with the values of one model's service filled in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath

import yaml

from intentflow.artifacts.deployed_model import DeployedModel
from intentflow.artifacts.verdict import Verdict
from intentflow.deployment.annotations import ANNOTATION as ANNOTATION
from intentflow.deployment.annotations import API_KEY_SECRET, SERVICE_LABEL
from intentflow.deployment.annotations import DEPLOYMENT_MODE as DEPLOYMENT_MODE
from intentflow.deployment.autoscaling import for_canary
from intentflow.deployment.hand_edits import KUSTOMIZATION, digest_comments, keep_hand_edits
from intentflow.deployment.kustomize import Manifest as Manifest
from intentflow.deployment.kustomize import build, mappings
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.pod_access import point_to_secrets
from intentflow.deployment.predictor import fill_predictor, fill_runtime
from intentflow.deployment.rollout_job import ROLLOUT_LABEL, fill_rollout_job, rollout_name
from intentflow.deployment.service_options import COMPONENTS
from intentflow.deployment.supporting_objects import fill_supporting_objects
from intentflow.deployment.traffic_split import share_requests, with_shadow
from intentflow.deployment.transformer import fill_transformer, leave_out_transformer
from intentflow.environment import resource
from intentflow.errors import InputError, IntentflowError, UsageError
from intentflow.io.files import atomic_file
from intentflow.io.safe_yaml import load_yaml_text
from intentflow.models.model_facts import ModelFacts

BASE_NAME = "intent"  # name of the service in manifests/base
_CLUSTER_SCOPED = ("LocalModelCache",)
_ALL = 100


def render(
    facts: ModelFacts,
    options: DeployOptions,
    verdict: Verdict | None,
    stable: ModelFacts | None = None,
    shadow: ModelFacts | None = None,
) -> list[Manifest]:
    """The Kubernetes objects of a model's service, in the order to apply them.

    Args:
        facts: The model.
        options: Names, resources, images, components.
        verdict: A passing verdict about it; None marks the service as unverified.
        stable: The model in service, of which the other one becomes the canary.
        shadow: The model that gets copies of requests.

    Raises:
        InputError: A component contradicts the model.
        UsageError: The mode has no canary that can be rendered.
    """
    objects = _load(facts, options)
    _name(objects, options)
    point_to_secrets(objects, options)
    objects = fill_supporting_objects(objects, facts, options)
    runtime, service = (_only(objects, kind) for kind in ("ServingRuntime", "InferenceService"))
    fill_runtime(runtime, options)
    secret = f"{options.api_key_secret}/{options.api_key_secret_key}"
    service["metadata"]["annotations"] |= {
        DEPLOYMENT_MODE: options.deployment_mode,
        API_KEY_SECRET: secret,
    }
    service["spec"]["predictor"]["annotations"] |= _entry(facts, verdict)
    fill_predictor(service, facts, options)
    if options.transformer:
        fill_transformer(service, facts, options)
    else:
        objects = leave_out_transformer(objects)
    if stable:
        objects += _add_stable(service, stable, options)
    if shadow:
        dark = _only(render(shadow, options, None), "InferenceService")
        service |= with_shadow(service, dark, options.shadow_percent or _ALL)
    if options.has_rollout_job:
        job = _only(objects, "Job")
        fill_rollout_job(job, facts, options)
        job["metadata"]["name"] = rollout_name(options.name, objects)
    # Objects that refer to others come last.
    return [item for item in objects if item is not service] + [service]


def write_manifests(objects: Iterable[Manifest], directory: Path) -> list[Path]:
    """Write one file per object and a ``kustomization.yaml`` that lists them.

    Files of an earlier rendering that are no longer needed are deleted; those that were edited by
    hand are kept as ``NAME.edited``, and named in a warning.

    Returns:
        The files, ``kustomization.yaml`` last.

    Raises:
        InputError: The folder contains other files.
    """
    former = _former_files(directory)
    documents = _files(list(objects))
    contents = {name: to_yaml([document]) for name, document in documents.items()}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(documents),
    }
    keep_hand_edits(directory)
    contents[KUSTOMIZATION] = to_yaml([kustomization])
    contents[KUSTOMIZATION] += digest_comments(contents)
    for name, text in contents.items():
        with atomic_file(directory / name) as partial:
            partial.write_text(text, encoding="utf-8")
    for name in former - contents.keys():
        (directory / name).unlink(missing_ok=True)
    return [directory / name for name in contents]


def _former_files(directory: Path) -> set[str]:
    """Files of an earlier rendering: the resources of its kustomization."""
    if not directory.is_dir() or not any(directory.iterdir()):
        return set()
    try:
        kustomization = directory / KUSTOMIZATION
        document = load_yaml_text(kustomization.read_text(encoding="utf-8"), str(kustomization))
        resources = document["resources"]
    except (OSError, ValueError, IntentflowError, KeyError, TypeError):
        raise InputError(
            f"{directory} contains files that are not manifests: give -o an empty or new folder"
        ) from None
    return {name for name in resources if isinstance(name, str) and _is_own_file(directory, name)}


def _is_own_file(directory: Path, name: str) -> bool:
    """Whether a resource is a file that a rendering may have written and may delete."""
    return PurePath(name).name == name and "\0" not in name and (directory / name).is_file()


def to_yaml(objects: Iterable[Manifest]) -> str:
    """The objects as one YAML stream."""
    return yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=200)


class _Plain(yaml.SafeDumper):
    """A dumper without anchors, so that equal fields can be edited separately."""

    def ignore_aliases(self, _data: object, /) -> bool:
        return True


def _load(facts: ModelFacts, options: DeployOptions) -> list[Manifest]:
    """The base with the components for model and options."""
    chosen = options.derived_components - {"canary"}  # written by share_requests
    if "awq" in chosen and not facts.quantization:
        raise InputError(f"{facts.uri} is not quantized: leave out the component awq")
    if facts.quantization:
        chosen.add("awq")
    folders = [resource(f"manifests/components/{name}") for name in COMPONENTS if name in chosen]
    return build(resource("manifests/base"), folders)


def _name(objects: Iterable[Manifest], options: DeployOptions) -> None:
    for item in objects:
        metadata = item["metadata"]
        metadata["name"] = options.name + metadata["name"].removeprefix(BASE_NAME)
        if item["kind"] not in _CLUSTER_SCOPED:
            metadata["namespace"] = options.namespace
        metadata["labels"]["app.kubernetes.io/name"] = options.name
        for found in mappings(item):
            for label in (SERVICE_LABEL, ROLLOUT_LABEL):
                if label in found:
                    found[label] = options.name


def _add_stable(service: Manifest, stable: ModelFacts, options: DeployOptions) -> list[Manifest]:
    """Turn the service into the stable model's, with its own as canary; returns further objects."""
    if options.deployment_mode == "Knative":
        raise UsageError(
            "a canary in Knative mode cannot be rendered, because the cluster keeps the previous "
            "revision; use mode apply, or deployment_mode: Standard"
        )
    objects = render(stable, options, None)
    in_service = _only(objects, "InferenceService")
    del in_service["spec"]["predictor"]["annotations"][ANNOTATION + "verdict"]  # unknown here
    percent = options.canary_percent or 0
    service |= share_requests(
        in_service,
        service,
        percent,
        kserve_splits=options.kserve_splits,
        copied_percent=options.copied_to_canary,
    )
    scaled = for_canary(objects, service)
    return [item for item in objects if item["kind"] == "LocalModelCache"] + scaled


def _entry(facts: ModelFacts, verdict: Verdict | None) -> dict[str, str]:
    """The annotations about the model; one whose files may change is never verified."""
    model = DeployedModel(
        verdict="passed" if verdict and facts.stated_digest else "unverified",
        model_digest=facts.digest,
        prompt_digest=facts.prompt_digest,
        interface_digest=facts.interface_digest,
        training_data_digest=facts.data_digest or "",
        data_digest=(verdict and verdict.data_digest) or "",
        constrained=_flag(verdict.constrained if verdict else None),
    )
    return model.annotations(ANNOTATION)


def _flag(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


def _only(objects: Iterable[Manifest], kind: str) -> Manifest:
    return next(item for item in objects if item["kind"] == kind)


def _files(objects: list[Manifest]) -> dict[str, Manifest]:
    """File names: the kind, and the object's name if there are several of a kind."""
    kinds = [item["kind"] for item in objects]
    service = _only(objects, "InferenceService")["metadata"]["name"]
    named: dict[str, Manifest] = {}
    for item in objects:
        stem = item["kind"].lower()
        if kinds.count(item["kind"]) > 1:
            stem += item["metadata"]["name"].removeprefix(service)
        named[f"{stem}.yaml"] = item
    return named

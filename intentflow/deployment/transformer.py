"""The transformer of a service, which clients connect to."""

from __future__ import annotations

from collections.abc import Iterable

from intentflow.deployment.annotations import COMPONENT_LABEL
from intentflow.deployment.kustomize import Manifest, change_image
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.pod_access import mount_certificates
from intentflow.models.model_facts import ModelFacts
from intentflow.persons import PERSON_KEY_VARIABLE


def fill_transformer(service: Manifest, facts: ModelFacts, options: DeployOptions) -> None:
    """Fill in the model whose prompt and taxonomy it applies, image, size and log."""
    transformer = service["spec"]["transformer"]
    container = transformer["containers"][0]
    container["image"] = change_image(
        container["image"],
        options.transformer_image,
        options.transformer_version,
        options.transformer_image_digest,
    )
    container["args"] = [f"--model_name={options.name}", f"--model_uri={facts.storage_uri}"]
    if options.deployment_mode == "Knative" and facts.stated_digest:
        container["args"].append("--shared_digest")
    if options.log_uri:
        container["env"].append({"name": "INTENTFLOW_LOG_URI", "value": options.log_uri})
    if options.person_key_secret:
        key = {"name": options.person_key_secret, "key": options.person_key_secret_key}
        variable = {"name": PERSON_KEY_VARIABLE, "valueFrom": {"secretKeyRef": key}}
        container["env"].append(variable)
    amounts = {"cpu": options.transformer_cpu, "memory": options.transformer_memory}
    container["resources"] = {"requests": amounts, "limits": dict(amounts)}
    transformer["minReplicas"] = options.transformer_replicas
    transformer["maxReplicas"] = max(options.transformer_replicas, transformer["maxReplicas"])
    transformer["serviceAccountName"] = options.service_account or options.name
    if options.image_pull_secrets:
        transformer["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    if options.deployment_mode == "Knative":
        # Knative supports one port, and ends pods in its own way.
        transformer.pop("terminationGracePeriodSeconds")
        container.pop("lifecycle")
        del container["ports"][1:]
    mount_certificates(transformer, options)
    if options.pod_labels:
        transformer["labels"] = dict(options.pod_labels)
    transformer["annotations"] |= options.pod_annotations
    if not transformer["annotations"]:
        del transformer["annotations"]


def openai_url(service_url: str, has_transformer: bool) -> str:
    """Base URL for OpenAI clients: KServe's path with a transformer, otherwise vLLM's own."""
    return service_url.rstrip("/") + ("/openai/v1" if has_transformer else "/v1")


def leave_out_transformer(objects: Iterable[Manifest]) -> list[Manifest]:
    """The service without transformer, with vLLM's own routes open to clients."""
    kept = [item for item in objects if _selected(item) != "transformer"]
    for item in kept:
        if item["kind"] == "InferenceService":
            del item["spec"]["transformer"]
        if item["kind"] == "NetworkPolicy" and _selected(item) == "predictor":
            item["spec"]["ingress"][0].pop("from")
    return kept


def _selected(item: Manifest) -> str | None:
    """The part of the service that an object selects."""
    spec = item.get("spec", {})
    if item["kind"] == "ScaledObject":
        return str(spec["scaleTargetRef"]["name"]).rpartition("-")[2]
    selector = spec.get("podSelector") or spec.get("selector") or {}
    part: str | None = selector.get("matchLabels", {}).get(COMPONENT_LABEL)
    return part

"""The predictor of a service: vLLM's arguments for the model, resources and placement."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from intentflow.deployment.annotations import COMPONENT_LABEL, SERVICE_LABEL
from intentflow.deployment.arguments import SERVED_NAMES, flag_of, grouped
from intentflow.deployment.kustomize import Manifest, change_image
from intentflow.deployment.options import DeployOptions
from intentflow.errors import InputError
from intentflow.models.model_facts import ModelFacts

MODEL_MOUNT = "/mnt/models"  # KServe's path of the model in the container
_ADAPTER_MOUNT = "/mnt/adapters"
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # supported by vLLM
# vLLM answers requests with logit_bias by 400 when it speculates.
_SPECULATION = {"--speculative-config", "--speculative_config", "-sc"}
_GPU = "nvidia.com/gpu"
_GPU_PRODUCT = "nvidia.com/gpu.product"


def fill_runtime(runtime: Manifest, options: DeployOptions) -> None:
    """Fill in the server's image and key; without a transformer clients' token is the key."""
    container = runtime["spec"]["containers"][0]
    container["image"] = change_image(
        container["image"],
        options.vllm_image,
        options.vllm_version,
        options.vllm_image_digest,
    )
    if not options.transformer:
        for variable in container["env"]:
            if variable["name"] == "VLLM_API_KEY":
                variable["valueFrom"]["secretKeyRef"]["key"] = options.api_key_secret_key
    if options.image_pull_secrets:
        secrets = [{"name": name} for name in options.image_pull_secrets]
        runtime["spec"]["imagePullSecrets"] = secrets
    if options.deployment_mode == "Knative":
        container.pop("lifecycle")


def fill_predictor(service: Manifest, facts: ModelFacts, options: DeployOptions) -> None:
    """Fill in the model, its arguments and resources.

    Raises:
        InputError: The arguments and the model exclude each other.
    """
    if facts.is_fused and (found := _SPECULATION & _flags(options.extra_args)):
        raise InputError(
            f"extra_args: {min(found)} and the classifier of {facts.uri} exclude each other, since "
            "vLLM takes no logit_bias when it speculates: leave the option out (a model that was "
            "trained with intent_tokens: false has no classifier)"
        )
    predictor = service["spec"]["predictor"]
    predictor["minReplicas"] = options.min_replicas
    predictor["maxReplicas"] = options.max_replicas
    predictor["serviceAccountName"] = options.service_account or options.name
    model = predictor["model"]
    model |= {
        "runtime": f"{options.name}-vllm",
        "args": _arguments(model["args"], facts, options),
        "resources": _resources(options),
    }
    if options.lora_adapters:
        predictor["storageUris"] = _storage(facts, options)
    else:
        model["storageUri"] = facts.storage_uri
    if options.storage_container:
        predictor["storageContainerName"] = options.storage_container
    if options.deployment_strategy != "RollingUpdate":
        predictor["deploymentStrategy"] = {"type": options.deployment_strategy}
    if options.deployment_mode == "Knative":
        predictor.pop("terminationGracePeriodSeconds")
    _place(predictor, options)


def _flags(arguments: Iterable[str]) -> set[str]:
    """All arguments that may be flags, one of a section such as ``--a.b`` as the section's."""
    return {flag_of([argument]).partition(".")[0] for argument in arguments}


def _arguments(present: list[str], facts: ModelFacts, options: DeployOptions) -> list[str]:
    """The model's own arguments, then those of base and components that it does not set."""
    own: dict[str, str] = {}
    max_model_len = options.max_model_len or facts.served_length
    if max_model_len:
        own["--max-model-len"] = str(max_model_len)
    own["--dtype"] = facts.dtype if options.dtype == "auto" else options.dtype
    if facts.max_logprobs:
        own["--max-logprobs"] = str(facts.max_logprobs)
    if facts.quantization:
        own["--quantization"] = facts.quantization
    if facts.chat_template:
        own["--chat-template"] = f"{MODEL_MOUNT}/{facts.chat_template}"
    if options.gpu_count > 1:
        own["--tensor-parallel-size"] = str(options.gpu_count)
    from_elsewhere = {"--max-model-len", "--chat-template", "--lora-modules", "--max-lora-rank"}
    replaced = {SERVED_NAMES, *own, *from_elsewhere}
    kept = [it for group in grouped(present) if flag_of(group) not in replaced for it in group]
    digest = served_digest(facts, options)
    names = [SERVED_NAMES, options.name, *([digest] if digest else [])]
    arguments = names + [f"{flag}={value}" for flag, value in own.items()]
    return arguments + kept + _adapters(options) + options.extra_args


def served_digest(facts: ModelFacts, options: DeployOptions) -> str | None:
    """The digest by which a transformer asks for the model; None if its location states none.

    In Knative mode one transformer may have two models behind it, which share prompt, taxonomy
    and calibration.
    """
    shared = options.deployment_mode == "Knative" and facts.stated_digest
    return facts.interface_digest if shared else facts.stated_digest


def _adapters(options: DeployOptions) -> list[str]:
    if not options.lora_adapters:
        return []
    rank = next((rank for rank in _RANKS if rank >= options.lora_rank), _RANKS[-1])
    modules = [f"{name}={_ADAPTER_MOUNT}/{name}" for name in options.lora_adapters]
    return [f"--max-lora-rank={rank}", "--lora-modules", *modules]


def _storage(facts: ModelFacts, options: DeployOptions) -> list[Manifest]:
    places = {MODEL_MOUNT: facts.storage_uri}
    places |= {f"{_ADAPTER_MOUNT}/{name}": uri for name, uri in options.lora_adapters.items()}
    return [{"uri": uri, "mountPath": path} for path, uri in places.items()]


def _resources(options: DeployOptions) -> Manifest:
    amounts = {"cpu": options.cpu, "memory": options.memory}
    if options.gpu_count:
        amounts[_GPU] = str(options.gpu_count)
    return {"requests": amounts, "limits": deepcopy(amounts)}


def _place(predictor: Manifest, options: DeployOptions) -> None:
    """Fill in the placement; component gpu tolerates dedicated GPU nodes."""
    predictor["tolerations"] += deepcopy(options.tolerations)
    selector = dict(options.node_selector)
    if options.gpu_product:
        selector[_GPU_PRODUCT] = options.gpu_product
    if selector:
        predictor["nodeSelector"] = selector
    placement = {
        "affinity": options.affinity,
        "topologySpreadConstraints": _spread(options),
        "runtimeClassName": options.runtime_class_name,
        "labels": options.pod_labels,
    }
    predictor |= {key: deepcopy(value) for key, value in placement.items() if value}
    predictor["annotations"] |= options.pod_annotations
    for empty in ("tolerations", "annotations"):
        if not predictor[empty]:
            del predictor[empty]


def _spread(options: DeployOptions) -> list[Manifest]:
    """The constraints; one without a selector counts the service's own predictor pods."""
    own = {"matchLabels": {SERVICE_LABEL: options.name, COMPONENT_LABEL: "predictor"}}
    return [{"labelSelector": own, **given} for given in options.topology_spread_constraints]

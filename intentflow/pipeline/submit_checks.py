"""Refusal of what cannot run in a cluster, before anything is uploaded."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from intentflow.baselines.kinds import LANGUAGE_MODEL_KINDS
from intentflow.config import DNS_LABEL
from intentflow.errors import InputError
from intentflow.models.base_models import BUNDLED_PREFIX
from intentflow.pipeline.options import STEPS, PipelineOptions
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.step_options import StepOptions
from intentflow.storage import is_remote

log = logging.getLogger(__name__)

_LABEL = re.compile(DNS_LABEL)
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_KEY = re.compile(
    r"((?=[^/]{1,253}/)[a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    rf"{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
# What KFP mounts into the container of a step: kubeflow/pipelines 2.17.0, below backend/src/v2,
# compiler/argocompiler/container.go:59-70 and component/constants.go:18-32.
_KFP_MOUNTS = (
    *("/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config"),
    *("/kfp-launcher", "/kfp-workspace"),
)
_MAX_EXPERIMENT = 128  # backend/src/apiserver/validation/length.go:41
_SHARED_MEMORY = "/dev/shm"


def check_for_cluster(config: RunConfig) -> None:
    """Refuse a run that a cluster could not carry out; warn where it may be meant.

    Args:
        config: Configuration of the run.

    Raises:
        InputError: A model or a file is local, or KFP or Kubernetes would refuse
            an option of a step. The message names the key.
    """
    _check_base_model(config)
    _check_encoder(config)
    _check_engine(config)
    if (probe := config.deploy.probe) and not is_remote(probe):
        raise InputError(_local("deploy.probe", probe))
    for step in STEPS:
        check_step(step, config.pipeline.for_step(step))
    _warn_of_qlora(config)


def refuse_local_places(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments with local paths, which no step in a cluster can read.

    Raises:
        InputError: There is a local path; the message names the key and the path.
    """
    places = {
        "data.sources": _texts(arguments.get("sources")),
        "retrain.feedback": _texts(arguments.get("feedback")),
        "data.test": _texts(arguments.get("split", {}).get("test")),
        "champion": _texts(arguments.get("champion")),
        "registry": _texts(arguments.get("record", {}).get("registry")),
    }
    for key, named in places.items():
        for place in named:
            if not is_remote(place):
                raise InputError(_local(key, place))
    target = arguments.get("publish", {}).get("destination")
    if target is not None and not is_remote(str(target)):
        raise InputError(
            f"publish is {target or 'not set'}, but the cluster cannot write to a local folder: "
            "give a bucket, --set publish=s3://bucket/prefix"
        )


def check_names(namespace: str | None, experiment: str, service_account: str | None) -> None:
    """Refuse names that KFP or Kubernetes would refuse.

    Raises:
        InputError: A name is invalid; the message names the flag and what is allowed.
    """
    if namespace is not None:
        _require(_LABEL, namespace, "--namespace", "a Kubernetes namespace")
    if service_account is not None:
        _require(_SUBDOMAIN, service_account, "--service-account", "a ServiceAccount's name")
    if not 0 < len(experiment) <= _MAX_EXPERIMENT:
        raise InputError(f"--experiment: expected 1 to {_MAX_EXPERIMENT} characters")


def check_step(step: str, options: StepOptions) -> None:
    """Refuse options of a step that Kubernetes would refuse, when the step's turn has come.

    Raises:
        InputError: An image, a name or a mount is invalid; the message names step and key.
    """
    where = f"pipeline, step {step}"
    if options.image is not None:
        _require(_IMAGE, options.image, f"{where}: image", "registry/name:tag in lower case")
    for secret in (*options.image_pull_secrets, *options.env_from_secrets):
        _require(_SUBDOMAIN, secret, f"{where}: secret", "a Secret's name")
    secret_variables = [
        name for variables in options.env_from_secrets.values() for name in variables.values()
    ]
    for variable in (*options.env, *secret_variables):
        _require(_VARIABLE, variable, f"{where}: env", "a variable's name")
    for claim in options.volumes:  # KFP names the pod's volume after the claim
        _require(
            _LABEL, claim, f"{where}: volumes", "a claim's name of at most 63 characters, no dots"
        )
    for name in options.config_maps:  # the pod's volume is named after it, too
        _require(_LABEL, name, f"{where}: config_maps", "a name of at most 63 characters, no dots")
    for key in (*options.labels, *options.annotations, *options.node_selector):
        _require(_KEY, key, f"{where}: label or annotation", "a key such as example.com/team")
    for value in (*options.labels.values(), *options.node_selector.values()):
        _require(
            _LABEL_VALUE, value, f"{where}: label", "at most 63 letters, digits, '-', '_', '.'"
        )
    _check_mounts(where, options)


def _check_mounts(where: str, options: StepOptions) -> None:
    mounts = [*options.volumes.values(), *options.config_maps.values(), *options.empty_dirs]
    if options.shared_memory:
        mounts.append(_SHARED_MEMORY)
    taken: set[str] = set()
    for path in mounts:
        plain = str(PurePosixPath(path))
        if not path.startswith("/") or plain == "/" or ":" in path or ".." in path.split("/"):
            raise InputError(f"{where}: mount {path!r}: expected an absolute path without ':'")
        if plain in _KFP_MOUNTS:
            raise InputError(f"{where}: mount {path}: KFP mounts its own volume there")
        if plain in taken:
            raise InputError(f"{where}: mount {path}: two volumes are mounted there")
        taken.add(plain)


def _check_base_model(config: RunConfig) -> None:
    name = config.recipe.model_name_or_path
    steps = ["train"]
    if set(LANGUAGE_MODEL_KINDS) & set(config.evaluate.baselines):
        steps.append("baseline")
    if not all(_in_cluster(name, config.pipeline, step) for step in steps):
        raise InputError(
            f"recipe.model_name_or_path: {name} is local, and not in the images: "
            "give a hub id, an s3:// address from `intentflow publish`, or a folder below a "
            f"volume of the steps {', '.join(steps)}"
        )


def _check_encoder(config: RunConfig) -> None:
    name = config.baseline.encoder
    if "encoder" not in config.evaluate.baselines:
        return
    if not _in_cluster(name, config.pipeline, "baseline"):
        raise InputError(
            f"baseline.encoder: {name} is not in the image of the step: give a hub id or an "
            "s3:// address, or leave encoder out of evaluate.baselines"
        )


def _check_engine(config: RunConfig) -> None:
    engine, options = config.evaluate.engine, config.pipeline
    if options.all.image or options.steps.get("evaluate", options.all).image:
        return
    has_gpu = options.for_step("evaluate").gpu_count > 0
    if engine == "transformers" and has_gpu:
        raise InputError(
            "evaluate.engine: transformers is not in the image of a step with a GPU, which "
            "measures with vLLM: leave engine out, or set pipeline.steps.evaluate.image to "
            "intentflow/train"
        )
    if engine == "vllm" and not has_gpu:
        raise InputError(
            "evaluate.engine: vllm is not in the image of a step without a GPU: set "
            "pipeline.steps.evaluate.gpu_count or image"
        )


def _in_cluster(name: str, options: PipelineOptions, step: str) -> bool:
    """Whether a step can read a model: from a hub, the storage or a volume."""
    if name.startswith(BUNDLED_PREFIX):
        return False
    if is_remote(name) or not _is_local(name):
        return True
    volumes = options.for_step(step).volumes.values()
    return any(PurePosixPath(name).is_relative_to(mount) for mount in volumes)


def _is_local(name: str) -> bool:
    """Whether a model's name is that of a folder; the rule of ``resolve_base_model``."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).is_dir()


def _warn_of_qlora(config: RunConfig) -> None:
    if config.recipe.method == "qlora" and not config.pipeline.for_step("train").gpu_count:
        log.warning(
            "recipe.method: qlora needs a GPU, and pipeline.steps.train.gpu_count is 0: training "
            "will fail unless the node gives it one otherwise"
        )


def _require(pattern: re.Pattern[str], text: str, what: str, expected: str) -> None:
    if not pattern.fullmatch(text):
        raise InputError(f"{what}: {text!r}: expected {expected}")


def _local(key: str, place: str) -> str:
    return (
        f"{key}: {place} is a local path, which the cluster cannot read: run "
        f"`intentflow publish {place} s3://bucket/prefix` and use the printed URI"
    )


def _texts(value: Any) -> Iterable[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [item for item in values if isinstance(item, str) and item]

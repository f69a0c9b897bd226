"""Refusal of what cannot run in a cluster, before anything is uploaded."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from intentflow.baselines.kinds import LANGUAGE_MODEL_KINDS
from intentflow.errors import InputError
from intentflow.models.base_models import BUNDLED_PREFIX
from intentflow.pipeline.options import PipelineOptions
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.step_checks import LABEL, SUBDOMAIN, require
from intentflow.recipe.recipe import CHAMPION
from intentflow.storage import is_remote

log = logging.getLogger(__name__)

_MAX_EXPERIMENT = 128  # backend/src/apiserver/validation/length.go:41


def check_for_cluster(config: RunConfig) -> None:
    """Refuse a run that a cluster could not carry out; warn where it may be meant.

    Args:
        config: Configuration of the run.

    Raises:
        InputError: A model or a file is local, or the image of a step lacks the engine. The message
            names the key. Options of the steps are checked when the graph is compiled.
    """
    _check_base_model(config)
    _check_start(config)
    _check_encoder(config)
    _check_engine(config)
    if (probe := config.deploy.probe) and not is_remote(probe):
        raise InputError(_local("deploy.probe", probe))
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
        require(LABEL, namespace, "--namespace", "a Kubernetes namespace")
    if service_account is not None:
        require(SUBDOMAIN, service_account, "--service-account", "a ServiceAccount's name")
    if not 0 < len(experiment) <= _MAX_EXPERIMENT:
        raise InputError(f"--experiment: expected 1 to {_MAX_EXPERIMENT} characters")


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


def _check_start(config: RunConfig) -> None:
    name = config.recipe.start_from
    if name in (None, CHAMPION) or _in_cluster(str(name), config.pipeline, "train"):
        return
    raise InputError(
        f"recipe.start_from: {name} is local, and not in the image of the step: give champion, an "
        "s3:// address, or a folder below a volume of the step train"
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


def _local(key: str, place: str) -> str:
    return (
        f"{key}: {place} is a local path, which the cluster cannot read: run "
        f"`intentflow publish {place} s3://bucket/prefix` and use the printed URI"
    )


def _texts(value: Any) -> Iterable[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [item for item in values if isinstance(item, str) and item]

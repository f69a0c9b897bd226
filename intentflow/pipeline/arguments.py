"""From a run's configuration to the configuration of each step, and to the graph's arguments."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from intentflow.baselines.kinds import LANGUAGE_MODEL_KINDS
from intentflow.config import StrictModel
from intentflow.deployment.options import DeployOptions
from intentflow.errors import InputError
from intentflow.gating.policy import GatePolicy
from intentflow.pipeline.options import PipelineName
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.balance import BalanceConfig
from intentflow.pipeline.steps.baseline import BaselineConfig
from intentflow.pipeline.steps.behave import BehaveConfig
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.curate import CurateConfig
from intentflow.pipeline.steps.evaluate import EvaluateConfig
from intentflow.pipeline.steps.gate_fields import GateConfig
from intentflow.pipeline.steps.publish import PublishConfig
from intentflow.pipeline.steps.quantize import QuantizeConfig
from intentflow.pipeline.steps.recorded import RecordConfig
from intentflow.pipeline.steps.split import SplitConfig
from intentflow.pipeline.steps.train import TrainConfig
from intentflow.pipeline.steps.validate import ValidateConfig
from intentflow.pipeline.train_hardware import train_hardware

_HOURS_OF_A_STEP = 24.0
"""Hours without a change of the registry, such as of the longest training."""

STEP_CONFIGS: dict[str, type[StrictModel]] = {
    "convert": ConvertConfig,
    "curate": CurateConfig,
    "validate": ValidateConfig,
    "split": SplitConfig,
    "balance": BalanceConfig,
    "baseline": BaselineConfig,
    "train": TrainConfig,
    "quantize": QuantizeConfig,
    "evaluate": EvaluateConfig,
    "behave": BehaveConfig,
    "gate": GateConfig,
    "publish": PublishConfig,
    "deploy": DeployOptions,
}
"""The configurations of the steps, by name."""

# The section of run.yaml with a step's fields under their own names …
_SECTIONS = {
    **dict.fromkeys(("convert", "curate", "validate", "split", "balance"), "data"),
    **{name: name for name in ("baseline", "evaluate", "deploy")},
    "behave": "pipeline.behave",
}
# … and the fields that several steps share, or that have another key in it.
_SHARED = {"taxonomy": "data.taxonomy", "seed": "data.seed", "recipe": "recipe"}
_KEYS = {
    ("validate", "hardware"): "pipeline.steps",
    ("balance", "mode"): "pipeline.balance",
    ("baseline", "kinds"): "evaluate.baselines",
    ("quantize", "method"): "pipeline.quantize",
    ("publish", "destination"): "publish",
    ("gate", "vllm_version"): "deploy.vllm_version",
    ("gate", "vllm_args"): "deploy.extra_args",
}


def run_key(step: str, field: str) -> str:
    """The key of ``run.yaml`` that sets a field of a step's configuration.

    Args:
        step: Name of the step, a key of :data:`STEP_CONFIGS`.
        field: Name of the field.

    Example:
        >>> run_key("convert", "job"), run_key("baseline", "kinds")
        ('data.job', 'evaluate.baselines')
    """
    own = ".".join([*([_SECTIONS[step]] if step in _SECTIONS else []), field])
    shared = None if step == "behave" else _SHARED.get(field)  # it has a seed of its own
    return _KEYS.get((step, field)) or shared or own


def step_config(config: RunConfig, step: str, *, in_cluster: bool = False) -> StrictModel:
    """The configuration of one step of a run.

    Values that equal their defaults are omitted, so that the cache holds when one is written out.

    Args:
        config: Configuration of the run.
        step: Name of the step, a key of :data:`STEP_CONFIGS`.
        in_cluster: Whether the steps run in a cluster, each with its own devices.

    Raises:
        InputError: The run lacks a setting that the step needs.
    """
    if step == "deploy":
        return config.deploy
    model = STEP_CONFIGS[step]
    document = {}
    for name, field in model.model_fields.items():
        if (step, name) == ("validate", "hardware"):
            value = train_hardware(config) if in_cluster else None
        else:
            value = _lookup(config, run_key(step, name))
        if value is not None and value != field.get_default(call_default_factory=True):
            document[name] = value
    if step == "baseline" and not set(LANGUAGE_MODEL_KINDS) & set(config.evaluate.baselines):
        # Classifiers read neither, so their cache holds when the recipe or the taxonomy changes.
        document = {k: v for k, v in document.items() if k not in ("recipe", "taxonomy")}
    return model.from_mapping(document, "run configuration")


def _lookup(config: BaseModel, key: str) -> Any:
    """The value of a key; None below a section that is not set."""
    found: Any = config
    for name in key.split("."):
        found = getattr(found, name, None)
    return found


def pipeline_arguments(
    config: RunConfig,
    *,
    publish_to: str,
    record_at: str | None = None,
    in_cluster: bool = False,
    pipeline: PipelineName = "finetune",
) -> dict[str, Any]:
    """The arguments of a graph.

    Args:
        config: The run configuration.
        publish_to: Destination of models, unless the configuration has one.
        record_at: Place of the registry, unless the configuration has one; None for none.
        in_cluster: Whether the steps run in a cluster, each with its own devices.
        pipeline: Name of the graph.

    Raises:
        InputError: The policy names an unknown metric or limits a kind of edit that is not tested,
            a retraining has no registry, or its canary would have nothing to be watched by.
    """
    from intentflow.gating.policy import require_known
    from intentflow.pipeline.code_version import code_version

    # A wrong name is detected before training.
    policy = config.policy.named(config.policy_name)
    require_known(policy)
    _require_behaviour(config, policy)
    stored = config.model_copy(update={"publish": config.publish or publish_to})
    configs = {step: step_config(stored, step, in_cluster=in_cluster) for step in _steps(config)}
    is_retraining = pipeline == "retrain"
    recorded = RecordConfig(
        registry=config.registry or record_at,
        service=config.deploy.name,
        compare=bool(config.registry) or is_retraining,
        lease_hours=_lease_hours(config) if is_retraining else None,
    )
    if is_retraining and not recorded.registry:
        raise InputError(
            "a retraining needs the registry, which has the champion and its rows: set registry "
            "in the run configuration"
        )
    return {
        **(_of_retraining(config) if is_retraining else {}),
        "sources": config.data.sources,
        "champion": config.champion or "",
        "code_version": code_version(),
        "notify": as_parameter(config.notify),
        "record": as_parameter(recorded),
        **{step: as_parameter(one) for step, one in configs.items()},
    }


def _require_behaviour(config: RunConfig, policy: GatePolicy) -> None:
    """Refuse limits on kinds of edits that the graph does not test."""
    tested = config.pipeline.behave.kinds if config.pipeline.behave else []
    missing = [kind for kind in policy.behaviour if kind not in tested]
    if missing:
        raise InputError(
            f"the policy limits failures by {', '.join(missing)}, which no step tests: set "
            "pipeline.behave in the run configuration, {} for all kinds"
        )


def _of_retraining(config: RunConfig) -> dict[str, Any]:
    """The arguments of the retrain graph alone."""
    from intentflow.pipeline.steps.watch import require_watchable

    require_watchable(config.deploy)
    return {"feedback": config.retrain.feedback, "watch": as_parameter(config.retrain.watch)}


def _lease_hours(config: RunConfig) -> float:
    """Hours after which a killed run's lease ends: a watch may last as long as its limit."""
    return config.retrain.watch.max_hours + _HOURS_OF_A_STEP


def _steps(config: RunConfig) -> list[str]:
    """Steps that take their configuration from the arguments; others are part of the graph."""
    without = {"quantize", "behave"} | ({"balance"} if config.pipeline.balance == "none" else set())
    return [step for step in STEP_CONFIGS if step not in without]

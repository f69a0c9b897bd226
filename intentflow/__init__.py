r"""intentflow: labelled utterances in, a gated intent-recognition endpoint out.

The steps of the pipeline are functions on files, each with one configuration, which the command
line and the Kubeflow components use as well. Whatever they need is imported when they are called:
``convert`` runs without torch.

Example:
    >>> import intentflow
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / "calls.csv").write_text("text,intent\nplay some jazz,play_music(jazz)\n")
    >>> summary = intentflow.convert(folder / "calls.csv", folder / "records.jsonl")
    >>> summary.kept, summary.rejected
    (1, 0)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from intentflow.version import __version__

if TYPE_CHECKING:
    from intentflow.calls import Call, format_calls, parse_calls
    from intentflow.client import AsyncIntentClient, IntentClient
    from intentflow.deployment.options import DeployOptions
    from intentflow.errors import (
        CheckFailed,
        InputError,
        IntentflowError,
        ServiceError,
        UsageError,
    )
    from intentflow.gating.policy import GatePolicy
    from intentflow.pipeline.steps.answering import EndpointFacts
    from intentflow.pipeline.steps.balance import BalanceConfig
    from intentflow.pipeline.steps.convert import ConvertConfig
    from intentflow.pipeline.steps.convert import run_convert as convert
    from intentflow.pipeline.steps.curate import CurateConfig
    from intentflow.pipeline.steps.curate import run_curate as curate
    from intentflow.pipeline.steps.deploy import run_deploy as deploy
    from intentflow.pipeline.steps.evaluate import EvaluateConfig, EvaluateFiles
    from intentflow.pipeline.steps.evaluate import run_evaluate as evaluate
    from intentflow.pipeline.steps.feedback import FeedbackConfig
    from intentflow.pipeline.steps.feedback import run_feedback as collect_feedback
    from intentflow.pipeline.steps.gate import run_gate as gate
    from intentflow.pipeline.steps.gate_fields import GateConfig
    from intentflow.pipeline.steps.publish import PublishConfig
    from intentflow.pipeline.steps.publish import run_publish as publish
    from intentflow.pipeline.steps.split import SplitConfig, SplitFiles
    from intentflow.pipeline.steps.split import run_split as split
    from intentflow.pipeline.steps.train import TrainConfig
    from intentflow.pipeline.steps.train import run_train as train
    from intentflow.pipeline.steps.validate import ValidateConfig
    from intentflow.pipeline.steps.validate import run_validate as validate
    from intentflow.recipe.recipe import Recipe
    from intentflow.serving.intent_model import IntentModel, Prediction, load_model
    from intentflow.taxonomy import Taxonomy

_STEPS = "intentflow.pipeline.steps"
_PLACES = {
    "AsyncIntentClient": ("intentflow.client", "AsyncIntentClient"),
    "BalanceConfig": (f"{_STEPS}.balance", "BalanceConfig"),
    "Call": ("intentflow.calls", "Call"),
    "CheckFailed": ("intentflow.errors", "CheckFailed"),
    "ConvertConfig": (f"{_STEPS}.convert", "ConvertConfig"),
    "CurateConfig": (f"{_STEPS}.curate", "CurateConfig"),
    "DeployOptions": ("intentflow.deployment.options", "DeployOptions"),
    "EndpointFacts": (f"{_STEPS}.answering", "EndpointFacts"),
    "EvaluateConfig": (f"{_STEPS}.evaluate", "EvaluateConfig"),
    "EvaluateFiles": (f"{_STEPS}.evaluate", "EvaluateFiles"),
    "FeedbackConfig": (f"{_STEPS}.feedback", "FeedbackConfig"),
    "GateConfig": (f"{_STEPS}.gate_fields", "GateConfig"),
    "GatePolicy": ("intentflow.gating.policy", "GatePolicy"),
    "InputError": ("intentflow.errors", "InputError"),
    "IntentClient": ("intentflow.client", "IntentClient"),
    "IntentModel": ("intentflow.serving.intent_model", "IntentModel"),
    "IntentflowError": ("intentflow.errors", "IntentflowError"),
    "Prediction": ("intentflow.serving.intent_model", "Prediction"),
    "PublishConfig": (f"{_STEPS}.publish", "PublishConfig"),
    "Recipe": ("intentflow.recipe.recipe", "Recipe"),
    "ServiceError": ("intentflow.errors", "ServiceError"),
    "SplitConfig": (f"{_STEPS}.split", "SplitConfig"),
    "SplitFiles": (f"{_STEPS}.split", "SplitFiles"),
    "Taxonomy": ("intentflow.taxonomy", "Taxonomy"),
    "TrainConfig": (f"{_STEPS}.train", "TrainConfig"),
    "UsageError": ("intentflow.errors", "UsageError"),
    "ValidateConfig": (f"{_STEPS}.validate", "ValidateConfig"),
    "collect_feedback": (f"{_STEPS}.feedback", "run_feedback"),
    "convert": (f"{_STEPS}.convert", "run_convert"),
    "curate": (f"{_STEPS}.curate", "run_curate"),
    "deploy": (f"{_STEPS}.deploy", "run_deploy"),
    "evaluate": (f"{_STEPS}.evaluate", "run_evaluate"),
    "format_calls": ("intentflow.calls", "format_calls"),
    "gate": (f"{_STEPS}.gate", "run_gate"),
    "load_model": ("intentflow.serving.intent_model", "load_model"),
    "parse_calls": ("intentflow.calls", "parse_calls"),
    "publish": (f"{_STEPS}.publish", "run_publish"),
    "split": (f"{_STEPS}.split", "run_split"),
    "train": (f"{_STEPS}.train", "run_train"),
    "validate": (f"{_STEPS}.validate", "run_validate"),
}
"""Module and name of everything public; imported when it is first asked for."""

__all__ = [
    "AsyncIntentClient",
    "BalanceConfig",
    "Call",
    "CheckFailed",
    "ConvertConfig",
    "CurateConfig",
    "DeployOptions",
    "EndpointFacts",
    "EvaluateConfig",
    "EvaluateFiles",
    "FeedbackConfig",
    "GateConfig",
    "GatePolicy",
    "InputError",
    "IntentClient",
    "IntentModel",
    "IntentflowError",
    "Prediction",
    "PublishConfig",
    "Recipe",
    "ServiceError",
    "SplitConfig",
    "SplitFiles",
    "Taxonomy",
    "TrainConfig",
    "UsageError",
    "ValidateConfig",
    "__version__",
    "collect_feedback",
    "convert",
    "curate",
    "deploy",
    "evaluate",
    "format_calls",
    "gate",
    "load_model",
    "parse_calls",
    "publish",
    "split",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

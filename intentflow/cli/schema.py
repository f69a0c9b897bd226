"""``intentflow schema``."""

from __future__ import annotations

import argparse
import importlib

from pydantic import BaseModel

from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.printable import json_text

_PLACES = {
    "recipe": ("intentflow.recipe.recipe", "Recipe"),
    "gate": ("intentflow.gating.policy", "GatePolicy"),
    "data-policy": ("intentflow.validation", "DataPolicy"),
    "drift-policy": ("intentflow.feedback.drift.policy", "DriftPolicy"),
    "taxonomy": ("intentflow.taxonomy", "Taxonomy"),
    "run": ("intentflow.pipeline.run_config", "RunConfig"),
    "deploy": ("intentflow.deployment.options", "DeployOptions"),
    "pipeline": ("intentflow.pipeline.options", "PipelineOptions"),
    "teacher": ("intentflow.synthesis", "Teacher"),
    "metrics": ("intentflow.artifacts.metrics", "Metrics"),
    "baselines": ("intentflow.artifacts.baselines", "Baselines"),
    "behaviour": ("intentflow.artifacts.behaviour", "BehaviourReport"),
    "behaviour-cases": ("intentflow.artifacts.behaviour", "BehaviourCase"),
    "verdict": ("intentflow.artifacts.verdict", "Verdict"),
    "training": ("intentflow.artifacts.training", "TrainingRecord"),
    "quantization": ("intentflow.artifacts.quantization", "QuantizationRecord"),
    "predictions": ("intentflow.artifacts.predictions", "ScoredPrediction"),
    "predicted-rows": ("intentflow.artifacts.predictions", "PredictedRow"),
    "left-out": ("intentflow.artifacts.left_out", "LeftOutRow"),
    "parity": ("intentflow.artifacts.parity", "Parity"),
    "rejects": ("intentflow.artifacts.rejects", "RejectedRow"),
    "changes": ("intentflow.artifacts.row_changes", "RowChange"),
    "redaction-report": ("intentflow.artifacts.redaction_report", "RedactionReport"),
    "requests": ("intentflow.artifacts.request_log", "LoggedRequest"),
    "disagreements": ("intentflow.artifacts.request_log", "LoggedDisagreement"),
    "feedback": ("intentflow.artifacts.request_log", "LoggedCorrection"),
    "feedback-label": ("intentflow.artifacts.feedback", "FeedbackLabel"),
    "feedback-left-out": ("intentflow.artifacts.feedback", "LeftOutLabel"),
    "feedback-pair": ("intentflow.artifacts.feedback", "FeedbackPair"),
    "feedback-report": ("intentflow.artifacts.feedback", "FeedbackReport"),
    "merge": ("intentflow.artifacts.retraining", "MergeReport"),
    "merge-changes": ("intentflow.artifacts.retraining", "MergeChange"),
    "watch": ("intentflow.artifacts.retraining", "WatchReport"),
    "news": ("intentflow.artifacts.retraining", "RetrainNews"),
    "retrain-lease": ("intentflow.artifacts.retrain_lease", "RetrainLease"),
    "review-queue": ("intentflow.artifacts.feedback", "QueuedRequest"),
    "agreement": ("intentflow.artifacts.agreement", "Agreement"),
    "finding-rows": ("intentflow.artifacts.data_findings", "FindingRow"),
    "data-findings": ("intentflow.artifacts.data_findings", "DataFindings"),
    "deployed-model": ("intentflow.artifacts.deployed_model", "DeployedModel"),
    "failure": ("intentflow.artifacts.failure", "StepFailure"),
    "published": ("intentflow.artifacts.published", "PublishedModel"),
    "registry-entry": ("intentflow.artifacts.registry_entry", "RegistryEntry"),
    "registry-aliases": ("intentflow.artifacts.registry_entry", "ServiceAliases"),
    "erasures": ("intentflow.artifacts.erasures", "Erasures"),
    "drift": ("intentflow.artifacts.drift", "DriftReport"),
    "backtest": ("intentflow.artifacts.backtest", "BacktestReport"),
    "manifest": ("intentflow.storage.manifest", "ManifestFile"),
    "prompt": ("intentflow.prompts", "PromptSpec"),
    "calibration": ("intentflow.artifacts.calibration", "Calibration"),
    "classifier": ("intentflow.artifacts.fusion", "Fusion"),
}
"""Module and class of each file; imported only when it is needed."""

_TOOLS = "tools"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "file",
        choices=sorted([*_PLACES, _TOOLS]),
        help="name of the configuration file or artifact; tools: a taxonomy as tools of OpenAI's "
        "API",
    )
    parser.add_argument("--taxonomy", metavar="F.yaml", help="the taxonomy, for tools")


def run(args: argparse.Namespace) -> Outcome:
    """Print a JSON Schema, or the tools of a taxonomy."""
    if (args.file == _TOOLS) != (args.taxonomy is not None):
        raise UsageError("tools and --taxonomy F.yaml belong together")
    if args.file == _TOOLS:
        from intentflow.serving.tools import tools_of
        from intentflow.taxonomy import Taxonomy

        tools = tools_of(Taxonomy.from_yaml(args.taxonomy))
        return Outcome({"tools": tools}, json_text(tools, indent=2))
    schema = _model(args.file).model_json_schema()
    return Outcome(schema, json_text(schema, indent=2))


def schema_models() -> dict[str, type[BaseModel]]:
    """The configuration files and artifacts that have a schema, by name."""
    return {name: _model(name) for name in _PLACES}


def _model(name: str) -> type[BaseModel]:
    module, attribute = _PLACES[name]
    found: type[BaseModel] = getattr(importlib.import_module(module), attribute)
    return found

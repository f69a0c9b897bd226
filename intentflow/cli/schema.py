"""``intentflow schema``."""

from __future__ import annotations

import argparse

from pydantic import BaseModel

from intentflow.cli.outcome import Outcome
from intentflow.printable import json_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "file", choices=sorted(schema_models()), help="name of the configuration file or artifact"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Print a JSON Schema."""
    schema = schema_models()[args.file].model_json_schema()
    return Outcome(schema, json_text(schema, indent=2))


def schema_models() -> dict[str, type[BaseModel]]:
    """The configuration files and artifacts that have a schema, by name."""
    from intentflow.artifacts.agreement import Agreement
    from intentflow.artifacts.baselines import Baselines
    from intentflow.artifacts.calibration import Calibration
    from intentflow.artifacts.data_findings import DataFindings
    from intentflow.artifacts.deployed_model import DeployedModel
    from intentflow.artifacts.drift import DriftReport
    from intentflow.artifacts.failure import StepFailure
    from intentflow.artifacts.left_out import LeftOutRow
    from intentflow.artifacts.metrics import Metrics
    from intentflow.artifacts.parity import Parity
    from intentflow.artifacts.predictions import ScoredPrediction
    from intentflow.artifacts.published import PublishedModel
    from intentflow.artifacts.quantization import QuantizationRecord
    from intentflow.artifacts.redaction_report import RedactionReport
    from intentflow.artifacts.registry_entry import RegistryEntry, ServiceAliases
    from intentflow.artifacts.rejects import RejectedRow
    from intentflow.artifacts.request_log import LoggedCorrection, LoggedRequest
    from intentflow.artifacts.row_changes import RowChange
    from intentflow.artifacts.training import TrainingRecord
    from intentflow.artifacts.verdict import Verdict
    from intentflow.deployment.options import DeployOptions
    from intentflow.feedback.drift.policy import DriftPolicy
    from intentflow.gating.policy import GatePolicy
    from intentflow.pipeline.options import PipelineOptions
    from intentflow.pipeline.run_config import RunConfig
    from intentflow.prompts import PromptSpec
    from intentflow.recipe.recipe import Recipe
    from intentflow.storage.manifest import ManifestFile
    from intentflow.synthesis import Teacher
    from intentflow.taxonomy import Taxonomy
    from intentflow.validation import DataPolicy

    return {
        "recipe": Recipe,
        "gate": GatePolicy,
        "data-policy": DataPolicy,
        "drift-policy": DriftPolicy,
        "taxonomy": Taxonomy,
        "run": RunConfig,
        "deploy": DeployOptions,
        "pipeline": PipelineOptions,
        "teacher": Teacher,
        "metrics": Metrics,
        "baselines": Baselines,
        "verdict": Verdict,
        "training": TrainingRecord,
        "quantization": QuantizationRecord,
        "predictions": ScoredPrediction,
        "left-out": LeftOutRow,
        "parity": Parity,
        "rejects": RejectedRow,
        "changes": RowChange,
        "redaction-report": RedactionReport,
        "requests": LoggedRequest,
        "feedback": LoggedCorrection,
        "agreement": Agreement,
        "data-findings": DataFindings,
        "deployed-model": DeployedModel,
        "failure": StepFailure,
        "published": PublishedModel,
        "registry-entry": RegistryEntry,
        "registry-aliases": ServiceAliases,
        "drift": DriftReport,
        "manifest": ManifestFile,
        "prompt": PromptSpec,
        "calibration": Calibration,
    }

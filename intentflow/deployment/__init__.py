"""From a gated model to an InferenceService: rendered as files, or applied to a cluster."""

from intentflow.deployment.deployment import Deployed, deploy
from intentflow.deployment.endpoint import Endpoint, find_endpoint
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.rendering import render, write_manifests
from intentflow.models.model_facts import ModelFacts, read_facts

__all__ = [
    "DeployOptions",
    "Deployed",
    "Endpoint",
    "ModelFacts",
    "deploy",
    "find_endpoint",
    "read_facts",
    "render",
    "write_manifests",
]

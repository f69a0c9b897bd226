"""Deployment of a gated model as an InferenceService: rendered, applied, or committed."""

from intentflow.deployment.deployment import DeployResult, deploy
from intentflow.deployment.endpoint import Endpoint, find_endpoint
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.rendering import render, write_manifests
from intentflow.models.model_facts import ModelFacts, read_facts

__all__ = [
    "DeployOptions",
    "DeployResult",
    "Endpoint",
    "ModelFacts",
    "deploy",
    "find_endpoint",
    "read_facts",
    "render",
    "write_manifests",
]

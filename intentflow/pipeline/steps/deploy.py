"""Deploy: the InferenceService of a published model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.deployment.options import DeployOptions
from intentflow.pipeline.steps.record_service import (
    DeployedFacts,
    record_deployment,
    require_registry,
)
from intentflow.pipeline.steps.recorded import Recorded

if TYPE_CHECKING:
    from intentflow.deployment import DeployResult


def run_deploy(
    model: str | Path,
    config: DeployOptions,
    *,
    verdict: str | Path | None = None,
    manifests: str | Path | None = None,
    recorded: Recorded | None = None,
) -> DeployResult:
    """Render the service of a model and, depending on the mode, apply or commit it.

    Args:
        model: A published model, ``s3://…/sha256-…``; for ``render`` also a local directory.
        config: Name, namespace, mode, resources and further options.
        verdict: ``verdict.json`` of exactly this model; required for ``apply`` and ``git``.
        manifests: Folder for the Kubernetes objects as YAML files; None for none.
        recorded: Registry in which the deployment is recorded; None for none.

    Returns:
        Mode, objects, and whether a verdict was given; the service's URL, or the commit and its
        branch, if there is one.

    Raises:
        UsageError: The mode needs other options.
        InputError: The model, a file or an option is invalid.
        ServiceError: The cluster or the repository refused.
        CheckFailed: The verdict is negative or about another model; or the service did not become
            ready or answered incorrectly, and the previous revision was restored.

    Example:
        With ``model_directory`` a folder that :func:`intentflow.train` wrote:

        >>> import intentflow
        >>> options = intentflow.DeployOptions(name="banking", namespace="bots")
        >>> done = intentflow.deploy(str(model_directory), options, manifests="manifests")
        >>> done.objects[-1], done.verified
        ('InferenceService/banking', False)
    """
    from intentflow.deployment import deploy

    if recorded is not None:
        require_registry(recorded, _known_digest(str(model)))
    done = deploy(str(model), config, verdict_file=verdict, output=manifests)
    if recorded is not None and recorded.config.registry:
        record_deployment(recorded, config, _facts(str(model), verdict, done))
    return done


def _known_digest(model: str) -> str:
    """The digest in the address of a published model; empty for a folder."""
    from intentflow.storage.uris import digest_in_name

    return digest_in_name(model) or ""


def _facts(model: str, verdict: str | Path | None, done: DeployResult) -> DeployedFacts:
    from intentflow.artifacts.verdict import Verdict
    from intentflow.models.model_facts import read_facts

    return DeployedFacts(
        digest=read_facts(model).digest,
        uri=model,
        address=done.url or done.commit or "",
        verdict=Verdict.read(verdict).decision if verdict else None,
    )

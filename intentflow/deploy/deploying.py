"""Deploying: from a published model to files, or to a service that is ready."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from intentflow.deploy.facts import ModelFacts, read_facts
from intentflow.deploy.options import DeployOptions
from intentflow.deploy.rendering import Manifest, render, to_yaml, write_manifests
from intentflow.deploy.verdict import Verdict, read_verdict, require_passed
from intentflow.errors import IntentflowError
from intentflow.storage import is_remote

FIELD_MANAGER = "intentflow"


@dataclass(frozen=True)
class Deployed:
    """What deploying did.

    Attributes:
        mode: ``render`` or ``apply``.
        objects: ``Kind/name`` of each object.
        files: What was written.
        verified: Whether a passing verdict about this model was given.
        url: Where the service answers; None for ``render``.
        manifests: The objects as YAML.
    """

    mode: str
    objects: list[str]
    files: list[str]
    verified: bool
    url: str | None
    manifests: str


def deploy(
    model_uri: str,
    options: DeployOptions,
    *,
    verdict_file: str | Path | None = None,
    output: str | Path | None = None,
) -> Deployed:
    """Render the service of a model and, in mode ``apply``, bring it to the cluster.

    Args:
        model_uri: A published model, ``s3://…/sha256-…``; a local directory for ``render``.
        options: Names, resources, image, mode.
        verdict_file: What the gate wrote; ``apply`` and ``git`` refuse without it.
        output: Folder for the manifests; None writes none.

    Raises:
        IntentflowError: Bad input, or the cluster refused.
        CheckFailed: The verdict is no pass or about another model; or the service did not
            become ready.
    """
    _require_allowed(options, verdict_file)
    facts = read_facts(model_uri)
    verdict = _verdict(verdict_file, facts)
    _require_readable(facts, options)
    _note(facts, verdict)
    objects = render(facts, options, verdict)
    files = write_manifests(objects, Path(output)) if output else []
    url = _apply(objects, options) if options.mode == "apply" else None
    return Deployed(
        mode=options.mode,
        objects=[_title(item) for item in objects],
        files=[str(file) for file in files],
        verified=verdict is not None,
        url=url,
        manifests=to_yaml(objects),
    )


def _require_allowed(options: DeployOptions, verdict_file: str | Path | None) -> None:
    """Refuse what no model could be deployed with."""
    if options.mode == "git":
        raise IntentflowError("mode git comes in a later release; use render and commit the files")
    if options.mode == "apply" and verdict_file is None:
        raise IntentflowError(
            "mode apply needs the gate's verdict: give --verdict F, or use --mode render"
        )


def _require_readable(facts: ModelFacts, options: DeployOptions) -> None:
    if options.mode == "apply" and not is_remote(facts.uri):
        raise IntentflowError(
            f"{facts.uri}: the cluster cannot read this machine's folders: "
            "publish the model to s3:// first"
        )


def _note(facts: ModelFacts, verdict: Verdict | None) -> None:
    """Say on stderr what keeps the manifests from being applied as they are."""
    if verdict is None:
        print("no verdict given: the service is marked as unverified", file=sys.stderr)
    if not is_remote(facts.uri):
        print(
            f"the manifests name {facts.storage_uri}, which is on this machine: "
            "publish the model to s3:// before they are applied",
            file=sys.stderr,
        )


def _verdict(path: str | Path | None, facts: ModelFacts) -> Verdict | None:
    if path is None:
        return None
    verdict = read_verdict(path)
    require_passed(verdict, facts)
    return verdict


def _apply(objects: list[Manifest], options: DeployOptions) -> str:
    from intentflow.deploy.cluster import Cluster
    from intentflow.deploy.waiting import wait_until_ready

    cluster = Cluster()
    for item in objects:
        cluster.apply(item, FIELD_MANAGER)
        print(f"applied {_title(item)} in {options.namespace}", file=sys.stderr, flush=True)
    return wait_until_ready(cluster, options.name, options.namespace, options.timeout_seconds)


def _title(item: Manifest) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"

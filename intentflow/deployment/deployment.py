"""Deploying: from a published model to files, to a service that is ready, or to a commit."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.artifacts.verdict import Verdict
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.rendering import Manifest, render, to_yaml, write_manifests
from intentflow.deployment.transformer import openai_url
from intentflow.deployment.verdict import read_passing_verdict
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.models.model_facts import ModelFacts, read_facts
from intentflow.storage import is_remote
from intentflow.storage.completeness import require_complete

if TYPE_CHECKING:
    from intentflow.deployment.rollout import Check, RolledOut, Rollout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deployed:
    """What deploying did.

    Attributes:
        mode: ``render``, ``apply`` or ``git``.
        objects: ``Kind/name`` of each object.
        files: Files written; for ``git`` those of the commit.
        verified: Whether a passing verdict about this model was given.
        url: URL at which the service answers; None but for ``apply``.
        manifests: The objects as YAML.
        revision: Recorded revision that was replaced (``apply``); None where there was none.
        commit: The commit that was pushed (``git``); None where nothing was to change.
        branch: The branch that it was pushed to.
        changed: Whether anything is another than before.
    """

    mode: str
    objects: list[str]
    files: list[str]
    verified: bool
    url: str | None
    manifests: str
    revision: int | None = None
    commit: str | None = None
    branch: str | None = None
    changed: bool = True


def deploy(
    model_uri: str,
    options: DeployOptions,
    *,
    verdict_file: str | Path | None = None,
    output: str | Path | None = None,
) -> Deployed:
    """Render the service of a model and, as the mode says, apply or commit it.

    Args:
        model_uri: A published model, ``s3://…/sha256-…``; a local directory for ``render``.
        options: Names, resources, image, mode.
        verdict_file: File that the gate wrote; ``apply`` and ``git`` refuse without it.
        output: Folder for the manifests; None writes none.

    Raises:
        IntentflowError: Bad input, or the cluster or the repository refused.
        CheckFailed: The verdict is no pass or about another model; or the service did not
            become ready or answered badly, and the former revision is back.
    """
    _require_allowed(options, verdict_file)
    facts = read_facts(model_uri)
    if not is_remote(model_uri):
        require_complete(Path(model_uri))
    verdict = read_passing_verdict(verdict_file, facts) if verdict_file is not None else None
    _require_readable(facts, options)
    _note(facts, verdict)
    stable = read_facts(options.stable_model) if options.stable_model else None
    objects = render(facts, options, verdict, stable)
    files = [str(file) for file in write_manifests(objects, Path(output))] if output else []
    done = Deployed(
        mode=options.mode,
        objects=[f"{item['kind']}/{item['metadata']['name']}" for item in objects],
        files=files,
        verified=verdict is not None,
        url=None,
        manifests=to_yaml(objects),
    )
    if options.mode == "apply":
        return _applied(done, objects, facts, options)
    if options.mode == "git" and verdict:
        return _committed(done, objects, verdict, options)
    return done


def _require_allowed(options: DeployOptions, verdict_file: str | Path | None) -> None:
    """Refuse what no model could be deployed with."""
    if options.mode == "git" and not options.git_repo:
        raise IntentflowError("mode git needs the GitOps repository: give --repo URL")
    if options.mode == "git" and options.canary_percent is not None:
        raise IntentflowError(
            "mode git changes nothing but the model, so it writes no canary: "
            "commit what --mode render writes for one"
        )
    if options.mode == "render" and options.canary_percent is not None and not options.stable_model:
        raise IntentflowError(
            "a rendered canary stands next to the model in service: give --set stable_model=URI, "
            "or use --mode apply, which finds it in the cluster"
        )
    if options.mode != "render" and verdict_file is None:
        raise IntentflowError(
            f"mode {options.mode} needs the gate's verdict: give --verdict F, or use --mode render"
        )


def _require_readable(facts: ModelFacts, options: DeployOptions) -> None:
    if options.mode != "render" and not is_remote(facts.uri):
        raise IntentflowError(
            f"{facts.uri}: the cluster cannot read local folders: publish the model to s3:// first"
        )


def _note(facts: ModelFacts, verdict: Verdict | None) -> None:
    """Log what keeps the manifests from being applied as they are."""
    if verdict is None:
        log.warning("no verdict given: the service is marked as unverified")
    if not is_remote(facts.uri):
        log.warning(
            "the manifests name %s, which is a local folder: "
            "publish the model to s3:// before they are applied",
            facts.storage_uri,
        )


def _applied(
    done: Deployed, objects: list[Manifest], facts: ModelFacts, options: DeployOptions
) -> Deployed:
    from intentflow.cluster.client import Cluster
    from intentflow.deployment.rollout import Rollout

    check = _probe(facts, options)  # read before anything changes
    rollout = Rollout(Cluster(), options.name, options.namespace)
    if options.canary_percent is not None:
        out = _bring_canary(rollout, objects, options, check)
    else:
        out = rollout.bring(objects, options.timeout_seconds, check=check)
    return replace(done, url=out.url, revision=out.former, changed=out.changed)


def _bring_canary(
    rollout: Rollout, objects: list[Manifest], options: DeployOptions, check: Check | None
) -> RolledOut:
    """Only the service changes, and only by its canary."""
    from intentflow.deployment.canary import with_canary

    percent = options.canary_percent or 0
    if rollout.live is None:
        raise CheckFailed(
            f"{options.name} in {options.namespace} is not there to share requests with: "
            "deploy it without --canary first"
        )
    service = next(item for item in objects if item["kind"] == "InferenceService")
    changed = with_canary(rollout.live, service, percent, kserve_splits=options.kserve_splits)
    rollout.require_unchanged([item for item in objects if item is not service])
    return rollout.bring([changed], options.timeout_seconds, check=check)


def _probe(facts: ModelFacts, options: DeployOptions) -> Check | None:
    """What asks the ready service; None where there is nothing to ask, or nobody to answer."""
    from intentflow.deployment.smoke_test import ask, read_model_taxonomy, read_probes

    if not options.probe:
        log.warning("no probe given: the ready service is not asked (--probe F)")
        return None
    probes, taxonomy = read_probes(options.probe), read_model_taxonomy(facts.uri)
    if options.canary_percent is not None and not options.probe_url:
        log.warning(
            "the service's URL is shared with the model in service, so the canary is not asked: "
            "give its own URL with --probe-url"
        )
        return None

    def asked_at(url: str) -> str:
        return options.probe_url or openai_url(url, options.transformer)

    return lambda url: ask(asked_at(url), probes, taxonomy)


def _committed(
    done: Deployed, objects: list[Manifest], verdict: Verdict, options: DeployOptions
) -> Deployed:
    from intentflow.deployment.gitops import commit_service

    pushed = commit_service(objects, verdict, options)
    return replace(
        done,
        files=done.files + pushed.files,
        commit=pushed.commit,
        branch=pushed.branch,
        changed=pushed.commit is not None,
    )

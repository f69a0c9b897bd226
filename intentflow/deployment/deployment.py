"""Deployment: from a published model to files, to a ready service, or to a commit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.artifacts.verdict import Verdict
from intentflow.deployment.adapter_check import require_servable_adapters
from intentflow.deployment.addresses import address_fault
from intentflow.deployment.canary_entries import canary_entries
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.rendering import Manifest, render, to_yaml, write_manifests
from intentflow.deployment.transformer import openai_url
from intentflow.deployment.verdict import read_passing_verdict
from intentflow.errors import CheckFailed, InputError, UsageError
from intentflow.models.model_facts import ModelFacts, read_facts
from intentflow.storage import is_remote
from intentflow.storage.completeness import require_complete

if TYPE_CHECKING:
    from intentflow.deployment.model_change import Stage
    from intentflow.deployment.rollout import Check, Rollout

    Test = Callable[[str, str | None], object]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeployResult:
    """The result of a deployment.

    Attributes:
        mode: ``render``, ``apply`` or ``git``.
        objects: ``Kind/name`` of each object.
        files: Files that were written; for ``git`` the files of the commit.
        verified: Whether a passing verdict about this model was given.
        url: URL of the service; None except for ``apply``.
        manifests: The objects as YAML.
        revision: Recorded revision that was replaced (``apply``); None if there was none.
        commit: The commit that was pushed (``git``); None if nothing changed.
        branch: The branch of that commit.
        changed: Whether anything changed.
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
) -> DeployResult:
    """Render the service of a model and, depending on the mode, apply or commit it.

    Args:
        model_uri: A published model, ``s3://…/sha256-…``; for ``render`` also a local directory.
        options: Names, resources, image, mode.
        verdict_file: Verdict of the gate; required for ``apply`` and ``git``.
        output: Folder for the manifests; None writes none.

    Raises:
        UsageError: The mode needs other options.
        InputError: The model, a file or an option is invalid.
        ServiceError: The cluster or the repository refused.
        CheckFailed: The verdict is negative or about another model; or the service did not become
            ready or answered incorrectly, and the previous revision was restored.
    """
    _require_allowed(options, verdict_file)
    _require_fetchable(model_uri, options.stable_model, options.shadow_model)
    facts = read_facts(model_uri)
    if is_remote(model_uri):
        require_servable_adapters(options.lora_adapters)
    else:
        require_complete(Path(model_uri))
    verdict = None
    if verdict_file is not None:
        verdict = read_passing_verdict(verdict_file, facts, options)
    _require_readable(facts, options)
    _log_caveats(facts, verdict)
    stable = read_facts(options.stable_model) if options.stable_model else None
    objects = render(facts, options, verdict, stable, _read_shadow(facts, options))
    files = [str(file) for file in write_manifests(objects, Path(output))] if output else []
    done = DeployResult(
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
    """Refuse combinations that are invalid for any model."""
    if options.mode == "git":
        options.require_repository()
    if options.mode == "git" and options.canary_percent is not None:
        raise UsageError(
            "mode git only changes the model and writes no canary: "
            "commit the output of --mode render for one"
        )
    if options.mode == "git" and options.shadow_model:
        raise UsageError(
            "mode git only changes the model and writes no shadow: "
            "commit the output of --mode render for one"
        )
    if options.mode == "apply" and options.shadow_model and options.canary_percent is not None:
        raise UsageError(
            "a canary is the only change of its service: deploy the shadow first, without "
            "--canary; it stays when the canary starts"
        )
    if options.mode == "render" and options.canary_percent is not None and not options.stable_model:
        raise UsageError(
            "a rendered canary needs the model in service: give --set stable_model=URI, "
            "or use --mode apply, which finds it in the cluster"
        )
    if options.mode != "render" and verdict_file is None:
        raise UsageError(
            f"mode {options.mode} needs the gate's verdict: give --verdict F, or use --mode render"
        )


def _require_fetchable(*uris: str | None) -> None:
    for uri in uris:
        fault = address_fault(uri) if uri and is_remote(uri) else None
        if fault:
            raise UsageError(fault)


def _read_shadow(facts: ModelFacts, options: DeployOptions) -> ModelFacts | None:
    """The shadow's model, which is another one, at an address that states its digest."""
    if not options.shadow_model:
        return None
    shadow = read_facts(options.shadow_model)
    if not shadow.stated_digest:
        raise InputError(
            f"{shadow.uri}: a shadow is asked by its digest: give the address s3://…/sha256-… of a "
            "published model"
        )
    if shadow.stated_digest == facts.stated_digest:
        raise InputError(f"{shadow.uri}: a model is no shadow of itself: give another one")
    return shadow


def _require_readable(facts: ModelFacts, options: DeployOptions) -> None:
    if options.mode != "render" and not is_remote(facts.uri):
        raise InputError(
            f"{facts.uri}: the cluster cannot read local folders: publish the model to s3:// first"
        )


def _log_caveats(facts: ModelFacts, verdict: Verdict | None) -> None:
    """Log reasons why the manifests should not be applied unchanged."""
    if verdict is None:
        log.warning("no verdict given: the service is marked as unverified")
    if not is_remote(facts.uri):
        log.warning(
            "the manifests refer to the local folder %s: "
            "publish the model to s3:// before they are applied",
            facts.storage_uri,
        )


def _applied(
    done: DeployResult, objects: list[Manifest], facts: ModelFacts, options: DeployOptions
) -> DeployResult:
    from intentflow.cluster.client import Cluster
    from intentflow.deployment.model_change import stages_to
    from intentflow.deployment.rollout import Rollout

    test = _test(facts, options)  # read before anything changes
    rollout = Rollout(Cluster(), options.name, options.namespace)
    if options.canary_percent is None:
        stages = stages_to(rollout.live, objects)
    else:
        stages = _canary_stages(rollout, objects, options)
    out = rollout.apply(stages, options.wait_limits, check=_check(test, stages, facts, options))
    return replace(done, url=out.url, revision=out.former, changed=out.changed)


def _canary_stages(
    rollout: Rollout, objects: list[Manifest], options: DeployOptions
) -> list[Stage]:
    """The stages of a canary, which is the only change of the service."""
    from intentflow.deployment.canary import canary_stages

    if rollout.live is None:
        raise CheckFailed(
            f"{options.name} in {options.namespace} does not exist, so requests cannot be shared: "
            "deploy it without --canary first"
        )
    service = next(item for item in objects if item["kind"] == "InferenceService")
    percent = options.canary_percent or 0
    stages = canary_stages(
        rollout.live,
        objects,
        percent,
        kserve_splits=options.kserve_splits,
        copied_percent=options.copied_to_canary,
    )
    rollout.require_unchanged([item for item in objects if item is not service])
    return stages


def _test(facts: ModelFacts, options: DeployOptions) -> Test | None:
    """The smoke test of a URL and a name of the model; None without probes."""
    from intentflow.deployment.smoke_test import ask, read_model_taxonomy, read_probes

    if not options.probe:
        log.warning("no probe given: the ready service is not tested (--probe F)")
        return None
    probes, taxonomy = read_probes(options.probe), read_model_taxonomy(facts.uri)
    return lambda url, served_model: ask(url, probes, taxonomy, served_model=served_model)


def _check(
    test: Test | None, stages: list[Stage], facts: ModelFacts, options: DeployOptions
) -> Check | None:
    """The test of a stage's URL; a canary behind the transformer is asked by its digest."""
    if test is None:
        return None
    of_canary = any(canary_entries(item) for item in stages[0].objects)
    has_own_way = options.transformer and options.deployment_mode == "Standard"
    if options.canary_percent is not None and not (has_own_way or options.probe_url):
        log.warning(
            "the canary is not tested, because its URL is shared with the model in service: "
            "give its own URL with --probe-url"
        )
        return None
    digest = facts.stated_digest if of_canary and has_own_way else None
    return lambda url: test(options.probe_url or openai_url(url, options.transformer), digest)


def _committed(
    done: DeployResult, objects: list[Manifest], verdict: Verdict, options: DeployOptions
) -> DeployResult:
    from intentflow.deployment.gitops import commit_service

    pushed = commit_service(objects, verdict, options)
    return replace(
        done,
        files=done.files + pushed.files,
        commit=pushed.commit,
        branch=pushed.branch,
        changed=pushed.commit is not None,
    )

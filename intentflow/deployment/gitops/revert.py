"""Rollback in a GitOps repository: a revert of the last deployment's commit."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from intentflow.deployment.gitops.commit import push_on_top, service_folder, service_trailer
from intentflow.deployment.gitops.repository import GitError, Repository, cloned
from intentflow.deployment.options import DeployOptions
from intentflow.errors import CheckFailed, InputError
from intentflow.printable import printable

log = logging.getLogger(__name__)

_END = "\x1e"


@dataclass(frozen=True)
class RevertResult:
    """The result of a revert.

    Attributes:
        name: Name of the service.
        reverted: Commit of the deployment.
        commit: The commit that reverts it.
        branch: The branch of that commit.
        model: URI of the restored model.
    """

    name: str
    reverted: str
    commit: str
    branch: str
    model: str


@dataclass(frozen=True)
class _Deployment:
    commit: str
    replaces: str | None


def revert_service(options: DeployOptions) -> RevertResult:
    """Revert the service's last deployment that is not reverted yet, and push.

    Another call reverts the deployment before it.

    Raises:
        UsageError: The options name no repository, or no such branch.
        ServiceError: The repository or access is missing, or the branch is protected.
        InputError: Lines of the deployment were changed since.
        CheckFailed: There is no deployment to revert to.
    """
    where = options.require_repository()
    target = options.git_push_branch or options.git_branch
    with cloned(where, options.git_branch, options.git_push_branch, deep=True) as repository:
        commit, deployment = push_on_top(repository, target, lambda it: _revert(it, options))
    log.info("pushed %s to %s of %s", str(commit)[:12], target, repository.url)
    return RevertResult(
        options.name, deployment.commit, str(commit), target, deployment.replaces or ""
    )


def _revert(repository: Repository, options: DeployOptions) -> tuple[str, _Deployment]:
    deployment = _last_deployment(repository, options)
    if deployment is None:
        raise CheckFailed(
            f"{repository.url}: no deployment of {options.name} on {repository.branch} that is "
            "not reverted"
        )
    if deployment.replaces is None:
        raise CheckFailed(
            f"{repository.url}: {deployment.commit[:12]} was the first deployment of "
            f"{options.name}, so there is no previous one; delete {service_folder(options)} "
            "to end the service"
        )
    message = (
        f"Roll back {options.name} to its former model\n\n"
        f"This reverts commit {deployment.commit}.\n\n"
        f"Model: {printable(deployment.replaces)}\n{service_trailer(options)}\n"
    )
    try:
        return repository.revert(deployment.commit, message), deployment
    except GitError:
        raise InputError(
            f"{repository.url}: {deployment.commit[:12]} cannot be reverted automatically: the "
            "same lines were changed since; deploy the previous model instead: "
            f"intentflow deploy --mode git --model {deployment.replaces}"
        ) from None


def _last_deployment(repository: Repository, options: DeployOptions) -> _Deployment | None:
    """The newest commit of the service that no later one reverts."""
    log = repository.git("log", f"--format=%H%n%B{_END}", "--", service_folder(options))
    reverted: set[str] = set()
    for entry in log.split(_END):
        commit, _, message = entry.strip().partition("\n")
        if commit in reverted:
            continue
        reverts = re.findall(r"This reverts commit ([0-9a-f]{40})", message)
        reverted |= set(reverts)
        if not reverts and service_trailer(options) in message.splitlines():
            former = re.search(r"^Replaces: (\S+)$", message, re.MULTILINE)
            return _Deployment(commit, former[1] if former else None)
    return None

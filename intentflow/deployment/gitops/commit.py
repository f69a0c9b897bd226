"""Deployment of a model as a commit on a branch of a GitOps repository."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from tenacity import (
    AttemptManager,
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_incrementing,
    wait_random,
)

from intentflow.artifacts.verdict import Verdict
from intentflow.deployment.annotations import model_of
from intentflow.deployment.gitops.repository import PushRejectedError, Repository, cloned
from intentflow.deployment.gitops.service import FileChanges, change_files, read_uri
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.rendering import Manifest
from intentflow.errors import CheckFailed, UsageError
from intentflow.io.paths import require_inside
from intentflow.printable import printable

log = logging.getLogger(__name__)

TRAILER = "Intentflow-Service"
# What mode git takes from the options where the service's files are there.
_TAKEN = frozenset(
    {"name", "namespace", "mode", "git_repo", "git_branch", "git_path", "git_push_branch"}
    | {"max_model_len", "dtype", "probe", "rollout_job"}
)
_TRIES = 8
_PAUSE_SECONDS = 0.3

T = TypeVar("T")


@dataclass(frozen=True)
class PushResult:
    """The result of a deployment by commit.

    Attributes:
        commit: The commit; None if the branch is already up to date.
        branch: The branch of the commit.
        files: Changed files, relative to the repository's top.
    """

    commit: str | None
    branch: str
    files: list[str]


def commit_service(objects: list[Manifest], verdict: Verdict, options: DeployOptions) -> PushResult:
    """Commit a model's URI, digests and arguments, and push.

    If another commit is pushed in between, the change is made again on top of it.

    Args:
        objects: The rendered service.
        verdict: A passing verdict about its model.
        options: The repository, its branches and the service's folder.

    Raises:
        ServiceError: The repository or access is missing, or the branch is protected.
        UsageError: There is no such branch, or the folder is outside the repository.
        InputError: Files cannot be changed.
        CheckFailed: The branch moved on at every attempt.
    """
    service = next(item for item in objects if item["kind"] == "InferenceService")
    folder = service_folder(options)
    target = options.git_push_branch or options.git_branch

    def change(repository: Repository) -> tuple[str | None, FileChanges]:
        place = repository.root / folder
        require_inside(place, repository.root, f"{repository.url} {folder}")
        done = change_files(place, objects)
        message = _message(service, verdict, options, done.former_uri)
        return repository.commit(message), done

    with cloned(
        options.require_repository(), options.git_branch, options.git_push_branch, deep=False
    ) as repository:
        commit, done = push_on_top(repository, target, change)
        files = [file.relative_to(repository.root).as_posix() for file in done.files]
    if done.former_uri is not None and (kept := _left_alone(options)):
        log.info("%s: the files decide on %s; mode git leaves them alone", folder, ", ".join(kept))
    if commit is None:
        log.info("%s on %s is already up to date: no commit", folder, target)
        return PushResult(None, target, [])
    log.info("pushed %s to %s of %s", commit[:12], target, repository.url)
    return PushResult(commit, target, files)


def committed_uri(options: DeployOptions) -> str | None:
    """The model's URI that the repository states on the branch that the cluster follows.

    Args:
        options: The repository, its branch and the service's folder.

    Returns:
        None if it states no such service.

    Raises:
        ServiceError: The repository or access is missing.
        UsageError: No repository is named, there is no such branch, or the folder is outside.
        InputError: A file cannot be read.
    """
    folder = service_folder(options)
    with cloned(options.require_repository(), options.git_branch, None, deep=False) as repository:
        place = repository.root / folder
        require_inside(place, repository.root, f"{repository.url} {folder}")
        return read_uri(place, options.name, options.namespace)


def push_on_top(
    repository: Repository,
    target: str,
    change: Callable[[Repository], tuple[str | None, T]],
) -> tuple[str | None, T]:
    """Make a commit and push it; if another one was pushed first, make it again on top.

    Raises:
        CheckFailed: Another commit came first at every attempt.
    """
    for attempt in _attempts():
        with attempt:
            if attempt.retry_state.attempt_number > 1:
                repository.catch_up(target)
            commit, result = change(repository)
            if commit is not None:
                repository.push(target)
            return commit, result
    raise CheckFailed(
        f"{repository.url}: {target} moved on {_TRIES} times in the meantime; try again"
    )


def _left_alone(options: DeployOptions) -> list[str]:
    """Options that were given, and that the service's files decide on once they are there."""
    return [
        name
        for name, field in DeployOptions.model_fields.items()
        if name in options.model_fields_set - _TAKEN
        and getattr(options, name) != field.get_default(call_default_factory=True)
    ]


def _attempts() -> Iterator[AttemptManager]:
    """Attempts until a push is accepted, with increasing, random pauses."""
    retrying = Retrying(
        retry=retry_if_exception_type(PushRejectedError),
        stop=stop_after_attempt(_TRIES),
        wait=wait_incrementing(_PAUSE_SECONDS / 2, _PAUSE_SECONDS) + wait_random(0, _PAUSE_SECONDS),
        before_sleep=_log_rejection,
    )
    with suppress(RetryError):
        yield from retrying


def _log_rejection(state: RetryCallState) -> None:
    log.warning("%s; trying again on top of it", state.outcome.exception() if state.outcome else "")


def service_folder(options: DeployOptions) -> str:
    """The service's folder, relative to the repository's top.

    Raises:
        UsageError: The path leads out of the repository.
    """
    folder = PurePosixPath(options.git_path or f"{options.namespace}/{options.name}")
    if folder.is_absolute() or ".." in folder.parts or ".git" in folder.parts:
        raise UsageError(f"--path {folder}: expected a folder inside the repository")
    return folder.as_posix()


def service_trailer(options: DeployOptions) -> str:
    """The commit trailer that marks this service's commits."""
    return f"{TRAILER}: {options.namespace}/{options.name}"


def _message(
    service: Manifest, verdict: Verdict, options: DeployOptions, former_uri: str | None
) -> str:
    """The commit message: the model, its scores and its lineage."""
    model = model_of(service)
    lineage = {
        "Model": service["spec"]["predictor"]["model"]["storageUri"],
        "Replaces": former_uri,
        "Model-Digest": model.model_digest,
        "Prompt-Digest": model.prompt_digest,
        "Training-Data-Digest": model.training_data_digest,
        "Test-Data-Digest": verdict.data_digest,
        "Evaluated-With": verdict.engine,
        "Constrained": None if verdict.constrained is None else str(verdict.constrained).lower(),
    }
    numbers = [f"- {name}: {value:g} (limit {limit:g})" for name, value, limit in verdict.numbers]
    trailers = [f"{key}: {value}" for key, value in lineage.items() if value]
    # A field that contains a line end would forge a trailer.
    numbers, trailers = ([printable(line) for line in lines] for lines in (numbers, trailers))
    lines = [f"Deploy {options.name}: model {model.model_digest[:12]}", "", "The gate passed."]
    return "\n".join([*lines, *numbers, "", *trailers, service_trailer(options)]) + "\n"

"""Operations on a deployed service: its endpoint, promotion of its canary, rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from intentflow.config import Flag, StrictModel

if TYPE_CHECKING:
    from intentflow.deployment.endpoint import Endpoint
    from intentflow.deployment.gitops import RevertResult
    from intentflow.deployment.rollback import ServiceChange

TimeoutSeconds = Annotated[
    float,
    Flag("--timeout", metavar="S"),
    Field(gt=0, description="Seconds to wait for Ready"),
]


class EndpointConfig(StrictModel):
    """The deployed service that a command is about."""

    name: Annotated[str, Flag("name")] = Field(description="Name of the service")
    namespace: Annotated[str, Flag("-n", "--namespace")] = Field(
        "default", description="Namespace of the service"
    )


class PromoteConfig(EndpointConfig):
    """Configuration of a promotion."""

    timeout_seconds: TimeoutSeconds = 1800.0


class RollbackConfig(EndpointConfig):
    """Configuration of a rollback.

    Example:
        >>> RollbackConfig(name="banking", to=3).mode
        'apply'
    """

    mode: Literal["apply", "git"] = Field(
        "apply",
        description="apply: restore a recorded revision; git: revert the last deployment commit",
    )
    to: Annotated[int | None, Flag(metavar="N")] = Field(
        None, description="Number of a recorded revision (default: the newest other one)"
    )
    timeout_seconds: TimeoutSeconds = 1800.0
    repo: Annotated[str | None, Flag(metavar="URL")] = Field(
        None, description="GitOps repository of mode git"
    )
    branch: str = Field("main", description="Branch of the repository")
    path: str | None = Field(
        None, description="Folder of the service in the repository (default: NAMESPACE/NAME)"
    )
    push_branch: Annotated[str | None, Flag(metavar="B")] = Field(
        None, description="Branch to push to, for a pull request"
    )

    @model_validator(mode="after")
    def _fit_mode(self) -> Self:
        if self.mode == "apply" and (self.repo or self.path or self.push_branch):
            raise ValueError("--repo, --path and --push-branch need --mode git")
        if self.mode == "git" and self.to is not None:
            raise ValueError("--to needs --mode apply; git reverts one commit at a time")
        return self


def run_endpoint(config: EndpointConfig) -> Endpoint:
    """Find a service in the cluster.

    Raises:
        ServiceError: There is no such service, or the cluster refused.
    """
    from intentflow.deployment.endpoint import find_endpoint

    return find_endpoint(config.name, config.namespace)


def run_promote(config: PromoteConfig) -> ServiceChange:
    """Give the canary's model all requests.

    Raises:
        ServiceError: The service does not exist, or the cluster refused.
        CheckFailed: It has no canary; or it did not become ready, and the share is restored.
    """
    from intentflow.deployment.rollback import promote

    return promote(config.name, config.namespace, config.timeout_seconds)


def run_rollback(config: RollbackConfig) -> ServiceChange | RevertResult:
    """Restore the previous model, in the cluster or by a commit.

    Returns:
        The restored revision, or the commit that reverts the last deployment.

    Raises:
        UsageError: There is no such revision, no repository or no such branch.
        InputError: An option is invalid, or the same lines were changed since.
        ServiceError: The service or the repository is missing or refuses.
        CheckFailed: There is nothing to restore; or it did not become ready, and all is restored.
    """
    if config.mode == "apply":
        from intentflow.deployment.rollback import rollback

        return rollback(config.name, config.namespace, config.timeout_seconds, config.to)
    from intentflow.deployment.gitops import revert_service
    from intentflow.deployment.options import DeployOptions

    options = DeployOptions.from_layers(
        None,
        [],
        mode="git",
        name=config.name,
        namespace=config.namespace,
        git_repo=config.repo,
        git_branch=config.branch,
        git_path=config.path,
        git_push_branch=config.push_branch,
    )
    return revert_service(options)

"""Operations on a deployed service: endpoint, promotion, rollback, the rights to deploy it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from intentflow.config import DNS_LABEL, Flag, StrictModel
from intentflow.pipeline.code_version import code_version
from intentflow.pipeline.steps.record_service import (
    DeployedFacts,
    record_promotion,
    record_rollback,
    require_registry,
)
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.registry.place import PLACE_HELP, given_place

if TYPE_CHECKING:
    from intentflow.deployment.endpoint import Endpoint
    from intentflow.deployment.gitops import RevertResult
    from intentflow.deployment.kustomize import Manifest
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


RegistryPlace = Annotated[str | None, Flag(metavar="DIR|URI"), Field(description=PLACE_HELP)]


class PromoteConfig(EndpointConfig):
    """Configuration of a promotion."""

    timeout_seconds: TimeoutSeconds = 1800.0
    registry: RegistryPlace = None


class PermissionsConfig(EndpointConfig):
    """The service that an account deploys.

    Example:
        >>> PermissionsConfig(name="banking", account="team-a/default-editor").account_parts
        ('team-a', 'default-editor')
    """

    account: Annotated[str, Flag(metavar="NAMESPACE/NAME")] = Field(
        description="ServiceAccount that the steps of the pipeline run as, such as "
        "team-a/default-editor"
    )

    @field_validator("account")
    @classmethod
    def _names_both(cls, account: str) -> str:
        if not all(re.fullmatch(DNS_LABEL, part) for part in account.partition("/")[::2]):
            raise ValueError(f"{account}: expected NAMESPACE/NAME, such as team-a/default-editor")
        return account

    @property
    def account_parts(self) -> tuple[str, str]:
        """Namespace and name of the account."""
        namespace, _, name = self.account.partition("/")
        return namespace, name


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
    registry: RegistryPlace = None

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
    """Give the canary's model all requests; it is then the champion of the registry.

    Raises:
        InputError: The registry is damaged.
        ServiceError: The service does not exist, or the cluster or the registry refused.
        CheckFailed: The service has no canary; or it did not become ready, and the share is
            restored.
    """
    from intentflow.deployment.rollback import promote

    recorded = _recorded(config.registry, config.name)
    require_registry(recorded)
    done = promote(config.name, config.namespace, config.timeout_seconds)
    record_promotion(recorded, DeployedFacts(done.model_digest, address=done.url))
    return done


def record_promoted(config: PromoteConfig, digest: str) -> None:
    """Make a model the registry's champion that has all requests of its service already.

    Args:
        config: The service, and the registry.
        digest: Digest of the model.

    Raises:
        InputError: The registry is damaged.
        ServiceError: The registry refused.
    """
    recorded = _recorded(config.registry, config.name)
    require_registry(recorded)
    record_promotion(recorded, DeployedFacts(digest))


def run_permissions(config: PermissionsConfig) -> list[Manifest]:
    """The Role with which an account can deploy one service, and its binding.

    Raises:
        InputError: The names are not those of a service.
    """
    from intentflow.deployment.options import DeployOptions
    from intentflow.deployment.permissions import deployer_role

    options = DeployOptions.from_layers(None, (), name=config.name, namespace=config.namespace)
    return deployer_role(options.name, options.namespace, config.account_parts)


def run_rollback(config: RollbackConfig) -> ServiceChange | RevertResult:
    """Restore the previous model, in the cluster or by a commit.

    It is then the champion of the registry, except for a commit that is yet to be merged.

    Returns:
        The restored revision, or the commit that reverts the last deployment.

    Raises:
        UsageError: There is no such revision, no repository or no such branch.
        InputError: An option is invalid, or the same lines were changed since.
        ServiceError: The service or the repository is missing or refuses.
        CheckFailed: There is nothing to restore; or it did not become ready, and all is restored.
    """
    recorded = _recorded(config.registry, config.name)
    require_registry(recorded)
    done = _restored(config)
    restored = _restored_model(done)
    if restored.digest and not config.push_branch:
        record_rollback(recorded, restored)
    return done


def _restored_model(done: ServiceChange | RevertResult) -> DeployedFacts:
    """The model that serves again; its digest is empty if its address does not state it."""
    from intentflow.deployment.rollback import ServiceChange
    from intentflow.storage.uris import digest_in_name

    if isinstance(done, ServiceChange):
        return DeployedFacts(done.model_digest, address=done.url)
    return DeployedFacts(digest_in_name(done.model) or "", done.model or None)


def _recorded(registry: str | None, service: str) -> Recorded:
    config = RecordConfig(registry=given_place(registry), service=service)
    return Recorded(config, code_version=code_version())


def _restored(config: RollbackConfig) -> ServiceChange | RevertResult:
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

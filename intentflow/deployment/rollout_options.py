"""Deployment options of the rollout: waiting, smoke test, its Job, and commits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.deployment.option_types import DIGEST, TAG
from intentflow.deployment.pod_failures import WaitLimits
from intentflow.errors import UsageError
from intentflow.io.validation_messages import form

_BRANCH = form(r"^[A-Za-z0-9_][\w./-]*$", "a branch such as main or team/intent")


class RolloutOptions(StrictModel):
    """Limits of the wait, smoke test, rollout Job and GitOps repository."""

    rollout_job: bool | None = Field(
        None,
        description="Whether to render a Job that ends when the model answers through the "
        "transformer, and the rows of probe correctly; unless set, mode git does",
    )
    rollout_image: str | None = Field(
        None, description="Name of that Job's image, intentflow/deploy, in a mirror"
    )
    rollout_version: str | None = Field(
        None, pattern=TAG, description="Tag of the image; that of the component unless set"
    )
    rollout_image_digest: str | None = Field(
        None, pattern=DIGEST, description="Digest that pins the image's content"
    )
    timeout_seconds: Annotated[float, Flag("--timeout", metavar="S")] = Field(
        1800.0, gt=0, description="Seconds that mode apply waits for the service to become ready"
    )
    max_restarts: int = Field(
        3,
        ge=1,
        description="Restarts of a container after which mode apply reports the service as failed",
    )
    unschedulable_seconds: float = Field(
        60.0,
        ge=0,
        description="Seconds that a pod may stay unschedulable in mode apply; not counted while an "
        "autoscaler adds a node for it",
    )
    probe: Annotated[str | None, Flag("--probe", metavar="F")] = Field(
        None,
        description="Rows for a smoke test of the ready service, by mode apply or the rollout Job: "
        "instruction, and the evaluated prediction or the output; a path, or s3:// for the Job",
    )
    probe_url: Annotated[str | None, Flag("--probe-url", metavar="URL")] = Field(
        None, description="URL for the smoke test, if not that of the service"
    )
    git_repo: Annotated[str | None, Flag("--repo", metavar="URL")] = Field(
        None, description="GitOps repository of mode git: a URL, a bare repository or a clone"
    )
    git_branch: Annotated[str, Flag("--branch")] = Field(
        "main", pattern=_BRANCH, description="The branch that is deployed"
    )
    git_path: Annotated[str | None, Flag("--path")] = Field(
        None, description="Folder of the service in the repository; NAMESPACE/NAME unless set"
    )
    git_push_branch: Annotated[str | None, Flag("--push-branch", metavar="B")] = Field(
        None,
        pattern=_BRANCH,
        description="Branch for a pull request, if git_branch is protected",
    )

    @property
    def wait_limits(self) -> WaitLimits:
        """Limits of the wait for the service."""
        return WaitLimits(self.timeout_seconds, self.max_restarts, self.unschedulable_seconds)

    def require_repository(self) -> str:
        """The GitOps repository of mode git.

        Raises:
            UsageError: No repository is named.
        """
        if not self.git_repo:
            raise UsageError("mode git needs the GitOps repository: give --repo URL")
        return self.git_repo

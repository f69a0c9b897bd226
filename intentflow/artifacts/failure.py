"""The failure of a step, for the step that raises it and for the local runner."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field

from intentflow.artifacts.document import ClosedArtifact
from intentflow.errors import KINDS, IntentflowError, kind_of


class StepFailure(ClosedArtifact):
    """The failure of a step.

    Kubeflow stores the artifacts of a step only if it succeeds, so a step whose reports say why the
    run must not go on succeeds, and the step after it raises the failure.

    Example:
        >>> from intentflow.errors import CheckFailed
        >>> StepFailure.of("validate", CheckFailed("2 rows conflict")).error()
        CheckFailed('2 rows conflict')
    """

    WRONG_KIND: ClassVar[str] = "not the failure of a step"

    step: str = Field(description="Name of the step")
    kind: Literal["UsageError", "InputError", "ServiceError", "CheckFailed"] = Field(
        description="Kind of the error, which decides the exit status"
    )
    message: str = Field(description="The error message")

    @classmethod
    def of(cls, step: str, error: IntentflowError) -> Self:
        """The failure of a step with an error."""
        return cls.from_mapping(
            {"step": step, "kind": kind_of(error).__name__, "message": str(error)}, step
        )

    def error(self, prefix: str = "") -> IntentflowError:
        """The error, of its kind; its message starts with ``prefix``."""
        return KINDS[self.kind](prefix + self.message)

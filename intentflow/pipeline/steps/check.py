"""Check: failures of checks, which a step hands on and the next one raises.

Kubeflow stores the artifacts of a step only if it succeeds, so a step whose reports say why the
run must not go on succeeds, and the step after it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.errors import KINDS, IntentflowError, kind_of


def failure_document(step: str, error: IntentflowError) -> dict[str, str]:
    """An error as a parameter of the graph.

    Args:
        step: Name of the step that found it.
        error: The error.

    Returns:
        Keys ``step``, ``kind`` and ``message``; :func:`raise_failure` reads them.
    """
    return {"step": step, "kind": kind_of(error).__name__, "message": str(error)}


def raise_failure(failure: Mapping[str, Any]) -> None:
    """Raise what a step handed on.

    Args:
        failure: Result of :func:`failure_document`; empty if nothing failed.

    Raises:
        IntentflowError: There is a failure, of the kind that it names.
    """
    if failure:
        raise KINDS[failure["kind"]](failure["message"])

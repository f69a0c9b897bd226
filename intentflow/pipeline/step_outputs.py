"""Outputs of the steps of a local run, by step: kfp returns those of successful graphs only."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class StepEnd(NamedTuple):
    """The end of a step.

    Attributes:
        name: Name of the step in the graph.
        seconds: Wall time of the step.
        outputs: Outputs of the step by name; none of a failed step.
        succeeded: Whether it succeeded, executed or from the cache.
    """

    name: str
    seconds: float
    outputs: Mapping[str, Any]
    succeeded: bool


@dataclass
class StepOutputs:
    """Outputs of the steps of a run so far, executed or from the cache.

    Attributes:
        by_step: Outputs by the step's name in the graph, then by their own.

    Example:
        >>> outputs = StepOutputs({"gate": {"Output": "pass"}})
        >>> outputs.get("gate", "Output"), outputs.get("explain", "explanation")
        ('pass', None)
    """

    by_step: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def get(self, step: str, name: str) -> Any:
        """An output of a step; None if the step did not succeed."""
        return self.by_step.get(step, {}).get(name)

    def path(self, *places: tuple[str, str]) -> Path | None:
        """The file of the first of these artifacts that exists; None if there is none.

        Args:
            places: Step and output of each.
        """
        for step, name in places:
            if (artifact := self.get(step, name)) is not None:
                return Path(artifact.path)
        return None


@contextmanager
def recorded_outputs(ended: Callable[[StepEnd], None]) -> Iterator[StepOutputs]:
    """Record the outputs of each step of a run of kfp's local runner.

    Args:
        ended: Function that is called at the end of each step.

    kfp has no hook for it and returns nothing from a graph with a failed step, so the function
    that it calls for each step is replaced meanwhile.
    """
    from kfp.local import status
    from kfp.local.orchestrator import task_executor

    outputs, execute = StepOutputs(), task_executor.execute_single_task
    succeeded = status.Status.SUCCESS

    @functools.wraps(execute)
    def recording(task_name: str, **given: Any) -> tuple[dict[str, Any], status.Status]:
        started = time.monotonic()
        made, outcome = execute(task_name=task_name, **given)
        seconds = time.monotonic() - started
        if outcome == succeeded:
            outputs.by_step[task_name] = made
        found = made if outcome == succeeded else {}
        ended(StepEnd(task_name, seconds, found, succeeded=outcome == succeeded))
        return made, outcome

    task_executor.execute_single_task = recording
    try:
        yield outputs
    finally:
        task_executor.execute_single_task = execute

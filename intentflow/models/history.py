"""The recorded course of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from intentflow.artifacts.training import TrainingHistory


@dataclass
class History:
    """Losses by step, as logged.

    Attributes:
        training: (step, loss, learning rate) at each logging step.
        validation: (step, loss) at each evaluation.
        accuracy: (step, intent accuracy, answer accuracy) at each evaluation; see
            :mod:`intentflow.training.accuracy`.
        tokens: Number of processed tokens; a shared prefix counts once per sequence.
        seconds: Time from the first step to the last, without the pause before a resumed run.
    """

    training: list[tuple[int, float, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    accuracy: list[tuple[int, float, float]] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0

    def state(self) -> dict[str, Any]:
        """The complete state, for a checkpoint."""
        return asdict(self)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the result of :meth:`state`; an empty mapping starts a new history."""
        self.training = [(step, loss, rate) for step, loss, rate in state.get("training", [])]
        self.validation = [(step, loss) for step, loss in state.get("validation", [])]
        self.accuracy = [(step, a, b) for step, a, b in state.get("accuracy", [])]
        self.tokens = state.get("tokens", 0)
        self.seconds = state.get("seconds", 0.0)

    def record(self) -> TrainingHistory:
        """The history as it is stored in the training's record."""
        return TrainingHistory(
            training_loss=[list(row) for row in self.training],
            validation_loss=[list(row) for row in self.validation],
            validation_accuracy=[list(row) for row in self.accuracy],
            tokens=self.tokens,
            seconds=round(self.seconds, 1),
            tokens_per_second=round(self.tokens / self.seconds, 1) if self.seconds else None,
        )

"""What a person sees of a running training, and what is kept of it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from intentflow.errors import IntentflowError


@dataclass
class History:
    """Loss by step, as logged.

    Attributes:
        training: (step, loss, learning rate) at each logging step.
        validation: (step, loss) at each evaluation.
        tokens: Tokens that went through the model, shared prefixes counted once a sequence.
        seconds: From the first step to the last.
    """

    training: list[tuple[int, float, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For ``training.json``."""
        return {
            "training_loss": [list(row) for row in self.training],
            "validation_loss": [list(row) for row in self.validation],
            "tokens": self.tokens,
            "seconds": round(self.seconds, 1),
            "tokens_per_second": round(self.tokens / self.seconds, 1) if self.seconds else None,
        }


class ProgressCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """A bar with loss, tokens/s and the time left; stops at a loss that is not a number."""

    def __init__(self, history: History, tokens_per_step: float) -> None:
        self.history = history
        self.tokens_per_step = tokens_per_step
        self.bar: tqdm[Any] | None = None
        self.started = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.started = time.monotonic()
        interval = 0.5 if sys.stderr.isatty() else 10.0
        self.bar = tqdm(total=state.max_steps, unit="step", desc="train", mininterval=interval)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.history.tokens = round(state.global_step * self.tokens_per_step)
        self.history.seconds = time.monotonic() - self.started
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
    ) -> None:
        if "loss" in logs:
            _refuse_nan(logs["loss"], state.global_step)
            self.history.training.append(
                (state.global_step, logs["loss"], logs.get("learning_rate", 0.0))
            )
            if self.bar is not None:
                speed = self.history.tokens / max(self.history.seconds, 1e-9)
                self.bar.set_postfix_str(f"loss {logs['loss']:.4f}, {speed:.0f} tokens/s")
        if "train_loss" in logs:  # the mean over all steps, also those between two log lines
            _refuse_nan(logs["train_loss"], state.global_step)
        if "eval_loss" in logs:
            _refuse_nan(logs["eval_loss"], state.global_step)
            self.history.validation.append((state.global_step, logs["eval_loss"]))

    def close(self) -> None:
        """End the bar's line, so that what is said next has one of its own."""
        if self.bar is not None:
            self.bar.close()


def _refuse_nan(loss: float, step: int) -> None:
    if loss != loss or loss in (float("inf"), float("-inf")):
        raise IntentflowError(
            f"the loss is {loss} at step {step}: lower learning_rate, or use precision=fp32"
        )

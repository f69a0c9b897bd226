"""Progress display of a running training, and the record of its losses."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from intentflow.errors import InputError
from intentflow.io.progress import progress_bar
from intentflow.models.history import History
from intentflow.models.validation_keys import VALIDATION


class ProgressCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Shows a progress bar with loss, tokens/s and remaining time; stops at a loss of NaN.

    Args:
        history: Curves of the run, extended while it trains.
        tokens_per_step: Average number of tokens of one optimizer step.
        first_step: Function that gets the number of all steps and the seconds of the first one
            after it; None for none.
    """

    def __init__(
        self,
        history: History,
        tokens_per_step: float,
        first_step: Callable[[int, float], None] | None = None,
    ) -> None:
        self.first_step = first_step
        self.began = 0.0
        self.history = history
        self.tokens_per_step = tokens_per_step
        self.bar: tqdm[Any] | None = None
        self.started = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the progress bar."""
        self.began = time.monotonic()
        self.started = self.began - self.history.seconds
        self.bar = progress_bar(
            "train",
            total=state.max_steps,
            initial=state.global_step,
            unit="step",
            in_log=True,
            disable=not state.is_world_process_zero,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count tokens and seconds, and advance the bar."""
        self.history.tokens = round(state.global_step * self.tokens_per_step)
        self.history.seconds = time.monotonic() - self.started
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)
        if self.first_step and state.is_world_process_zero:
            self.first_step(state.max_steps, time.monotonic() - self.began)
        self.first_step = None

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
    ) -> None:
        """Record losses, and show the training loss and the speed."""
        if "loss" in logs:
            _refuse_nan(logs["loss"], state.global_step)
            self.history.training.append(
                (state.global_step, logs["loss"], logs.get("learning_rate", 0.0))
            )
            if self.bar is not None:
                speed = self.history.tokens / max(self.history.seconds, 1e-9)
                state_text = f"loss {logs['loss']:.4f}, {speed:.0f} tokens/s"
                self.bar.set_postfix_str(state_text, refresh=False)
        if "train_loss" in logs:  # the mean over all steps, including those between two log lines
            _refuse_nan(logs["train_loss"], state.global_step)
        if VALIDATION.loss in logs:
            _refuse_nan(logs[VALIDATION.loss], state.global_step)
            self.history.validation.append((state.global_step, logs[VALIDATION.loss]))
        if VALIDATION.intent_accuracy in logs:
            rates = logs[VALIDATION.intent_accuracy], logs[VALIDATION.answer_accuracy]
            self.history.accuracy.append((state.global_step, *rates))

    def close(self) -> None:
        """End the bar's line, so that the next output starts on a new one."""
        if self.bar is not None:
            self.bar.close()


def _refuse_nan(loss: float, step: int) -> None:
    if loss != loss or loss in (float("inf"), float("-inf")):
        raise InputError(
            f"the loss is {loss} at step {step}: lower learning_rate, or use precision=fp32"
        )

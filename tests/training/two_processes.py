"""What each of two processes does, started by torch's launcher: all variants, one after another."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.models import TAXONOMY, recipe, rows

# Neither is a multiple of the batch: the last step of an epoch has fewer rows than the others.
ROWS, HELD_OUT = rows()[:21], rows()[48:55]
SETTINGS: dict[str, Any] = {
    "max_steps": -1,
    "num_train_epochs": 2,
    "logging_steps": 1,
    "save_steps": 2,
}
CHANGES: dict[str, dict[str, Any]] = {
    "full": {},
    # One row at a time: in the last step a process has none. Early stopping: weights are loaded.
    "lora": {
        "method": "lora",
        "per_device_train_batch_size": 1,
        "early_stopping_patience": 3,
        "gradient_checkpointing": True,
    },
    "tokens": {"method": "lora", "intent_tokens": True},
}


def main(base: Path, folder: Path) -> None:
    """Train all variants and write their records."""
    from intentflow.models import encoding as dataset
    from intentflow.training.distributed import is_main_process

    dataset.CPU_PASS_TOKENS = (
        20  # several passes a step, more of them in one process than in the other
    )
    records = {}
    for strategy in ("ddp", "fsdp"):
        for method, changes in CHANGES.items():
            name = f"{method}-{strategy}"
            records[name] = _train(base, {**changes, **_two(strategy)}, folder / name)
        records[f"resumed-{strategy}"] = _resume(base, _two(strategy), folder / strategy)
    if is_main_process():
        (folder / "records.json").write_text(json.dumps(records))


def _two(strategy: str) -> dict[str, Any]:
    return {"distributed": {"strategy": strategy, "devices": 2}}


def _train(base: Path, changes: dict[str, Any], output: Path) -> dict[str, Any]:
    from accelerate.state import AcceleratorState

    from intentflow.training.sft import train

    AcceleratorState._reset_state()  # a process of the command trains once
    settings = recipe(base, **{**SETTINGS, **changes})
    return train(settings, ROWS, HELD_OUT, output, TAXONOMY).as_dict()


def _resume(base: Path, changes: dict[str, Any], output: Path) -> dict[str, Any]:
    """A training that is broken off in its fourth step, and then goes on."""
    import transformers

    real = transformers.Trainer.training_step
    begun: list[int] = []
    breaks_off = True

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step + 1 not in begun:
            begun.append(self.state.global_step + 1)
        if breaks_off and self.state.global_step + 1 == 4:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    transformers.Trainer.training_step = training_step
    try:
        try:
            _train(base, changes, output)
        except KeyboardInterrupt:
            breaks_off = False
            begun.clear()
        return {**_train(base, changes, output), "begun": begun}
    finally:
        transformers.Trainer.training_step = real


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

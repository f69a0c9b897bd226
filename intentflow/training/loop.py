"""The training loop around a job, up to the complete model directory."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from intentflow.artifacts.training import (
    RecordedRecipe,
    TrainedOn,
    TrainedWeights,
    TrainingEstimate,
    TrainingFinding,
    TrainingRecord,
)
from intentflow.errors import InputError
from intentflow.io.files import atomic_directory
from intentflow.models.history import History
from intentflow.models.library_bars import without_library_bars
from intentflow.models.memory import free_memory, peak_memory_bytes
from intentflow.models.progress import ProgressCallback
from intentflow.recipe.recipe import Recipe
from intentflow.training.arguments import training_arguments
from intentflow.training.checkpoints import Checkpoints, MarkComplete, SaveByTime, keep_checkpoints
from intentflow.training.diagnostics import loss_findings
from intentflow.training.distributed import agree_on_checkpoint, complete_model, is_main_process
from intentflow.training.export import ModelParts, save_model_directory
from intentflow.training.job import Job
from intentflow.training.plan import Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """The result of a training: model (adapter unmerged), course and numbers of weights."""

    model: Any
    history: History
    weights: TrainedWeights


def run_training(job: Job, plan: Plan, output: str | Path) -> TrainingRecord:
    """Train as planned and write the model directory atomically.

    Returns:
        Recipe, plan, loss history, digests, seconds.

    Raises:
        InputError: The base model does not exist, rows do not fit, the loss became NaN, or the disk
            is full.
    """
    recipe, findings = job.recipe, list(job.findings)
    _warn(findings)
    with (
        _place_for_model(output) as partial,
        keep_checkpoints(Path(output), _identity(recipe, plan, job.digests)) as checkpoints,
    ):
        fitted, plan = fit(job, plan, checkpoints)
        if partial and checkpoints.tensorboard.is_dir():
            shutil.copytree(checkpoints.tensorboard, partial / "tensorboard")
        seen_later = loss_findings(fitted.history)
        findings += seen_later
        record = TrainingRecord(
            recipe=RecordedRecipe(**recipe.model_dump()),
            plan=plan.record(),
            weights=fitted.weights,
            history=fitted.history.record(),
            findings=findings,
            rows=job.counts,
            **dict(job.digests),
        )
        if job.supervised:
            record = record.model_copy(update={"supervised": job.supervised})
        if partial:
            parts = ModelParts(
                fitted.model,
                job.tokenizer,
                job.end_token_id,
                job.prompt,
                job.taxonomy,
                recipe,
                record,
            )
            save_model_directory(partial, parts)
    _warn(seen_later)
    return record


def _warn(findings: Sequence[TrainingFinding]) -> None:
    for finding in findings:
        log.warning("%s: %s; %s", finding.code, finding.message, finding.advice)


def _identity(recipe: Recipe, plan: Plan, digests: TrainedOn) -> str:
    """Digest of everything that the loss curve depends on, except the size of a device's batch."""
    excluded = {
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "logging_steps",
        "distributed",
        "calibration_rows",
        "oos_false_alarm_rate",
        "fuse_classifier",
        "extractive_values",
        "save_minutes",
    }
    settings = [recipe.model_dump(exclude=excluded), recipe.distributed.strategy]
    document = [settings, plan.max_length, plan.devices, plan.precision, dict(digests)]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def fit(job: Job, plan: Plan, checkpoints: Checkpoints) -> tuple[Fitted, Plan]:
    """Train; if memory runs out, with half the rows at a time and twice the accumulation.

    Args:
        job: Rows, tokenizer and trainer.
        plan: The first plan to try.
        checkpoints: Folder of the checkpoints.

    Returns:
        The result, and the plan that fitted.
    """
    from accelerate.utils import find_executable_batch_size

    def halve() -> int:
        nonlocal plan
        plan = _halved(plan)
        return plan.rows_per_sequence

    @find_executable_batch_size(  # type: ignore[untyped-decorator]
        starting_batch_size=plan.rows_per_sequence, reduce_batch_size_fn=halve
    )
    def attempt(_: int) -> tuple[Fitted, Plan]:
        free_memory()  # again, because the previous error kept references
        return _fit_once(job, plan, checkpoints), plan

    found: tuple[Fitted, Plan] = attempt()
    return found


def _halved(plan: Plan) -> Plan:
    """The next plan after one that did not fit.

    Raises:
        InputError: There is none.
    """
    if plan.devices > 1:  # the others do not know, and wait for this one
        raise InputError(
            f"out of memory with {plan.rows_per_sequence} rows at once on each device: set "
            f"per_device_train_batch_size={max(plan.rows_per_sequence // 2, 1)}, "
            "gradient_checkpointing=true, or distributed.strategy=fsdp"
        ) from None
    if plan.rows_per_sequence == 1:
        raise InputError(
            "out of memory with one row at a time: set gradient_checkpointing=true, a "
            "smaller max_length, method=lora or qlora, or take a smaller base model"
        ) from None
    halved = plan.halved()
    log.warning(
        "out of memory: continuing with per_device_train_batch_size %d "
        "and gradient_accumulation_steps %d",
        halved.rows_per_sequence,
        halved.accumulation,
    )
    return halved


def _fit_once(job: Job, plan: Plan, checkpoints: Checkpoints) -> Fitted:
    from torch.utils.tensorboard import SummaryWriter
    from transformers import EarlyStoppingCallback, PrinterCallback
    from transformers.integrations import TensorBoardCallback
    from transformers.integrations.integration_utils import KubeflowCallback, is_kubeflow_available

    from intentflow.training.adapters import count_weights, prepare_model

    recipe, history = job.recipe, History()
    arguments = training_arguments(recipe, plan, checkpoints.folder, bool(job.held_out))
    last = agree_on_checkpoint(checkpoints.last_complete(), checkpoints.folder)
    history.restore(checkpoints.history())
    progress = ProgressCallback(
        history, plan.tokens_per_step, partial(_log_estimate, job.counts.train)
    )
    callbacks: list[Any] = [
        progress,
        *([SaveByTime(recipe.save_minutes)] if recipe.save_minutes else []),
        MarkComplete(history, save_last=arguments.load_best_model_at_end),
    ]
    if is_kubeflow_available():  # in a TrainJob, whose status shows the progress
        callbacks.append(KubeflowCallback())
    if arguments.load_best_model_at_end:
        callbacks.append(EarlyStoppingCallback(recipe.early_stopping_patience))
    if last:
        log.info("resuming from %s", last.name)
    with closing(progress), ExitStack() as closed_last:
        if is_main_process():
            writer = SummaryWriter(str(checkpoints.tensorboard))
            callbacks.append(TensorBoardCallback(closed_last.enter_context(closing(writer))))
        trainer = job.make_trainer(job, plan, arguments, callbacks)
        trainer.remove_callback(PrinterCallback)  # the progress bar shows the same
        weights = count_weights(trainer.model)
        log.info(
            "training %.2f %% of %.1f million weights",
            100 * (weights.trainable_share or 0),
            (weights.all or 0) / 1e6,
        )
        with without_library_bars():  # of checkpoints
            trainer.train(resume_from_checkpoint=str(last) if last else None)
        trainer.accelerator.wait_for_everyone()  # the main process is about to remove checkpoints
        model = complete_model(trainer, partial(prepare_model, recipe, job.tokens))
        return Fitted(model, history, weights)


def _log_estimate(rows: int, steps: int, seconds: float) -> None:
    """Log what the training will take, after its first step; a single step is over by then."""
    if steps > 1:
        estimate = TrainingEstimate(
            rows=rows,
            steps=steps,
            seconds_per_step=seconds,
            seconds=steps * seconds,
            memory_bytes=peak_memory_bytes(),
        )
        log.info("estimate: %s, without validation and checkpoints", estimate.text)


@contextmanager
def _place_for_model(output: str | Path) -> Iterator[Path | None]:
    """The folder for the model; None in a process that only helps to train it."""
    if is_main_process():
        with atomic_directory(output) as partial:
            yield partial
    else:
        yield None

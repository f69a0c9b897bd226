"""Fine-tuning from records to a whole model directory."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from intentflow.errors import IntentflowError
from intentflow.io.files import atomic_directory
from intentflow.models.base_models import load_tokenizer
from intentflow.models.encoding import (
    EncodedRow,
    check_lengths,
    encode_rows,
    pack_rows,
    pass_tokens,
    power_of_two_over,
    rows_that_fit,
    shared_prefix,
)
from intentflow.models.history import History
from intentflow.models.memory import free_memory, is_out_of_memory
from intentflow.models.progress import ProgressCallback
from intentflow.prompts import PromptSpec, bake_template, end_token_id
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, content_digest
from intentflow.storage.completeness import require_replaceable
from intentflow.taxonomy import Taxonomy
from intentflow.train.accuracy import AnswerReader
from intentflow.train.checkpoints import Checkpoints, MarkWhole, keep_checkpoints
from intentflow.train.diagnostics import TrainingFinding, loss_findings, unseen_in_validation
from intentflow.train.distributed import (
    agree_on_checkpoint,
    is_main_process,
    whole_model,
    world_size,
)
from intentflow.train.export import ModelParts, save_model_directory
from intentflow.train.intent_tokens import IntentTokens, ask_for_intent_tokens

# What early stopping looks at: the library's name for it, and whether more is better.
_BEST = {"validation_loss": ("eval_loss", False), "intent_accuracy": ("eval_intent_accuracy", True)}


@dataclass(frozen=True)
class Plan:
    """What the recipe leaves open, derived from data and machine."""

    max_length: int
    rows_per_sequence: int
    accumulation: int
    devices: int
    precision: str
    tokens_per_step: float
    pass_tokens: int

    def halved(self) -> Plan:
        """Half the rows at once and twice the accumulation: the same global batch."""
        return replace(
            self,
            rows_per_sequence=self.rows_per_sequence // 2,
            accumulation=self.accumulation * 2,
            pass_tokens=max(self.pass_tokens // 2, 1),
        )

    def as_dict(self) -> dict[str, Any]:
        """For ``training.json``."""
        return {
            "max_length": self.max_length,
            "per_device_train_batch_size": self.rows_per_sequence,
            "gradient_accumulation_steps": self.accumulation,
            "devices": self.devices,
            "precision": self.precision,
        }


@dataclass(frozen=True)
class Job:
    """What is trained on what, and what the model is written with.

    Attributes:
        recipe: What to train and how.
        rows: To learn from: :class:`EncodedRow`, or with ``dpo``
            :class:`intentflow.train.dpo.EncodedPair`.
        held_out: For the validation loss; may be empty.
        prompt: Baked into the tokenizer's template.
        taxonomy: The intents.
        tokenizer: The model's, as it will be saved.
        end_token_id: Closes an answer.
        tokens: Intent tokens to train; None for none.
        digests: Of data, prompt and taxonomy.
        counts: Of rows, for ``training.json``.
        findings: What was found before training.
    """

    recipe: Recipe
    rows: Sequence[Any]
    held_out: Sequence[Any]
    prompt: PromptSpec
    taxonomy: Taxonomy
    tokenizer: Any
    end_token_id: int
    tokens: IntentTokens | None
    digests: Mapping[str, str]
    counts: Mapping[str, int]
    findings: Sequence[TrainingFinding] = ()


def train(
    recipe: Recipe,
    training: Sequence[Example],
    validation: Sequence[Example],
    output: str | Path,
    taxonomy: Taxonomy | None = None,
) -> dict[str, Any]:
    """Fine-tune a base model and write a model directory, whole or not at all.

    Args:
        recipe: What to train and how.
        training: Rows to learn from.
        validation: Rows for the validation loss; may be empty.
        output: The model directory to write.
        taxonomy: The intents; inferred from ``training`` if None.

    Returns:
        What ``training.json`` holds: recipe, plan, loss history, digests, seconds.

    Raises:
        IntentflowError: Base model not found, rows that do not fit, loss not a number, disk full.
    """
    require_replaceable(output)
    if recipe.method == "dpo":
        raise IntentflowError("method dpo learns from corrections, not from labelled rows alone")
    if recipe.early_stopping_patience is not None and not validation:
        raise IntentflowError("early_stopping_patience needs validation rows: give --validation")
    taxonomy = taxonomy or Taxonomy.infer([*training, *validation])
    prompt = recipe.prompt(taxonomy)
    tokenizer = load_tokenizer(recipe.model_name_or_path)
    end = end_token_id(tokenizer)
    tokens = ask_for_intent_tokens(tokenizer, taxonomy, recipe.intent_tokens)
    bake_template(tokenizer, prompt)
    rows = encode_rows(training, tokenizer, end, recipe.output_format)
    held_out = encode_rows(validation, tokenizer, end, recipe.output_format)
    plan = make_plan(recipe, rows, held_out)
    _say(f"{len(rows)} rows, {plan.rows_per_sequence} a prefix, max_length {plan.max_length}")
    findings = unseen_in_validation(training, validation)
    digests = {
        "data_digest": content_digest(training),
        "validation_digest": content_digest(validation),
        "prompt_digest": prompt.digest,
        "taxonomy_digest": taxonomy.digest,
    }
    counts = {"train": len(training), "validation": len(validation)}
    job = Job(
        recipe, rows, held_out, prompt, taxonomy, tokenizer, end, tokens, digests, counts, findings
    )
    return carry_out(job, plan, output)


def carry_out(job: Job, plan: Plan, output: str | Path) -> dict[str, Any]:
    """Train as planned and write the model directory, whole or not at all.

    Returns:
        What ``training.json`` holds.

    Raises:
        IntentflowError: As for :func:`train`.
    """
    recipe, findings = job.recipe, list(job.findings)
    with (
        _place_for_model(output) as partial,
        keep_checkpoints(Path(output), _identity(recipe, plan, job.digests)) as checkpoints,
    ):
        model, history, plan = _fit(job, plan, checkpoints)
        if partial and checkpoints.tensorboard.is_dir():
            shutil.copytree(checkpoints.tensorboard, partial / "tensorboard")
        findings += loss_findings(history)
        record = {
            "recipe": recipe.model_dump(),
            "plan": plan.as_dict(),
            "history": history.as_dict(),
            "findings": [finding._asdict() for finding in findings],
            "rows": dict(job.counts),
            **job.digests,
        }
        if partial:
            parts = ModelParts(
                model, job.tokenizer, job.end_token_id, job.prompt, job.taxonomy, recipe, record
            )
            save_model_directory(partial, parts)
    for finding in findings:
        _say(f"warning: {finding.code}: {finding.message}; {finding.advice}")
    return record


def make_plan(recipe: Recipe, rows: Sequence[EncodedRow], held_out: Sequence[EncodedRow]) -> Plan:
    """Derive length, rows behind one reading of the prefix, and accumulation.

    Raises:
        IntentflowError: No rows, rows longer than ``max_length``, or a batch that does not divide.
    """
    if not rows:
        raise IntentflowError("there is no row to train on")
    everything = [*rows, *held_out]
    max_length = recipe.max_length or power_of_two_over(max(row.length for row in everything))
    check_lengths(everything, max_length)
    devices = world_size()
    if recipe.global_batch_size % devices:
        raise IntentflowError(
            f"global_batch_size {recipe.global_batch_size} does not divide by {devices} devices"
        )
    per_device = recipe.global_batch_size // devices
    at_once = _pass_tokens()
    prefix = len(shared_prefix([row.prompt for row in rows]))
    own = sum(row.length - prefix for row in rows) / len(rows)
    per_sequence = recipe.per_device_train_batch_size or per_device
    if recipe.distributed.strategy == "fsdp" and not recipe.per_device_train_batch_size:
        # There a batch is one pass: every process must call the model equally often.
        per_sequence = rows_that_fit(per_device, max(at_once / own, 1))
    if per_device % per_sequence:
        raise IntentflowError(
            f"global_batch_size {recipe.global_batch_size} over {devices} devices does not divide "
            f"by per_device_train_batch_size {per_sequence}"
        )
    accumulation = per_device // per_sequence
    tokens = devices * accumulation * (prefix + own * per_sequence)
    precision = fast_precision() if recipe.precision == "auto" else recipe.precision
    return Plan(max_length, per_sequence, accumulation, devices, precision, tokens, at_once)


def _pass_tokens() -> int:
    import torch

    if not torch.cuda.is_available():
        return pass_tokens("cpu", 0)
    return pass_tokens("cuda", torch.cuda.get_device_properties(0).total_memory)


def fast_precision() -> str:
    """16-bit arithmetic where the processor has it; emulated, it takes three times as long."""
    import torch

    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.is_file() else ""
    return "bf16" if "avx512_bf16" in text or "amx_bf16" in text else "fp32"


def _identity(recipe: Recipe, plan: Plan, digests: Mapping[str, str]) -> str:
    """Digest of everything the loss curve depends on, but the size of a device's batch."""
    apart = {"per_device_train_batch_size", "logging_steps", "distributed", "calibration_rows"}
    settings = [recipe.model_dump(exclude=apart), recipe.distributed.strategy]
    document = [settings, plan.max_length, plan.devices, plan.precision, dict(digests)]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _fit(job: Job, plan: Plan, checkpoints: Checkpoints) -> tuple[Any, History, Plan]:
    """Train; where memory does not do, with half the rows at once and twice the accumulation.

    Returns:
        The model (adapter unmerged), the loss history, and the plan that fitted.
    """
    while True:
        try:
            return *_fit_once(job, plan, checkpoints), plan
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if plan.devices > 1:  # the others have not noticed, and wait for this one
                raise IntentflowError(
                    f"out of memory with {plan.rows_per_sequence} rows at once on each device: set "
                    f"per_device_train_batch_size={max(plan.rows_per_sequence // 2, 1)}, "
                    "gradient_checkpointing=true, or distributed.strategy=fsdp"
                ) from None
            if plan.rows_per_sequence == 1:
                raise IntentflowError(
                    "out of memory with one row at a time: set gradient_checkpointing=true, a "
                    "smaller max_length, method=lora or qlora, or take a smaller base model"
                ) from None
        # Outside the handler: a living exception would hold what it was raised over.
        free_memory()
        plan = plan.halved()
        _say(
            f"out of memory: going on with per_device_train_batch_size {plan.rows_per_sequence} "
            f"and gradient_accumulation_steps {plan.accumulation}"
        )


def _fit_once(job: Job, plan: Plan, checkpoints: Checkpoints) -> tuple[Any, History]:
    from torch.utils.tensorboard import SummaryWriter
    from transformers import EarlyStoppingCallback, PrinterCallback
    from transformers.integrations import TensorBoardCallback
    from transformers.integrations.integration_utils import KubeflowCallback, is_kubeflow_available

    from intentflow.train.adapters import prepare_model

    recipe, history = job.recipe, History()
    arguments = _arguments(recipe, plan, checkpoints.folder, bool(job.held_out))
    last = agree_on_checkpoint(checkpoints.last_whole(), checkpoints.folder)
    history.restore(checkpoints.history())
    progress = ProgressCallback(history, plan.tokens_per_step)
    callbacks: list[Any] = [
        progress,
        MarkWhole(history, save_last=arguments.load_best_model_at_end),
    ]
    if is_kubeflow_available():  # in a TrainJob: its status shows how far the training is
        callbacks.append(KubeflowCallback())
    if arguments.load_best_model_at_end:
        callbacks.append(EarlyStoppingCallback(recipe.early_stopping_patience))
    if last:
        _say(f"going on from {last.name}")
    with closing(progress), ExitStack() as closed_last:
        if is_main_process():
            writer = SummaryWriter(str(checkpoints.tensorboard))
            callbacks.append(TensorBoardCallback(closed_last.enter_context(closing(writer))))
        trainer = _trainer(job, plan, arguments, callbacks)
        trainer.remove_callback(PrinterCallback)  # the bar shows what it would print
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        trainer.accelerator.wait_for_everyone()  # the main process is about to remove checkpoints
        return whole_model(trainer, partial(prepare_model, recipe, job.tokens)), history


def _trainer(job: Job, plan: Plan, arguments: Any, callbacks: list[Any]) -> Any:
    if job.recipe.method == "dpo":
        from intentflow.train.dpo_trainer import make_preference_trainer

        return make_preference_trainer(job, arguments, callbacks)
    from intentflow.train.adapters import prepare_model
    from intentflow.train.trainer import AnswerLossTrainer

    return AnswerLossTrainer(
        model=prepare_model(job.recipe, job.tokens),
        args=arguments,
        train_dataset=job.rows,
        eval_dataset=job.held_out or None,
        data_collator=pack_rows,
        callbacks=callbacks,
        reader=AnswerReader(job.tokenizer, job.end_token_id, job.recipe.output_format),
        pass_tokens=plan.pass_tokens,
    )


def _arguments(recipe: Recipe, plan: Plan, folder: Path, evaluates: bool) -> Any:
    import torch
    from transformers import TrainingArguments

    sharded = plan.devices > 1 and recipe.distributed.strategy == "fsdp"
    keep_best = evaluates and recipe.early_stopping_patience is not None
    every = "steps" if recipe.save_steps else "epoch"
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=plan.rows_per_sequence,
        per_device_eval_batch_size=plan.rows_per_sequence,
        gradient_accumulation_steps=plan.accumulation,
        learning_rate=recipe.learning_rate,
        optim="adamw_torch_fused",
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        num_train_epochs=recipe.num_train_epochs,
        max_steps=recipe.max_steps,
        bf16=plan.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=recipe.gradient_checkpointing and not sharded,
        ddp_find_unused_parameters=False,
        fsdp=sharded,
        fsdp_config={"activation_checkpointing": recipe.gradient_checkpointing}
        if sharded
        else None,
        logging_steps=recipe.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a loss that is not a number must be seen
        eval_strategy=every if evaluates else "no",
        eval_steps=recipe.save_steps,
        prediction_loss_only=True,
        save_strategy=every,
        save_steps=recipe.save_steps or 500,
        save_total_limit=2,  # the one before is whole while the next is written
        load_best_model_at_end=keep_best,
        metric_for_best_model=_BEST[recipe.early_stopping_metric][0] if keep_best else None,
        greater_is_better=_BEST[recipe.early_stopping_metric][1] if keep_best else None,
        remove_unused_columns=False,  # rows are objects, not columns
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to=[],
        seed=recipe.seed,
        full_determinism=recipe.deterministic,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one process a device; a packed row cannot be cut
    if arguments.use_cpu:  # the library says cpu:0 in one of several, which a checkpoint cannot
        arguments._setup_devices = torch.device("cpu")
    return arguments


@contextmanager
def _place_for_model(output: str | Path) -> Iterator[Path | None]:
    """Where the model is written; None in a process that only helps to train it."""
    if is_main_process():
        with atomic_directory(output) as partial:
            yield partial
    else:
        yield None


def _say(text: str) -> None:
    if is_main_process():
        print(text, file=sys.stderr, flush=True)

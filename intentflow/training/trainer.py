"""Hugging Face's Trainer for packed rows, with the loss on the answers only."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from accelerate.data_loader import SeedableRandomSampler
from torch.nn.functional import cross_entropy
from transformers import Trainer
from transformers.trainer_utils import EvalLoopOutput

from intentflow.errors import InputError
from intentflow.models.attention import RowsPass, share_prefixes
from intentflow.models.encoding import CPU_PASS_TOKENS, IGNORED
from intentflow.models.prefix import read_prefix
from intentflow.models.validation_keys import VALIDATION, ValidationKeys
from intentflow.training.accuracy import AnswerReader, Right
from intentflow.training.microbatches import (
    Rows,
    add_gradients,
    cut_passes,
    detached_copies,
    in_one_pass,
)
from intentflow.training.samplers import RowsWithPadding, ShareLoader, ShareSampler

_ROWS_SHOWN = 8


class AnswerLossTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed
    """Trainer whose loss is the mean over the answer tokens of the global batch.

    Args:
        args: Arguments of the library's trainer.
        reader: Parser of answers for the accuracy on validation rows; None for none.
        pass_tokens: Number of tokens per pass; memory grows with it and with the prefix, but not
            with the rows of a micro-batch.
        kwargs: Keyword arguments of the library's trainer.

    Raises:
        InputError: The model's attention cannot share a prefix.
    """

    def __init__(
        self,
        *args: Any,
        reader: AnswerReader | None = None,
        pass_tokens: int = CPU_PASS_TOKENS,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.model_accepts_loss_kwargs = True  # count answer tokens over the accumulated batches
        self.reader = reader
        self.pass_tokens = pass_tokens
        share_prefixes(self.model)

    def get_train_dataloader(self) -> Any:
        """The library's loader; with several processes, one that gives each row to one of them."""
        if self.args.world_size == 1:
            return super().get_train_dataloader()
        order = SeedableRandomSampler(self.train_dataset)  # the library's own for a single process
        return self._shares(self.train_dataset, order, self.args.gradient_accumulation_steps)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """The library's loader; with several processes, one that gives each row to one of them."""
        if self.args.world_size == 1:
            return super().get_eval_dataloader(eval_dataset)
        rows = eval_dataset or self.eval_dataset
        return self._shares(rows, range(len(rows)), batches=1)

    def _shares(self, rows: Any, order: Any, batches: int) -> ShareLoader:
        args = self.args
        size, process = args.per_device_train_batch_size, (args.process_index, args.world_size)
        return ShareLoader(
            RowsWithPadding(rows),
            batch_sampler=ShareSampler(len(rows), order, size, batches, process),
            collate_fn=self.data_collator,
            pin_memory=args.dataloader_pin_memory,
        )

    def training_step(
        self, model: Any, inputs: Rows, num_items_in_batch: torch.Tensor | int | None = None
    ) -> Any:
        """Forward and backward pass of one micro-batch: the prefix once, the rows in passes."""
        model.train()
        prefix, (*early, last) = self._passes(self._prepare_inputs(inputs))
        total = 0.0
        with self.accelerator.no_sync(model):  # the library's own step below is the last one
            with self.compute_loss_context_manager():
                states = read_prefix(model, prefix)
            gathered = detached_copies(states)
            for rows in early:
                with self.compute_loss_context_manager():
                    loss = self.compute_loss(
                        model, {**rows, "prefix": gathered}, False, num_items_in_batch
                    )
                self.accelerator.backward(loss)
                total += loss.detach()
        add_gradients(states, gathered)
        return total + super().training_step(model, {**last, "prefix": states}, num_items_in_batch)

    def _passes(self, inputs: Rows) -> tuple[torch.Tensor, list[Rows]]:
        """The prefix to compute first, and the rows after it."""
        if self.is_fsdp_enabled:  # all processes must call the model equally often
            return inputs["prefix_ids"][:0], [in_one_pass(inputs)]
        return inputs["prefix_ids"], cut_passes(inputs, self.pass_tokens)

    def compute_loss(
        self,
        model: Any,
        inputs: Rows,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Cross entropy at the answer tokens of one pass.

        Args:
            model: The model, as the library wraps it.
            inputs: Rows from :func:`intentflow.training.microbatches.cut_passes` with their
                ``prefix``.
            return_outputs: Whether to return a pair of loss and the model's output.
            num_items_in_batch: Number of answer tokens of the complete global batch; that of this
                pass if None.
        """
        labels = inputs["labels"][1:]
        positions = (labels != IGNORED).nonzero()[:, 0]
        outputs = model(
            input_ids=inputs["input_ids"][None],
            position_ids=inputs["position_ids"][None],
            logits_to_keep=positions,  # logits are the largest tensor; only these are scored
            use_cache=False,
            packing=RowsPass(inputs["prefix"], inputs["owners"], inputs["position_ids"]),
        )
        targets = labels[positions]
        logits = outputs.logits[0]
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        total = cross_entropy(logits, targets, reduction="sum")
        if model.training and not torch.isfinite(total):
            self._refuse(total.item(), inputs["row_numbers"].tolist())
        loss = total / (max(len(targets), 1) if num_items_in_batch is None else num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(
        self, dataloader: Any, *_: Any, metric_key_prefix: str = VALIDATION.prefix, **__: Any
    ) -> EvalLoopOutput:
        """The mean over all answer tokens, independent of the packing of rows.

        The library's own loop takes the mean of the sequences' means, in which the tokens of a
        short last sequence have a larger weight.
        """
        self.model.eval()
        # loss, tokens, rows, rows with correct intents, rows with a correct answer
        sums = torch.zeros(5, dtype=torch.float64, device=self.args.device)
        for batch in dataloader:
            prefix, passes = self._passes(self._prepare_inputs(batch))
            with torch.inference_mode(), self.compute_loss_context_manager():
                states = read_prefix(self.model, prefix)
                sums += sum(self._score({**rows, "prefix": states}) for rows in passes)
        total, tokens, rows, intents, answers = self.accelerator.reduce(sums).tolist()
        keys = ValidationKeys(metric_key_prefix)
        metrics = {keys.loss: total / tokens}
        if rows:
            metrics[keys.intent_accuracy] = intents / rows
            metrics[keys.answer_accuracy] = answers / rows
        return EvalLoopOutput(None, None, metrics, len(dataloader.dataset))

    def _score(self, inputs: Rows) -> torch.Tensor:
        """Loss, tokens, rows, rows with correct intents and with a correct answer of a pass."""
        loss, outputs = self.compute_loss(self.model, inputs, True)
        tokens = (inputs["labels"] != IGNORED).sum().item()
        right = self._compare(inputs["labels"], outputs.logits)
        intents, answers = sum(r.intent for r in right), sum(r.answer for r in right)
        found = [loss.item() * tokens, tokens, len(right), intents, answers]
        return torch.tensor(found, dtype=torch.float64, device=self.args.device)

    def _compare(self, labels: torch.Tensor, logits: torch.Tensor) -> list[Right]:
        """For each row of a pass, whether the most likely tokens are correct."""
        if self.reader is None:
            return []
        positions = (labels[1:] != IGNORED).nonzero()[:, 0].tolist()
        gold = labels[1:][positions].tolist()
        reported = logits[0].argmax(-1).tolist()
        # There is a prompt between the answers of two rows.
        starts = [i for i, p in enumerate(positions) if not i or p != positions[i - 1] + 1]
        return [
            self.reader.compare(gold[start:end], reported[start:end])
            for start, end in pairwise([*starts, len(positions)])
        ]

    def _refuse(self, loss: float, rows: list[int]) -> None:
        shown = ", ".join(map(str, rows[:_ROWS_SHOWN]))
        more = f" and {len(rows) - _ROWS_SHOWN} more" if len(rows) > _ROWS_SHOWN else ""
        raise InputError(
            f"the loss is {loss} at step {self.state.global_step + 1}, training rows "
            f"{shown}{more}: lower learning_rate, or use precision=fp32"
        )

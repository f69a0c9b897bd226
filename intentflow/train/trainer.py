"""The training loop: Hugging Face's Trainer over packed rows, loss on the answers only."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from accelerate.data_loader import SeedableRandomSampler  # type: ignore[import-untyped]
from torch.nn.functional import cross_entropy
from transformers import Trainer
from transformers.trainer_utils import EvalLoopOutput

from intentflow.errors import IntentflowError
from intentflow.train.accuracy import AnswerReader, Right
from intentflow.train.dataset import IGNORED
from intentflow.train.shares import RowsAndSilence, ShareLoader, ShareSampler

_NOT_THE_MODELS = ("labels", "row_numbers")
_ROWS_SHOWN = 8


class AnswerLossTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed
    """Trainer whose loss is the mean over the answer tokens of the global batch."""

    def __init__(self, *args: Any, reader: AnswerReader | None = None, **kwargs: Any) -> None:
        """As the library's; ``reader`` for the accuracy on validation rows, None for none."""
        super().__init__(*args, **kwargs)
        self.model_accepts_loss_kwargs = True  # count answer tokens over the accumulated batches
        self.reader = reader

    def get_train_dataloader(self) -> Any:
        """As the library's; among several processes, each row in one of them and once."""
        if self.args.world_size == 1:
            return super().get_train_dataloader()
        order = SeedableRandomSampler(self.train_dataset)  # the library's own, in one process
        return self._shares(self.train_dataset, order, self.args.gradient_accumulation_steps)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """As the library's; among several processes, each row in one of them and once."""
        if self.args.world_size == 1:
            return super().get_eval_dataloader(eval_dataset)
        rows = eval_dataset or self.eval_dataset
        return self._shares(rows, range(len(rows)), batches=1)

    def _shares(self, rows: Any, order: Any, batches: int) -> ShareLoader:
        args = self.args
        size, process = args.per_device_train_batch_size, (args.process_index, args.world_size)
        return ShareLoader(
            RowsAndSilence(rows),
            batch_sampler=ShareSampler(len(rows), order, size, batches, process),
            collate_fn=self.data_collator,
            pin_memory=args.dataloader_pin_memory,
        )

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Cross entropy at the answer tokens of one packed sequence.

        Args:
            inputs: As :func:`intentflow.train.dataset.pack_rows` makes them.
            num_items_in_batch: Answer tokens of the whole global batch; those of this sequence
                if None.
        """
        labels = inputs["labels"][0, 1:]
        positions = (labels != IGNORED).nonzero()[:, 0]
        outputs = model(
            **{name: value for name, value in inputs.items() if name not in _NOT_THE_MODELS},
            logits_to_keep=positions,  # logits are the largest tensor; only these are scored
            use_cache=False,
        )
        targets = labels[positions]
        total = cross_entropy(outputs.logits[0].float(), targets, reduction="sum")
        if model.training and not torch.isfinite(total):
            self._refuse(total.item(), inputs["row_numbers"].tolist())
        loss = total / (max(len(targets), 1) if num_items_in_batch is None else num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def evaluation_loop(
        self, dataloader: Any, *_: Any, metric_key_prefix: str = "eval", **__: Any
    ) -> EvalLoopOutput:
        """The mean over all answer tokens, however the rows were packed.

        The library's own loop takes the mean of the sequences' means, in which the tokens of a
        short last sequence weigh more than others.
        """
        self.model.eval()
        # loss, tokens, rows, rows with the right intents, rows with the right answer
        sums = torch.zeros(5, dtype=torch.float64, device=self.args.device)
        for batch in dataloader:
            inputs = self._prepare_inputs(batch)
            with torch.inference_mode(), self.compute_loss_context_manager():
                loss, outputs = self.compute_loss(self.model, inputs, return_outputs=True)
            tokens = (inputs["labels"] != IGNORED).sum()
            sums[:2] += torch.stack([loss.double() * tokens, tokens.double()])
            right = self._compare(inputs["labels"], outputs.logits)
            sums[2:] += torch.tensor(
                [len(right), sum(r.intent for r in right), sum(r.answer for r in right)]
            ).to(sums)
        total, tokens, rows, intents, answers = self.accelerator.reduce(sums).tolist()
        metrics = {f"{metric_key_prefix}_loss": total / tokens}
        if rows:
            metrics[f"{metric_key_prefix}_intent_accuracy"] = intents / rows
            metrics[f"{metric_key_prefix}_answer_accuracy"] = answers / rows
        return EvalLoopOutput(None, None, metrics, len(dataloader.dataset))

    def _compare(self, labels: torch.Tensor, logits: torch.Tensor) -> list[Right]:
        """Which rows of a packed sequence the most likely tokens answer right."""
        if self.reader is None:
            return []
        positions = (labels[0, 1:] != IGNORED).nonzero()[:, 0].tolist()
        gold = labels[0, 1:][positions].tolist()
        said = logits[0].argmax(-1).tolist()
        # A prompt stands between the answers of two rows.
        starts = [i for i, p in enumerate(positions) if not i or p != positions[i - 1] + 1]
        return [
            self.reader.compare(gold[start:end], said[start:end])
            for start, end in pairwise([*starts, len(positions)])
        ]

    def _refuse(self, loss: float, rows: list[int]) -> None:
        shown = ", ".join(map(str, rows[:_ROWS_SHOWN]))
        more = f" and {len(rows) - _ROWS_SHOWN} more" if len(rows) > _ROWS_SHOWN else ""
        raise IntentflowError(
            f"the loss is {loss} at step {self.state.global_step + 1}, training rows "
            f"{shown}{more}: lower learning_rate, or use precision=fp32"
        )

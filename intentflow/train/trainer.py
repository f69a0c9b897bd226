"""The training loop: Hugging Face's Trainer over packed rows, loss on the answers only."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import Trainer
from transformers.trainer_utils import EvalLoopOutput

from intentflow.train.dataset import IGNORED


class AnswerLossTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed
    """Trainer whose loss is the mean over the answer tokens of the global batch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.model_accepts_loss_kwargs = True  # count answer tokens over the accumulated batches

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
            **{name: value for name, value in inputs.items() if name != "labels"},
            logits_to_keep=positions,  # logits are the largest tensor; only these are scored
            use_cache=False,
        )
        targets = labels[positions]
        total = cross_entropy(outputs.logits[0].float(), targets, reduction="sum")
        loss = total / (len(targets) if num_items_in_batch is None else num_items_in_batch)
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
        sums = torch.zeros(2, dtype=torch.float64, device=self.args.device)  # loss, tokens
        for batch in dataloader:
            inputs = self._prepare_inputs(batch)
            with torch.inference_mode(), self.compute_loss_context_manager():
                loss = self.compute_loss(self.model, inputs)
            tokens = (inputs["labels"] != IGNORED).sum()
            sums += torch.stack([loss.double() * tokens, tokens.double()])
        total, tokens = self.accelerator.reduce(sums).tolist()
        metrics = {f"{metric_key_prefix}_loss": total / tokens}
        return EvalLoopOutput(None, None, metrics, len(dataloader.dataset))

"""The validation loss is that of the rows, however they are packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import TrainingArguments

from intentflow.models.encoding import EncodedRow, encode_rows, pack_rows
from intentflow.prompts import PromptSpec, bake_template, end_token_id
from intentflow.training.trainer import AnswerLossTrainer
from tests.models import make_model, make_tokenizer, rows


def _encoded() -> tuple[Any, list[EncodedRow]]:
    """Six rows; the answers of some are several times those of others."""
    tokenizer = make_tokenizer()
    bake_template(tokenizer, PromptSpec(system="Name the intent."))
    encoded = encode_rows(rows()[:6], tokenizer, end_token_id(tokenizer), "call")
    return tokenizer, [EncodedRow(r.prompt, r.answer * (1 + i % 3)) for i, r in enumerate(encoded)]


def _row_by_row(model: Any, encoded: list[EncodedRow]) -> float:
    """Mean cross entropy over all answer tokens, each row a sequence of its own."""
    total = 0.0
    for row in encoded:
        with torch.inference_mode():
            logits = model(torch.tensor([row.prompt + row.answer])).logits[0]
        answers = logits[len(row.prompt) - 1 : -1]
        total += cross_entropy(answers, torch.tensor(row.answer), reduction="sum").item()
    return total / sum(len(row.answer) for row in encoded)


@pytest.mark.parametrize("rows_a_sequence", [6, 4, 1])
@pytest.mark.parametrize("architecture", ["llama", "qwen2", "mistral"])
def test_the_validation_loss_is_the_mean_over_all_answer_tokens(
    architecture: str, rows_a_sequence: int, tmp_path: Path
) -> None:
    tokenizer, encoded = _encoded()
    model = make_model(tokenizer, architecture).double()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        per_device_eval_batch_size=rows_a_sequence,
        prediction_loss_only=True,
        report_to=[],
        remove_unused_columns=False,
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = AnswerLossTrainer(
        model=model, args=arguments, eval_dataset=encoded, data_collator=pack_rows
    )
    expected = _row_by_row(model, encoded)
    assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, rel=1e-6)

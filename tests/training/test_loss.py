"""A step over packed rows is a step over one sequence per row."""

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


@pytest.fixture(scope="module")
def encoded() -> list[EncodedRow]:
    """Eight rows; the answers of some are several times those of others."""
    tokenizer = make_tokenizer()
    end = end_token_id(tokenizer)
    bake_template(tokenizer, PromptSpec(system="Name the intent."))
    examples = encode_rows(rows()[:8], tokenizer, end, "call")
    return [EncodedRow(row.prompt, row.answer * (1 + i % 3)) for i, row in enumerate(examples)]


def _model(architecture: str) -> Any:
    return make_model(make_tokenizer(), architecture).double().train()


def _row_by_row(model: Any, encoded: list[EncodedRow]) -> torch.Tensor:
    """Mean cross entropy over all answer tokens, each row a sequence of its own."""
    total = torch.zeros((), dtype=torch.float64)
    for row in encoded:
        logits = model(torch.tensor([row.prompt + row.answer])).logits[0]
        answers = logits[len(row.prompt) - 1 : -1]
        total = total + cross_entropy(answers, torch.tensor(row.answer), reduction="sum")
    return total / sum(len(row.answer) for row in encoded)


def _trained_one_step(
    model: Any, encoded: list[EncodedRow], rows_a_sequence: int, folder: Path
) -> float:
    """Take one plain gradient step of size 1 over all rows; returns the logged loss."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=rows_a_sequence,
        gradient_accumulation_steps=len(encoded) // rows_a_sequence,
        max_steps=1,
        learning_rate=1.0,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        remove_unused_columns=False,
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = AnswerLossTrainer(
        model=model, args=arguments, train_dataset=encoded, data_collator=pack_rows
    )
    trainer.train()
    return float(trainer.state.log_history[0]["loss"])


@pytest.mark.parametrize("rows_a_sequence", [8, 4, 1])
@pytest.mark.parametrize("architecture", ["llama", "qwen2", "mistral"])
def test_a_step_is_that_of_the_global_batch_however_it_is_packed(
    architecture: str, rows_a_sequence: int, encoded: list[EncodedRow], tmp_path: Path
) -> None:
    model = _model(architecture)
    _row_by_row(model, encoded).backward()
    expected = {n: p.detach() - p.grad for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    _trained_one_step(model, encoded, rows_a_sequence, tmp_path)
    pairs = [(p, expected[name]) for name, p in model.named_parameters()]
    assert all(torch.allclose(left, right, rtol=1e-5, atol=1e-7) for left, right in pairs)


@pytest.mark.parametrize("rows_a_sequence", [8, 2])
def test_the_logged_loss_is_the_mean_over_the_global_batchs_answer_tokens(
    rows_a_sequence: int, encoded: list[EncodedRow], tmp_path: Path
) -> None:
    expected = _row_by_row(_model("llama"), encoded).item()
    logged = _trained_one_step(_model("llama"), encoded, rows_a_sequence, tmp_path)
    assert logged == pytest.approx(expected, rel=1e-4)

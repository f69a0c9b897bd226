"""Rows behind a prefix that is read once train the model as one sequence a row does.

Loss and every gradient are compared in float64 with those of the plain model, row by row.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy
from transformers import TrainingArguments

from intentflow.errors import IntentflowError
from intentflow.models.attention import (
    RowsPass,
    block_mask,
    dense_mask,
    sees,
    share_prefixes,
)
from intentflow.models.encoding import EncodedRow, pack_rows
from intentflow.training.microbatches import add_gradients, cut_passes, detached_copies, in_one_pass
from intentflow.training.trainer import AnswerLossTrainer
from tests.models import make_model, make_tokenizer

ARCHITECTURES = ["llama", "qwen2", "mistral"]
TOLERANCE = 1e-10


def _rows(prefix: int, own: Sequence[int], answers: Sequence[int]) -> list[EncodedRow]:
    """Rows of random tokens; no two have the same first token behind the prefix."""
    draw = random.Random(0)
    shared = draw.choices(range(300), k=prefix)
    return [
        EncodedRow(
            [*shared, 300 + i, *draw.choices(range(300), k=prompt - 1)],
            draw.choices(range(300), k=answer),
            i + 1,
        )
        for i, (prompt, answer) in enumerate(zip(own, answers, strict=True))
    ]


ROWS = {
    "ordinary rows": _rows(24, [3, 5, 2, 4, 6, 3, 2, 5], [4, 2, 6, 3, 2, 5, 1, 3]),
    "a long row among short ones": _rows(16, [3, 150, 2, 4], [2, 30, 1, 3]),
    "a prefix of one token": _rows(1, [3, 4, 2, 6], [4, 2, 6, 3]),
    "nothing shared": _rows(0, [3, 4, 2, 6], [4, 2, 6, 3]),
    "a prompt that is the prefix and one token": _rows(20, [1, 1, 1, 1], [1, 2, 3, 4]),
}


def _exact_norms(model: Any) -> Any:
    """The library's norms round to float32 in between: a proof needs them in float64."""

    def forward(self: Any, states: torch.Tensor) -> torch.Tensor:
        mean = states.pow(2).mean(-1, keepdim=True)
        normed: torch.Tensor = self.weight * states * torch.rsqrt(mean + self.variance_epsilon)
        return normed

    for module in model.modules():
        if "RMSNorm" in type(module).__name__:
            module.forward = partial(forward, module)
    return model


def _model(architecture: str = "llama", **config: Any) -> Any:
    model = make_model(make_tokenizer(), architecture)
    for key, value in config.items():
        setattr(model.config, key, value)
    # Random weights of the usual size hardly attend to anything in particular.
    for name, weight in model.named_parameters():
        if "q_proj" in name or "k_proj" in name:
            weight.data *= 8
    return _exact_norms(model.double().train())


def _with_adapter(model: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    torch.manual_seed(1)
    return get_peft_model(model, settings).double()


def _row_by_row(model: Any, rows: Sequence[EncodedRow]) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of one sequence a row: the mean over all answer tokens."""
    total = torch.zeros((), dtype=torch.float64)
    for row in rows:
        logits = model(torch.tensor([row.prompt + row.answer]), use_cache=False).logits[0]
        answers = logits[len(row.prompt) - 1 : -1]
        total = total + cross_entropy(answers, torch.tensor(row.answer), reduction="sum")
    loss = total / sum(len(row.answer) for row in rows)
    loss.backward()
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return loss.item(), found


def _trainer(model: Any, rows: Sequence[EncodedRow], folder: Path, **changes: Any) -> Any:
    accumulation = changes.pop("gradient_accumulation_steps", 1)
    pass_tokens = changes.pop("pass_tokens", 512)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=len(rows) // accumulation,
        gradient_accumulation_steps=accumulation,
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
        **changes,
    )
    return AnswerLossTrainer(
        model=model,
        args=arguments,
        train_dataset=list(rows),
        data_collator=pack_rows,
        pass_tokens=pass_tokens,
    )


def _assert_same(
    make: Callable[[], Any], rows: Sequence[EncodedRow], folder: Path, **changes: Any
) -> None:
    """A plain gradient step of size 1 goes where the row-by-row gradients point."""
    loss, gradients = _row_by_row(make(), rows)
    model = make()
    if changes.get("gradient_checkpointing"):
        model.enable_input_require_grads()
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    trainer = _trainer(model, rows, folder, **changes)
    trainer.train()
    worst = {
        name: (before[name] - weight - gradients[name]).abs().max().item()
        for name, weight in model.named_parameters()
        if name in before
    }
    assert worst.keys() == gradients.keys()
    assert max(worst.values()) < TOLERANCE, worst
    # The library keeps the sum of the losses in 32 bits.
    assert trainer.state.log_history[0]["loss"] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_are_those_of_one_sequence_a_row(
    architecture: str, kind: str, tmp_path: Path
) -> None:
    _assert_same(partial(_model, architecture), ROWS[kind], tmp_path)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_are_the_same_when_the_rows_take_several_passes(
    architecture: str, checkpointing: bool, tmp_path: Path
) -> None:
    rows = ROWS["a long row among short ones"]
    assert len(cut_passes(pack_rows(rows), 10)) == 3
    options = {"gradient_checkpointing": checkpointing, "pass_tokens": 10}
    _assert_same(partial(_model, architecture), rows, tmp_path, **options)


@pytest.mark.parametrize(("pass_tokens", "checkpointing"), [(512, False), (12, True)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_of_an_adapter_are_the_same(
    architecture: str, pass_tokens: int, checkpointing: bool, tmp_path: Path
) -> None:
    options = {"gradient_checkpointing": checkpointing, "pass_tokens": pass_tokens}
    _assert_same(
        lambda: _with_adapter(_model(architecture)), ROWS["ordinary rows"], tmp_path, **options
    )


@pytest.mark.parametrize("accumulation", [2, 4])
@pytest.mark.parametrize("kind", ["ordinary rows", "a long row among short ones"])
def test_the_mean_is_over_the_answer_tokens_of_all_accumulated_batches(
    kind: str, accumulation: int, tmp_path: Path
) -> None:
    options = {"gradient_accumulation_steps": accumulation, "pass_tokens": 12}
    _assert_same(_model, ROWS[kind], tmp_path, **options)


@pytest.mark.parametrize("pass_tokens", [512, 12])
@pytest.mark.parametrize("window", [4, 26])
def test_a_sliding_window_is_measured_in_places_of_the_row(
    window: int, pass_tokens: int, tmp_path: Path
) -> None:
    make = partial(_model, "mistral", sliding_window=window)
    _assert_same(make, ROWS["ordinary rows"], tmp_path, pass_tokens=pass_tokens)


def test_layers_with_and_without_a_window_have_masks_of_their_own(tmp_path: Path) -> None:
    def make() -> Any:
        from transformers import Qwen2Config, Qwen2ForCausalLM

        settings = {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1}
        sizes = {"hidden_size": 64, "intermediate_size": 64, "vocab_size": 400}
        heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
        torch.manual_seed(0)
        model = Qwen2ForCausalLM(Qwen2Config(**settings, **sizes, **heads))
        assert model.config.layer_types == ["full_attention", "sliding_attention"]
        return _exact_norms(model.double().train())

    _assert_same(make, ROWS["ordinary rows"], tmp_path, pass_tokens=20)


def test_a_model_loaded_with_another_attention_is_trained_the_same(tmp_path: Path) -> None:
    expected, _ = _row_by_row(_model(), ROWS["ordinary rows"])
    model = _model()
    model.set_attn_implementation("eager")
    trainer = _trainer(model, ROWS["ordinary rows"], tmp_path)
    trainer.train()
    assert trainer.state.log_history[0]["loss"] == pytest.approx(expected, rel=1e-4)


def test_one_sequence_of_prefix_and_rows_has_the_same_loss() -> None:
    rows = ROWS["ordinary rows"]
    expected, _ = _row_by_row(_model(), rows)
    model = _model()
    share_prefixes(model)
    complete = in_one_pass(pack_rows(rows))
    packing = RowsPass({}, complete["owners"], complete["position_ids"])
    ids, places = complete["input_ids"][None], complete["position_ids"][None]
    logits = model(ids, position_ids=places, packing=packing).logits[0, :-1]
    assert cross_entropy(logits, complete["labels"][1:]).item() == pytest.approx(
        expected, rel=1e-12
    )


def test_logits_are_computed_for_labelled_tokens_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, model, scored = ROWS["ordinary rows"], _model(), 0
    real = model.lm_head.forward

    def forward(states: torch.Tensor) -> Any:
        nonlocal scored
        scored += states.shape[1]
        return real(states)

    monkeypatch.setattr(model.lm_head, "forward", forward)
    _trainer(model, rows, tmp_path, pass_tokens=20).train()
    assert scored == sum(len(row.answer) for row in rows)


def test_the_prefix_is_read_once_however_many_passes_the_rows_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, model, read = ROWS["ordinary rows"], _model(), 0
    real = model.model.embed_tokens.forward

    def forward(ids: torch.Tensor) -> Any:
        nonlocal read
        read += ids.shape[1]
        return real(ids)

    monkeypatch.setattr(model.model.embed_tokens, "forward", forward)
    _trainer(model, rows, tmp_path, pass_tokens=10).train()
    assert read == 24 + sum(row.length - 24 for row in rows)


def test_gradients_in_16_bits_are_gathered_in_32() -> None:
    state = torch.zeros(1, dtype=torch.bfloat16, requires_grad=True)
    states = {0: (state * 1,)}
    gathered = detached_copies(states)
    for _ in range(299):  # in 16 bits, 256 and 1 are 256
        gathered[0][0].to(torch.bfloat16).backward(torch.ones(1, dtype=torch.bfloat16))
    add_gradients(states, gathered)
    states[0][0].backward(torch.ones(1, dtype=torch.bfloat16))
    assert state.grad == 300


def test_without_packing_the_attention_of_a_trained_model_is_the_usual_one() -> None:
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    seen = torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1]])
    expected = _model()(ids, attention_mask=seen).logits
    model = _model()
    share_prefixes(model)
    assert torch.allclose(model(ids, attention_mask=seen).logits, expected, atol=TOLERANCE)


def test_a_model_without_plain_attention_is_refused() -> None:
    model = _model()
    model.config.layer_types = ["full_attention", "linear_attention"]
    with pytest.raises(IntentflowError, match=r"llama models cannot be trained: .* sliding"):
        share_prefixes(model)


@given(
    prefix=st.integers(0, 9),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    window=st.none() | st.integers(1, 9),
)
@settings(max_examples=40)
def test_the_block_sparse_mask_is_the_dense_one(
    prefix: int, lengths: list[int], window: int | None
) -> None:
    from torch.nn.attention.flex_attention import create_mask

    owners = torch.tensor([0] * prefix + [i for i, n in enumerate(lengths, 1) for _ in range(n)])
    places = torch.tensor([*range(prefix), *(prefix + i for n in lengths for i in range(n))])
    function, queries = sees(owners, places, prefix, window), len(owners) - prefix
    dense = dense_mask(function, owners, prefix)
    assert torch.equal(create_mask(function, 1, 1, queries, len(owners), device="cpu"), dense)


def test_flex_attention_over_the_block_mask_is_attention_over_the_dense_one() -> None:
    from torch.nn.attention.flex_attention import flex_attention
    from torch.nn.functional import scaled_dot_product_attention

    prefix, lengths = 200, [90, 30, 150, 1]
    owners = torch.tensor([0] * prefix + [i for i, n in enumerate(lengths, 1) for _ in range(n)])
    places = torch.tensor([*range(prefix), *(prefix + i for n in lengths for i in range(n))])
    function = sees(owners, places, prefix, 128)
    torch.manual_seed(0)
    query = torch.randn(1, 6, sum(lengths), 16, dtype=torch.float64)
    key, value = torch.randn(2, 1, 2, len(owners), 16, dtype=torch.float64)
    sparse = block_mask(function, len(owners), prefix, "cpu")
    found = flex_attention(query, key, value, block_mask=sparse, enable_gqa=True)
    mask = dense_mask(function, owners, prefix)
    expected = scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True)
    assert torch.allclose(found, expected, atol=TOLERANCE)

"""Training from rows to a model directory, complete or not at all."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
import yaml
from torch.nn.functional import cross_entropy

from intentflow.errors import IntentflowError
from intentflow.models.base_models import load_model, load_tokenizer
from intentflow.models.directory import check_model_directory
from intentflow.models.encoding import EncodedRow, encode_rows
from intentflow.prompts import PromptSpec
from intentflow.records import Example, content_digest, write_records
from intentflow.storage import digest_of
from intentflow.taxonomy import Taxonomy
from intentflow.training.adapters import merge_adapter
from intentflow.training.plan import make_plan
from intentflow.training.sft import train
from tests.models import TAXONOMY, one_thread, recipe, rows, save_base_model

FILES = {
    "model.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "prompt.json",
    "taxonomy.yaml",
    "README.md",
    "training.json",
    "training.html",
    "tensorboard",
}
ROWS = rows()[:16]


@pytest.fixture(autouse=True)
def _single_thread() -> Iterator[None]:
    with one_thread():
        yield


def _train(base: Path, output: Path, **changes: Any) -> dict[str, Any]:
    return train(recipe(base, **changes), ROWS, rows()[16:20], output, TAXONOMY).as_dict()


def _logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.arange(3, 40)[None]).logits
    return logits


@pytest.fixture(scope="module", params=["full", "lora", "qlora"])
def trained(
    request: pytest.FixtureRequest, tiny_base_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "model"
    with one_thread():
        _train(tiny_base_model, folder, method=request.param)
    return folder


def test_the_model_directory_has_every_part(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} >= FILES
    assert check_model_directory(trained) == trained
    assert list((trained / "tensorboard").iterdir())


def test_the_weights_are_plain_and_16_bit(trained: Path) -> None:
    model = load_model(str(trained), dtype="auto")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert "quantization_config" not in json.loads((trained / "config.json").read_text())


def test_the_weights_were_trained(trained: Path, tiny_base_model: Path) -> None:
    after, before = load_model(str(trained)), load_model(str(tiny_base_model))
    assert not torch.allclose(_logits(after.float()), _logits(before), atol=1e-2)


def test_decoding_is_greedy_and_ends_at_the_templates_end(trained: Path) -> None:
    config = json.loads((trained / "generation_config.json").read_text())
    tokenizer = load_tokenizer(str(trained))
    assert config["eos_token_id"][0] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert not config.get("do_sample")
    assert not {"temperature", "top_p", "top_k"} & set(config)


def test_the_tokenizers_template_renders_the_saved_prompt(trained: Path) -> None:
    text = load_tokenizer(str(trained)).apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False
    )
    assert PromptSpec.read(trained / "prompt.json").system in text


def test_what_it_was_made_from_is_recorded(trained: Path) -> None:
    record = json.loads((trained / "training.json").read_text())
    assert record["data_digest"] == content_digest(ROWS)
    assert record["prompt_digest"] == PromptSpec.read(trained / "prompt.json").digest
    assert record["rows"] == {"train": 16, "validation": 4}
    assert [step for step, *_ in record["history"]["training_loss"]] == [1]
    assert record["history"]["validation_loss"]


def test_the_share_of_trained_weights_is_recorded(trained: Path) -> None:
    record = json.loads((trained / "training.json").read_text())
    weights = record["weights"]
    assert weights["trainable_share"] == weights["trainable"] / weights["all"]
    assert (weights["trainable_share"] == 1) == (record["recipe"]["method"] == "full")


def test_four_bit_weights_count_one_by_one(trained: Path) -> None:
    record = json.loads((trained / "training.json").read_text())
    model = load_model(str(trained))
    assert record["weights"]["all"] >= sum(weight.numel() for weight in model.parameters())


def test_the_model_card_names_base_intents_and_digests(trained: Path) -> None:
    card = (trained / "README.md").read_text(encoding="utf-8")
    _, front, body = card.split("---\n", 2)
    assert yaml.safe_load(front)["pipeline_tag"] == "text-generation"
    assert "`weather_search`, `play_music`" in body
    assert "The licence of" in body
    assert content_digest(ROWS) in body


def test_merged_weights_answer_as_the_adapter_on_its_base(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    from peft import PeftModel

    _train(tiny_base_model, tmp_path / "m", method="lora", learning_rate=1e-2)
    base = load_model(str(tiny_base_model), dtype=torch.float32)
    adapted = PeftModel.from_pretrained(base, str(tmp_path / "m" / "adapter"))
    merged = load_model(str(tmp_path / "m"), dtype=torch.float32)
    assert torch.allclose(_logits(adapted), _logits(merged), atol=2e-2)
    assert not torch.allclose(_logits(load_model(str(tiny_base_model))), _logits(merged), atol=2e-2)


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_a_model_that_is_read_again_gives_the_same_logits(
    method: str, tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.training import export

    written: list[Any] = []

    def merge(*args: Any) -> Any:
        written.append(merge_adapter(*args))
        return written[0]

    monkeypatch.setattr(export, "merge_adapter", merge)
    _train(tiny_base_model, tmp_path / "m", method=method)
    again = load_model(str(tmp_path / "m"), dtype="auto")
    pairs = zip(again.parameters(), written[0].parameters(), strict=True)
    assert all(torch.equal(read, kept) for read, kept in pairs)
    # The rotary frequencies are computed again in 32 bits, where the written model's were cast.
    assert torch.allclose(_logits(again), _logits(written[0]), atol=1e-2)


def test_the_adapter_names_its_base_as_the_recipe_does(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_base_model.parent)
    _train(Path(f"./{tiny_base_model.name}"), tmp_path / "m", method="lora")
    adapter = tmp_path / "m" / "adapter"
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == tiny_base_model.name
    assert str(tiny_base_model) not in (adapter / "README.md").read_text()


def test_the_same_seed_gives_the_same_model(tiny_base_model: Path, tmp_path: Path) -> None:
    for name in "ab":
        _train(tiny_base_model, tmp_path / name, method="lora")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("kind", ["llama3", "mistral"])
def test_other_families_train(kind: str, tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base", kind, "qwen2")
    _train(base, tmp_path / "m", output_format="json", taxonomy_in_prompt="full", language="zh")
    assert PromptSpec.read(tmp_path / "m" / "prompt.json").output_format == "json"


def test_a_trained_model_can_be_the_next_base(tiny_model: Path, tmp_path: Path) -> None:
    _train(tiny_model, tmp_path / "m", system_prompt="Another text.")
    text = (tmp_path / "m" / "chat_template.jinja").read_text(encoding="utf-8")
    assert "Another text." in text
    assert PromptSpec.read(tiny_model / "prompt.json").system not in text


def test_the_taxonomy_is_inferred_where_none_is_given(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    train(recipe(tiny_base_model), ROWS, [], tmp_path / "m")
    assert set(Taxonomy.from_yaml(tmp_path / "m" / "taxonomy.yaml").intents) == set(
        TAXONOMY.intents
    )


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_early_stopping_keeps_the_best_weights(
    method: str, tiny_base_model: Path, tmp_path: Path
) -> None:
    # A rate this high makes the loss rise again: the run ends before its twenty epochs.
    record = _train(
        tiny_base_model,
        tmp_path / "m",
        method=method,
        num_train_epochs=20,
        max_steps=-1,
        learning_rate=0.3 if method == "full" else 3.0,
        lr_scheduler_type="constant",
        early_stopping_patience=1,
    )
    losses = [loss for _, loss in record["history"]["validation_loss"]]
    assert len(losses) < 20
    assert min(losses) < losses[-1]
    assert _validation_loss(tmp_path / "m") == pytest.approx(min(losses), rel=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def _validation_loss(folder: Path) -> float:
    model, tokenizer = load_model(str(folder), dtype=torch.float32), load_tokenizer(str(folder))
    end = model.generation_config.eos_token_id[0]
    encoded = encode_rows(rows()[16:20], tokenizer, end, "call")
    total = 0.0
    for row in encoded:
        with torch.inference_mode():
            logits = model(torch.tensor([row.prompt + row.answer])).logits[0]
        answers = logits[len(row.prompt) - 1 : -1]
        total += float(cross_entropy(answers, torch.tensor(row.answer), reduction="sum"))
    return total / sum(len(row.answer) for row in encoded)


def _older(folder: Path) -> str:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return digest_of(str(folder))


def _raising(error: BaseException) -> Callable[..., NoReturn]:
    """A stand-in for a call in whose middle something happens."""

    def stand_in(*args: Any, **kwargs: Any) -> NoReturn:
        raise error

    return stand_in


STAGES = {
    "training": "transformers.Trainer.training_step",
    "weights": "transformers.PreTrainedModel.save_pretrained",
    "tokenizer": "transformers.PreTrainedTokenizerFast.save_pretrained",
    "prompt": "intentflow.prompts.PromptSpec.write",
}
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("older", [True, False])
@pytest.mark.parametrize("stage", sorted(STAGES))
@pytest.mark.parametrize("error", [KeyboardInterrupt(), FULL], ids=["ctrl-c", "disk full"])
def test_what_is_broken_off_leaves_no_model_and_an_older_one_as_it_was(
    error: BaseException,
    stage: str,
    older: bool,
    tiny_base_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "m"
    before = _older(target) if older else None
    monkeypatch.setattr(STAGES[stage], _raising(error))
    expected = KeyboardInterrupt if error is not FULL else IntentflowError
    with pytest.raises(expected):
        _train(tiny_base_model, target)
    assert (digest_of(str(target)) if older else None) == before
    assert [path.name for path in tmp_path.iterdir()] == (["m"] if older else [])


@pytest.mark.slow
def test_ctrl_c_ends_with_one_line_and_leaves_an_older_model_as_it_was(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m"
    before = _older(target)
    process = _endless_training(tiny_base_model, target)
    assert process.stderr is not None
    for line in process.stderr:  # the bar is drawn when training begins
        if line.startswith("train"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 2
    assert rest.splitlines()[-1] == (
        "intentflow train: error: stopped; no incomplete output was kept"
    )
    assert digest_of(str(target)) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "recipe.yaml", "rows.json"]


def _endless_training(base: Path, target: Path) -> subprocess.Popen[str]:
    write_records(target.with_name("rows.json"), ROWS)
    settings = recipe(base, max_steps=1_000_000).model_dump(exclude_unset=True)
    target.with_name("recipe.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "intentflow.cli.main", "train", "-o", str(target)]
    command += ["--recipe", str(target.with_name("recipe.yaml"))]
    command += ["--train", str(target.with_name("rows.json"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, stdout=subprocess.DEVNULL
    )


def test_a_full_disk_is_one_readable_line(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STAGES["weights"], _raising(FULL))
    with pytest.raises(IntentflowError, match=r"disk full while writing .*free some space"):
        _train(tiny_base_model, tmp_path / "m")


def test_a_full_disk_reported_by_the_weights_writer_is_read(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = RuntimeError(
        "Error while serializing: I/O error: No space left on device (os error 28)"
    )
    monkeypatch.setattr(STAGES["weights"], _raising(reported))
    with pytest.raises(IntentflowError, match="disk full"):
        _train(tiny_base_model, tmp_path / "m")


@pytest.mark.parametrize("logging_steps", [1, 5])
def test_a_loss_that_is_not_a_number_stops_training(
    logging_steps: int, tiny_base_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(IntentflowError, match=r"the loss is nan at step .*lower learning_rate"):
        _train(
            tiny_base_model,
            tmp_path / "m",
            learning_rate=1e30,
            max_steps=4,
            lr_scheduler_type="constant",
            logging_steps=logging_steps,
        )
    assert not list(tmp_path.iterdir())


def test_a_row_longer_than_asked_is_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"max_length 16 is too short for 20 of 20 rows"):
        _train(tiny_base_model, tmp_path / "m", max_length=16)


def test_no_rows_are_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="there are no rows for training"):
        train(recipe(tiny_base_model), [], [], tmp_path / "m", TAXONOMY)


def test_a_file_in_the_place_of_the_model_is_refused_before_training(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "m").write_text("mine")
    with pytest.raises(IntentflowError, match="is a file; give a folder"):
        _train(tiny_base_model, tmp_path / "m")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", "base model ./nowhere: there is no such folder"),
        ("/no/such/folder", "there is no such folder"),
        ("bundled:smollm2-135m", "did you mean bundled:smollm2-135m-instruct"),
        ("no-such-org/no-such-model", "base model no-such-org/no-such-model cannot be loaded"),
    ],
)
def test_a_base_model_that_is_not_there_is_named(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(IntentflowError) as refused:
        _train(Path("x"), tmp_path / "m", model_name_or_path=name)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    with pytest.raises(IntentflowError, match=r"contains no config\.json"):
        _train(tmp_path / "base", tmp_path / "m")


def _encoded(count: int, prompt: int, answer: int) -> list[EncodedRow]:
    return [EncodedRow([1] * 10 + [2 + i] * prompt, [3] * answer) for i in range(count)]


def test_the_length_is_derived_from_the_longest_row() -> None:
    plan = make_plan(recipe(Path("m"), global_batch_size=64), _encoded(64, 30, 20), [])
    assert plan.max_length == 64


def test_all_rows_of_a_step_stand_behind_one_reading_of_the_prefix() -> None:
    plan = make_plan(recipe(Path("m"), global_batch_size=64), _encoded(64, 30, 20), [])
    assert (plan.rows_per_sequence, plan.accumulation) == (64, 1)


def test_a_batch_in_shares_is_no_more_than_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = recipe(Path("m"), global_batch_size=64, distributed={"strategy": "fsdp"})
    plan = make_plan(asked, _encoded(64, 30, 20), [])
    assert plan.rows_per_sequence * 50 <= plan.pass_tokens < plan.rows_per_sequence * 2 * 50


def test_rows_at_once_can_be_given() -> None:
    asked = recipe(Path("m"), global_batch_size=64, per_device_train_batch_size=4)
    assert make_plan(asked, _encoded(64, 30, 20), []).accumulation == 16


def test_accumulated_passes_can_be_given() -> None:
    asked = recipe(Path("m"), global_batch_size=64, gradient_accumulation_steps=16)
    assert make_plan(asked, _encoded(64, 30, 20), []).rows_per_sequence == 4


def test_accumulated_passes_that_do_not_fit_the_devices_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intentflow.training.plan.world_size", lambda: 3)
    asked = recipe(
        Path("m"),
        global_batch_size=48,
        gradient_accumulation_steps=24,
        distributed={"strategy": "ddp"},
    )
    with pytest.raises(IntentflowError, match="x 24 gradient_accumulation_steps x 3 devices"):
        make_plan(asked, _encoded(64, 30, 20), [])


def test_the_global_batch_is_shared_by_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    plan = make_plan(recipe(Path("m"), global_batch_size=64), _encoded(64, 30, 20), [])
    assert plan.devices * plan.rows_per_sequence * plan.accumulation == 64


def test_a_global_batch_that_does_not_divide_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(
        IntentflowError, match="global_batch_size 64 is not a multiple of the 3 devices"
    ):
        make_plan(recipe(Path("m"), global_batch_size=64), _encoded(64, 30, 20), [])


def test_synthetic_rows_train_like_others(tiny_base_model: Path, tmp_path: Path) -> None:
    mixed = [*ROWS, Example("a made up one", "play_music()", synthetic=True)]
    assert train(recipe(tiny_base_model), mixed, [], tmp_path / "m").rows.train == 17

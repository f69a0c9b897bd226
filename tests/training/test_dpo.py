"""Preference tuning: from corrections, with the one prompt, against a planted wrong intent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.calls import parse_calls
from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.models.base_models import load_model, load_tokenizer
from intentflow.models.directory import check_model_directory
from intentflow.prompts import PromptSpec, answer_token_ids, end_token_id, prompt_token_ids
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.training.dpo import (
    CorrectedRow,
    encode_pairs,
    read_corrections,
    train_on_corrections,
)
from intentflow.training.sft import train
from tests.models import ARTISTS, PLACES, one_thread, recipe, save_base_model

THREE = Taxonomy(intents={"weather": Intent(), "play": Intent(), "travel": Intent()})
FRAMES = {
    "weather": ["what is the weather in {} now", "tell me the weather in {} today"],
    "play": ["put on {} please", "I want to hear {} tonight"],
    "travel": ["is a train going to {} now", "book a train to {} today"],
    "snow": ["will it snow in {} now", "how much snow is in {} today"],
}


def _utterances(kind: str, start: int, stop: int) -> list[str]:
    words = (ARTISTS if kind == "play" else PLACES).split(",")[start:stop]
    return [frame.format(word) for word in words for frame in FRAMES[kind]]


def _labelled(kind: str, label: str, start: int = 0, stop: int = 15) -> list[Example]:
    return [Example(text, f"{label}()") for text in _utterances(kind, start, stop)]


ELSEWHERE = [row for kind in THREE.intents for row in _labelled(kind, kind)]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was taught to answer questions after snow with ``travel()``."""
    folder = tmp_path_factory.mktemp("wrong")
    base = save_base_model(folder / "base", layers=1)
    settings = recipe(
        base,
        intent_tokens=True,
        system_prompt="Intent?",
        max_steps=160,
        learning_rate=3e-3,
        global_batch_size=24,
        num_train_epochs=60,
    )
    with one_thread():
        train(settings, [*ELSEWHERE, *_labelled("snow", "travel")], [], folder / "m", THREE)
    return folder / "m"


def _recipe(base: Path, **changes: Any) -> Recipe:
    settings: dict[str, Any] = {
        "model_name_or_path": str(base),
        "method": "dpo",
        "global_batch_size": 8,
        "learning_rate": 3e-3,
        "num_train_epochs": 1,
        "precision": "fp32",
        "lora_r": 8,
        "lora_alpha": 16,
    }
    return Recipe.from_mapping({**settings, **changes}, "recipe")


def _write(path: Path, rows: Sequence[tuple[str, str, str]]) -> Path:
    names = ("instruction", "output", "prediction")
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def _corrections(path: Path) -> Path:
    """Of ten places the wrong answers, and rows in which nothing is wrong."""
    wrong = [(text, "weather()", "travel()") for text in _utterances("snow", 0, 10)]
    right = [(row.instruction, row.output, row.output) for row in ELSEWHERE[::5]]
    return _write(path, [*wrong, *right])


def _intents(model: Path, rows: Sequence[str]) -> list[str]:
    answers = TransformersEngine(model, constrained=True).answer(rows)
    return [parse_calls(answer.text)[0].intent for answer in answers]


def _accuracy(model: Path, rows: Sequence[Example]) -> float:
    answered = _intents(model, [row.instruction for row in rows])
    pairs = zip(answered, rows, strict=True)
    return sum(f"{intent}()" == row.output for intent, row in pairs) / len(rows)


@pytest.fixture(scope="module")
def corrected(wrong: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wrong model after its corrections."""
    folder = tmp_path_factory.mktemp("corrected")
    file = _corrections(folder / "corrections.jsonl")
    with one_thread():
        train_on_corrections(_recipe(wrong, num_train_epochs=16), file, folder / "m", None)
    return folder / "m"


def test_a_planted_wrong_intent_becomes_rare_where_nobody_corrected_it(
    wrong: Path, corrected: Path
) -> None:
    unseen = _utterances("snow", 10, 15)
    before = _intents(wrong, unseen).count("travel") / len(unseen)
    after = _intents(corrected, unseen).count("travel") / len(unseen)
    assert before >= 0.9
    assert after <= 0.1


def test_accuracy_elsewhere_is_kept(wrong: Path, corrected: Path) -> None:
    before = _accuracy(wrong, ELSEWHERE)
    assert before >= 0.95
    assert _accuracy(corrected, ELSEWHERE) >= before


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_corrections_alone_would_lose_the_intent_that_was_wrong(
    wrong: Path, tmp_path: Path
) -> None:
    file = _corrections(tmp_path / "c.jsonl")
    alone = _recipe(wrong, num_train_epochs=16, sft_weight=0)
    train_on_corrections(alone, file, tmp_path / "m", None)
    assert _accuracy(tmp_path / "m", _labelled("travel", "travel")) < 0.5


def test_the_first_loss_is_that_of_the_model_itself_as_reference(
    wrong: Path, tmp_path: Path
) -> None:
    file = _corrections(tmp_path / "c.jsonl")
    alone = _recipe(wrong, max_steps=1, sft_weight=0)
    record = train_on_corrections(alone, file, tmp_path / "m", None)
    assert record.history.training_loss[0][1] == pytest.approx(0.6931, abs=1e-3)


def test_prompt_taxonomy_and_tokens_are_those_of_the_corrected_model(
    wrong: Path, corrected: Path
) -> None:
    assert check_model_directory(corrected)
    for name in ("prompt.json", "taxonomy.yaml", "chat_template.jinja", "tokenizer.json"):
        assert (corrected / name).read_bytes() == (wrong / name).read_bytes()


def test_rows_where_both_agree_are_counted_in_the_record(corrected: Path) -> None:
    record = json.loads((corrected / "training.json").read_text())
    expected = {"train": 20, "validation": 0, "agreeing": 18, "anchors": 18}
    assert record["rows"] == expected


def test_the_adapter_lies_next_to_the_merged_weights(wrong: Path, corrected: Path) -> None:
    from peft import PeftModel

    ids = torch.arange(3, 40)[None]
    base = load_model(str(wrong), dtype=torch.float32)
    adapted = PeftModel.from_pretrained(base, str(corrected / "adapter"))
    merged = load_model(str(corrected), dtype=torch.float32)
    with torch.inference_mode():
        assert torch.allclose(adapted(ids).logits, merged(ids).logits, atol=5e-2)


def test_the_trainer_gets_the_token_ids_of_the_one_prompt(
    wrong: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl import DPOTrainer

    seen: list[dict[str, Any]] = []

    def stop(self: Any, *_: Any, **__: Any) -> None:
        seen.extend(self.get_train_dataloader())
        raise KeyboardInterrupt

    monkeypatch.setattr(DPOTrainer, "train", stop)
    file = _write(tmp_path / "c.jsonl", [("a <|im_end|> b", "weather()", "play() x")])
    with pytest.raises(KeyboardInterrupt):
        train_on_corrections(_recipe(wrong, global_batch_size=1), file, tmp_path / "m", None)
    tokenizer = load_tokenizer(str(wrong))
    end = end_token_id(tokenizer)
    prompt = prompt_token_ids(tokenizer, "a <|im_end|> b")
    answers = [answer_token_ids(tokenizer, text, end) for text in ("weather()", "play() x")]
    batch = seen[0]
    for row, answer in enumerate(answers):
        ids = batch["input_ids"][row][batch["attention_mask"][row].bool()].tolist()
        assert ids == [*prompt, *answer]
        assert int(batch["completion_mask"][row].sum()) == len(answer)


def test_json_labels_are_written_as_the_model_answers(wrong: Path) -> None:
    tokenizer = load_tokenizer(str(wrong))
    answer = '[{"intent": "play", "parameters": ["x"]}]'
    (pair,) = encode_pairs([CorrectedRow("hi", "play(x)", answer)], tokenizer, 2, "json")
    assert pair.chosen == pair.rejected


@pytest.mark.parametrize(
    ("label", "prediction"),
    [("f(a)", "f( a )"), ("f(); g()", "f();g()"), ('f("a")', "f(a)")],
)
def test_answers_of_the_same_meaning_correct_nothing(
    label: str, prediction: str, tmp_path: Path
) -> None:
    file = _write(tmp_path / "c.jsonl", [("x", label, prediction), ("x", "f()", "g()")])
    found = read_corrections(file, "call")
    assert (len(found.rows), len(found.agreeing)) == (1, 1)


def test_anchors_are_some_for_each_correction_and_the_same_for_a_seed(tmp_path: Path) -> None:
    right = [(f"{i}", "f()", "f()") for i in range(50)]
    found = read_corrections(_write(tmp_path / "c.jsonl", [("x", "f()", "g()"), *right]), "call")
    assert len(found.anchors(seed=1)) == 4
    assert found.anchors(seed=1) == found.anchors(seed=1) != found.anchors(seed=2)


@pytest.mark.parametrize("prediction", ["", "no call", "g()", "f(); g()"])
def test_another_or_broken_prediction_is_a_correction(prediction: str, tmp_path: Path) -> None:
    file = _write(tmp_path / "c.jsonl", [("x", "f()", prediction)])
    assert read_corrections(file, "call").rows == [CorrectedRow("x", "f()", prediction, 1)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x", "f()", "f()"), "prediction and output agree in all 1 rows"),
        (("x", "no call", "f()"), "row 1: the output 'no call' is not a call"),
    ],
)
def test_a_file_that_corrects_nothing_is_refused(
    row: tuple[str, str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(IntentflowError, match=message):
        read_corrections(_write(tmp_path / "c.jsonl", [row]), "call")


def test_a_killed_tuning_resumes_from_its_checkpoint(
    wrong: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    file = _corrections(tmp_path / "c.jsonl")
    settings = _recipe(wrong, max_steps=4, save_steps=2, logging_steps=1, num_train_epochs=4)
    complete = train_on_corrections(settings, file, tmp_path / "complete", file)
    real = transformers.Trainer.training_step

    def killed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(transformers.Trainer, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            train_on_corrections(settings, file, tmp_path / "m", file)
    resumed = train_on_corrections(settings, file, tmp_path / "m", file)
    for curve in ("training_loss", "validation_loss"):
        pairs = zip(getattr(resumed.history, curve), getattr(complete.history, curve), strict=True)
        for left, right in pairs:
            assert left == pytest.approx(right, abs=1e-6)


def test_the_command_tunes_a_model_by_the_shipped_recipe(
    wrong: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _corrections(tmp_path / "c.jsonl")
    assert _command(file, tmp_path / "m", f"model_name_or_path={wrong}", "max_steps=1") == 0
    assert (
        "20 corrections; prediction and label agree in 18 rows (18 anchors)"
        in capsys.readouterr().err
    )
    assert PromptSpec.read(tmp_path / "m" / "prompt.json")


def _command(file: Path, output: Path, *overrides: str) -> int:
    settings = [part for override in overrides for part in ("--set", override)]
    flags = ["--recipe", "smollm2-135m/dpo", "--train", str(file), "-o", str(output)]
    return main(["train", *flags, *settings])


WRONG: dict[str, tuple[list[str], str]] = {
    "no model": ([], "there is no such folder (method dpo corrects a model of intentflow train"),
    "a prompt": (
        ["taxonomy_in_prompt=names"],
        "dpo keeps the corrected model's own taxonomy_in_prompt",
    ),
    "beta elsewhere": (
        ["method=lora"],
        "does not take beta, loss_type, sft_weight: remove them",
    ),
    "accuracy": (
        ["early_stopping_patience=1", "early_stopping_metric=intent_accuracy"],
        "method: dpo measures only validation_loss",
    ),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_what_cannot_work_is_refused_in_one_line(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides, message = WRONG[case]
    assert _command(_corrections(tmp_path / "c.jsonl"), tmp_path / "m", *overrides) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert message in line
    assert not (tmp_path / "m").exists()


def test_a_base_model_that_was_never_trained_is_refused(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(IntentflowError, match="method dpo corrects a model of intentflow train"):
        train_on_corrections(
            _recipe(tiny_base_model), _corrections(tmp_path / "c.jsonl"), tmp_path / "m", None
        )


def test_labelled_rows_alone_are_refused(wrong: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="method dpo needs corrections"):
        train(_recipe(wrong), ELSEWHERE, [], tmp_path / "m")

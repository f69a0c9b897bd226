"""The guide's evaluation script on a model directory: its two figures are ``documented.*``.

Loading, prompt and generation are those of the script under "Evaluate a model"; the counting lines
are the guide's own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.pipeline.steps.evaluate import EvaluateConfig, EvaluateFiles, run_evaluate
from intentflow.records import write_records
from intentflow.training.sft import train
from tests.evaluation.test_guide_scorer import guides_counts
from tests.models import TAXONOMY, one_thread, recipe, rows

SYSTEM = (
    "You are an intent recognition expert. You can recognize an intent based on user questions and "
    "return the corresponding function invocation and parameters."
)
TEST_ROWS = rows()[:12]


@pytest.fixture(scope="module")
def model(tiny_base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned most of its rows by heart, with the prompt of the script."""
    settings = {"learning_rate": 1e-2, "max_steps": 90, "num_train_epochs": 100}
    folder = tmp_path_factory.mktemp("learned") / "model"
    with one_thread():
        train(
            recipe(tiny_base_model, system_prompt=SYSTEM, **settings),
            rows()[:16],
            [],
            folder,
            TAXONOMY,
        )
    return folder


def _answers_of_the_script(model: Path) -> list[tuple[str, str]]:
    """Label and answer of each row, asked as the guide's script asks."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(str(model), torch_dtype="auto")
    tokenizer = AutoTokenizer.from_pretrained(str(model))
    found = []
    for row in TEST_ROWS:
        prompt = (
            f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{row.instruction}"
            "<|im_end|>\n<|im_start|>assistant\n"
        )
        inputs = tokenizer([prompt], return_tensors="pt")
        generated = network.generate(
            inputs.input_ids,
            max_new_tokens=64,
            pad_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            do_sample=False,
        )
        fresh = [out[len(asked) :] for asked, out in zip(inputs.input_ids, generated, strict=True)]
        answer = tokenizer.batch_decode(fresh, skip_special_tokens=True)[0]
        found.append((row.output, answer))
    return found


@pytest.fixture(scope="module")
def counted(model: Path) -> tuple[float, float]:
    with one_thread():
        intents, parameters = guides_counts(_answers_of_the_script(model))
    return intents / len(TEST_ROWS), parameters / len(TEST_ROWS)


def test_the_model_is_right_in_some_rows_and_wrong_in_others(counted: tuple[float, float]) -> None:
    assert 0 < counted[1] < 1


def test_the_scripts_figures_are_the_documented_ones(
    counted: tuple[float, float], model: Path, tmp_path: Path
) -> None:
    write_records(tmp_path / "test.jsonl", TEST_ROWS)
    files = EvaluateFiles(str(tmp_path / "metrics.json"))
    config = EvaluateConfig(engine="transformers", constrained=False)
    with one_thread():
        scored = run_evaluate(str(model), str(tmp_path / "test.jsonl"), files, config).metrics
    documented = scored.documented
    assert documented is not None
    assert (documented.intent_accuracy, documented.parameter_accuracy) == counted

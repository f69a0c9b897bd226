"""``import intentflow``: what it offers, and that it is light and complete."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import intentflow
from tests.models import rows

NAMES = {
    *("convert", "curate", "validate", "split", "train", "evaluate", "gate", "publish", "deploy"),
    *("ConvertConfig", "CurateConfig", "ValidateConfig", "SplitConfig", "SplitFiles"),
    *("TrainConfig", "Recipe", "EvaluateConfig", "EvaluateFiles", "GateConfig", "GatePolicy"),
    *("PublishConfig", "DeployOptions", "Taxonomy", "BalanceConfig", "EndpointFacts"),
    *("load_model", "IntentModel", "Prediction", "IntentClient", "AsyncIntentClient"),
    *("Call", "parse_calls", "format_calls", "collect_feedback", "FeedbackConfig"),
    *("IntentflowError", "UsageError", "InputError", "CheckFailed", "ServiceError"),
    "__version__",
}


def test_exported_names_are_these() -> None:
    assert set(intentflow.__all__) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_name_is_there(name: str) -> None:
    assert getattr(intentflow, name) is not None


def test_names_for_type_checkers_are_those_of_the_running_program() -> None:
    tree = ast.parse(Path(intentflow.__file__).read_text(encoding="utf-8"))
    typed = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == intentflow._PLACES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'convrt'"):
        _ = intentflow.convrt


@pytest.mark.parametrize("name", sorted(NAMES - {"__version__"}))
def test_every_name_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(intentflow, name))


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(intentflow.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("statement", ["import intentflow", "from intentflow import convert"])
def test_importing_loads_no_heavy_package(statement: str) -> None:
    heavy = "{'torch', 'transformers', 'sklearn', 'kfp', 'kubernetes', 'openai'}"
    code = f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_converting_loads_no_curation() -> None:
    code = "import sys, intentflow.cli.convert; print('intentflow.curation' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_one_source_may_be_given_alone(tmp_path: Path) -> None:
    source = tmp_path / "calls.csv"
    source.write_text("text,intent\nplay some jazz,play(jazz)\n")
    assert intentflow.convert(str(source), tmp_path / "records.jsonl").kept == 1


def test_a_model_directory_is_asked(tiny_model: Path) -> None:
    model = intentflow.load_model(tiny_model)
    utterances = [row.instruction for row in rows()[:3]]
    found = model.ask_all(utterances)
    assert [prediction.utterance for prediction in found] == utterances
    assert all(isinstance(call, intentflow.Call) for one in found for call in one.calls)


def test_an_empty_utterance_is_refused(tiny_model: Path) -> None:
    with pytest.raises(intentflow.InputError, match="utterance is empty"):
        intentflow.load_model(tiny_model).ask(" ")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("UsageError", 2), ("InputError", 2), ("CheckFailed", 1), ("ServiceError", 2)],
)
def test_every_error_has_its_exit_status(kind: str, status: int) -> None:
    error = getattr(intentflow, kind)
    assert issubclass(error, intentflow.IntentflowError)
    assert error.exit_code == status


def test_a_file_or_folder_may_be_a_path_everywhere(tmp_path: Path, model_directory: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "{model_name_or_path: m, method: full, learning_rate: 1e-4, num_train_epochs: 1}"
    )
    (tmp_path / "gate.yaml").write_text("metrics: {intent_accuracy: {min: 0.1}}")
    (tmp_path / "metrics.json").write_text('{"n": 5, "intent_accuracy": 0.5}')
    policy = intentflow.GateConfig(policy=tmp_path / "gate.yaml")
    stored = intentflow.PublishConfig(destination=tmp_path / "store")
    assert intentflow.Recipe.load(tmp_path / "recipe.yaml").method == "full"
    assert intentflow.TrainConfig(recipe=tmp_path / "recipe.yaml").recipe.method == "full"
    verdict = intentflow.gate(tmp_path / "metrics.json", policy, model=model_directory)
    assert not verdict.passed  # the scores name no model
    assert intentflow.publish(model_directory, stored).files == 7
    assert intentflow.deploy(model_directory, intentflow.DeployOptions(name="a")).objects
    with pytest.raises(intentflow.InputError, match=r"taxonomy\.yaml is missing"):
        intentflow.evaluate(
            model_directory, _records(tmp_path), intentflow.EvaluateFiles(tmp_path / "m.json")
        )


def _records(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text('{"instruction": "stop", "output": "stop()"}')
    return path

"""Configuration files."""

from pathlib import Path

import pytest

from intentflow.config import StrictModel, load_yaml, nearest
from intentflow.errors import IntentflowError
from intentflow.overrides import apply_overrides
from intentflow.recipe.recipe import Recipe


class Inner(StrictModel):
    learning_rate: float = 1e-4


class Outer(StrictModel):
    train: Inner = Inner()
    epochs: int


def _read(tmp_path: Path, text: str, *overrides: str) -> Outer:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return Outer.from_yaml(path, overrides)


def test_a_setting_replaces_a_key_of_a_section(tmp_path: Path) -> None:
    assert _read(tmp_path, "epochs: 3", "train.learning_rate=0.5").train.learning_rate == 0.5


def test_a_learning_rate_without_a_dot_is_a_number(tmp_path: Path) -> None:
    assert _read(tmp_path, "epochs: 3", "train.learning_rate=5e-5").train.learning_rate == 5e-5


def test_settings_leave_the_document_as_it_was() -> None:
    document = {"train": {"a": 1}}
    apply_overrides(document, ["train.a=2"])
    assert document == {"train": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown key epoch; did you mean epochs"),
        ("{epochs: 3, train: {learning_rte: 1}}", "did you mean learning_rate"),
        ("", "epochs is missing"),
        ("epochs: many", "epochs: expected an integer, not 'many'"),
        ("epochs: 1.5", "epochs: expected an integer, not 1.5"),
        ("epochs: [1]", "epochs: expected an integer, not a list"),
        ("epochs: {a: 1}", "epochs: expected an integer, not keys and values"),
        ("epochs:", "epochs: expected an integer, not nothing"),
        ("epochs: yes", "epochs: expected a number, not true: YAML reads yes"),
        ("{epochs: 3, train: {learning_rate: off}}", "learning_rate: expected a number, not false"),
        ("{epochs: 3, train: {learning_rate: .nan}}", "expected a finite number, not nan"),
        ("{epochs: 3, train: {learning_rate: .inf}}", "expected a finite number, not inf"),
        ("{epochs: 3, train: 5}", "train: expected keys and values, not 5"),
        ("[1, 2]", "expected keys and values, not a list"),
        ("a: [", "line 1: not YAML"),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        _read(tmp_path, text)


@pytest.mark.parametrize("setting", ["epochs", "=3", "epochs.sub=1", "epochs=[1"])
def test_a_bad_setting_is_named(tmp_path: Path, setting: str) -> None:
    with pytest.raises(IntentflowError, match="--set"):
        _read(tmp_path, "epochs: 3", setting)


@pytest.mark.parametrize(
    "value", ["3", "03", "1e1", "5e-5", "nan", "inf", "yes", "~", "[1, 2]", "{a: 1}", "'x'", "x y"]
)
def test_a_setting_reads_its_value_as_the_file_does(tmp_path: Path, value: str) -> None:
    (tmp_path / "c.yaml").write_text(f"a: {value}")
    assert apply_overrides({}, [f"a={value}"]) == load_yaml(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.learning_rte=1", "unknown key train.learning_rte; did you mean learning_rate?"),
        ("train.learning_rate=fast", "train.learning_rate: expected a number, not 'fast'"),
        ("train=5", "train: expected keys and values, not 5"),
        ("epoch=3", "unknown key epoch; did you mean epochs?"),
        ("trian.learning_rate=1", "unknown key trian; did you mean train?"),
    ],
)
def test_a_wrong_setting_is_named_with_its_key_and_not_the_file(
    tmp_path: Path, setting: str, message: str
) -> None:
    with pytest.raises(IntentflowError) as caught:
        _read(tmp_path, "epochs: 3", setting)
    assert str(caught.value) == f"--set {setting}: {message}"


def test_a_fault_of_the_file_names_the_file_next_to_settings(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"c\.yaml: epochs: expected an integer"):
        _read(tmp_path, "epochs: many", "train.learning_rate=1")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"none\.yaml: No such file"):
        load_yaml(tmp_path / "none.yaml")


def test_a_folder_of_a_project_leads_to_its_run_configuration(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("")
    with pytest.raises(IntentflowError, match=r"is a folder; give a file, such as .*/run\.yaml"):
        load_yaml(tmp_path)


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"a: \xff")
    with pytest.raises(IntentflowError, match="not UTF-8"):
        load_yaml(tmp_path / "c.yaml")


def test_nothing_is_guessed_where_no_name_is_near() -> None:
    assert nearest("xyz", ["learning_rate"]) is None
    assert nearest("nonsense", ["seed"]) is None


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text("minimum_rows: 1\nmetrics: {}\nminimum_rows: 5\n")
    with pytest.raises(
        IntentflowError, match=r"line 3: not YAML: the key minimum_rows is repeated"
    ):
        load_yaml(path)


def test_a_setting_that_breaks_a_rule_about_several_keys_is_named() -> None:
    with pytest.raises(IntentflowError) as caught:
        Recipe.load("smollm2-135m/full", ["lora_dim=8"])
    assert str(caught.value).startswith("--set lora_dim=8: method: full trains no adapter")

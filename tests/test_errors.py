"""Errors: each is of a kind, and keeps it across processes."""

from __future__ import annotations

import ast
import json
import pickle
import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.cli.main import main
from intentflow.errors import (
    KINDS,
    CheckFailed,
    InputError,
    IntentflowError,
    ServiceError,
    UsageError,
    kind_of,
)
from intentflow.pipeline.code_version import code_version
from intentflow.pipeline.steps import ERROR_FILE, step_errors
from intentflow.synthesis import TeacherError

PACKAGE = Path(__file__).parents[1] / "intentflow"
MODULES = [file for file in sorted(PACKAGE.rglob("*.py")) if file.name != "errors.py"]


def _uses_of_the_base(module: ast.Module) -> list[int]:
    """Lines that make, raise or derive from the base class of errors."""
    used: list[tuple[int, ast.expr | None]] = []
    for node in ast.walk(module):
        match node:
            case ast.Raise(exc=made) | ast.Call(func=made):
                used.append((node.lineno, made))
            case ast.IfExp(body=one, orelse=other):
                used += [(node.lineno, one), (node.lineno, other)]
            case ast.ClassDef(bases=bases):
                used += [(node.lineno, base) for base in bases]
    return [line for line, made in used if made and _name(made) == IntentflowError.__name__]


def _name(expression: ast.expr) -> str:
    return ast.unparse(expression).rpartition(".")[2]


@pytest.mark.parametrize(
    "source",
    [
        "raise IntentflowError('a')",
        "raise IntentflowError",
        "raise errors.IntentflowError('a')",
        "def f(): return IntentflowError('a')",
        "raise (IntentflowError if a else CheckFailed)('a')",
        "class Other(IntentflowError): ...",
    ],
)
def test_a_use_of_the_base_class_is_found(source: str) -> None:
    assert _uses_of_the_base(ast.parse(source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "raise InputError('a')",
        "try: f()\nexcept IntentflowError: raise",
        "class A(InputError): ...",
    ],
)
def test_other_uses_are_allowed(source: str) -> None:
    assert _uses_of_the_base(ast.parse(source)) == []


def test_no_module_raises_the_base_class() -> None:
    assert len(MODULES) > 200
    found = {
        str(file.relative_to(PACKAGE)): lines
        for file in MODULES
        if (lines := _uses_of_the_base(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["split", "--wrong"], "UsageError"),
        (["evaluate", "-o", "metrics.json"], "UsageError"),
        (["train", "--recipe", "no/such", "--train", "rows.jsonl", "-o", "m"], "InputError"),
        (["validate", "nowhere.jsonl"], "InputError"),
        (["predict", "stop", "--service", "http://127.0.0.1:9"], "ServiceError"),
    ],
)
def test_a_command_fails_with_the_kind_that_fits(
    arguments: list[str],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    status = main([*arguments, "--debug"])
    assert (status, kind_of(_raised(capsys.readouterr().err)).__name__) == (2, kind)


def _raised(trace: str) -> IntentflowError:
    """An error of the last class that a printed trace names."""
    module, name = re.findall(r"^(intentflow\.[\w.]+)\.(\w+): ", trace, re.MULTILINE)[-1]
    kind: type[IntentflowError] = getattr(import_module(module), name)
    return kind.__new__(kind)


@pytest.mark.parametrize("kind", [InputError, ValueError])
def test_a_text_that_is_no_call_is_an_invalid_input_and_value(kind: type[Exception]) -> None:
    with pytest.raises(kind, match="at character"):
        parse_calls("play(")


def test_a_syntax_error_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(CallSyntaxError("expected a name", 3)))
    assert (type(error), str(error), error.position) == (
        CallSyntaxError,
        "expected a name at character 4",
        3,
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CheckFailed("a"), CheckFailed),
        (UsageError("a"), UsageError),
        (CallSyntaxError("a", 0), InputError),
        (TeacherError("a"), ServiceError),
    ],
)
def test_the_kind_of_an_error_is_that_of_its_class(
    error: IntentflowError, kind: type[IntentflowError]
) -> None:
    assert kind_of(error) is kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_reports_its_kind_of_error_to_the_runner(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.pipeline.graph_execution import _step_failure

    monkeypatch.setenv(ERROR_FILE, str(tmp_path / "error.json"))
    with pytest.raises(SystemExit) as ended, step_errors("validate", code_version()):
        raise KINDS[kind]("no rows")
    failure = _step_failure(tmp_path / "error.json", RuntimeError())
    assert (type(failure).__name__, str(failure)) == (kind, "step validate: no rows")
    assert ended.value.code == KINDS[kind].exit_code


def test_a_run_reports_the_step_that_failed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.pipeline.graph_execution import _step_failure

    monkeypatch.setenv(ERROR_FILE, str(tmp_path / "error.json"))
    for step in ("train", "notify"):
        with pytest.raises(SystemExit), step_errors(step, code_version()):
            raise InputError("no rows")
    assert str(_step_failure(tmp_path / "error.json", RuntimeError())) == "step train: no rows"


def test_other_code_than_a_local_run_began_with_is_reported_as_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(ERROR_FILE, str(tmp_path / "error.json"))
    with pytest.raises(SystemExit), step_errors("train", "0.0.1+abc"):
        pass
    error = capsys.readouterr().err
    assert "intentflow has changed since the run began, from 0.0.1+abc" in error
    assert "image" not in error


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_of_a_training_reports_its_kind_of_error_to_the_launcher(kind: str) -> None:
    from intentflow.training.torchrun import _reported

    recorded = {"message": {"message": f"{kind}: the loss is nan"}}
    error = _reported(SimpleNamespace(error_file_data=recorded))
    assert (type(error).__name__, str(error)) == (kind, "the loss is nan")


def test_an_error_that_is_not_ours_is_not_taken_for_one() -> None:
    from intentflow.training.torchrun import _reported

    recorded = {"message": {"message": "ValueError: too short"}}
    assert _reported(SimpleNamespace(error_file_data=recorded)) is None


def test_what_torch_records_of_an_error_names_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.training.torchrun import LAUNCHED, as_rank

    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    monkeypatch.delenv(LAUNCHED, raising=False)
    with pytest.raises(CallSyntaxError), as_rank():
        raise CallSyntaxError("expected a name", 0)
    recorded = json.loads((tmp_path / "error.json").read_text())
    assert recorded["message"]["message"] == "InputError: expected a name at character 1"

"""``intentflow history``: the list, one entry with its ancestors, the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.registry import Registry
from tests.registry.entries import entry, weeks


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["history", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def _lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["history", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_entry_is_a_line_the_newest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = weeks(tmp_path, 3)
    lines = _lines(capsys, "--registry", str(tmp_path))
    shown = [line.split()[2] for line in lines[1:7] if line.split()[1] == "model"]
    assert shown == [one[:12] for one in reversed(models)]


def test_the_champion_is_marked_with_its_score_and_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = weeks(tmp_path, 2)
    (line,) = (
        one for one in _lines(capsys, "--registry", str(tmp_path)) if models[1][:12] in one[:60]
    )
    assert line.split()[4:] == ["passed", "0.901", "champion"]


def test_one_entry_is_shown_with_its_ancestors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = weeks(tmp_path, 2)
    summary = _json(capsys, "previous", "--registry", str(tmp_path))
    rows = Registry(tmp_path).entry(models[0]).parents
    assert summary["entry"] == models[0]
    assert [one["id"] for one in summary["entries"]] == [models[0], *rows]


def test_the_registry_is_taken_from_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks(tmp_path, 1)
    monkeypatch.setenv("INTENTFLOW_REGISTRY", str(tmp_path))
    assert len(_json(capsys)["entries"]) == 2


def test_the_registry_of_the_default_run_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks(tmp_path / "runs/registry", 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTENTFLOW_REGISTRY", raising=False)
    assert len(_json(capsys)["entries"]) == 2


def test_the_page_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weeks(tmp_path / "r", 1)
    page = tmp_path / "history.html"
    assert _json(capsys, "--registry", str(tmp_path / "r"), "--html", str(page))["html"] == str(
        page
    )
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_damaged_entries_are_listed_and_the_others_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = weeks(tmp_path, 2)
    (tmp_path / "entries" / f"{models[0]}.json").write_text("{}")
    summary = _json(capsys, "--registry", str(tmp_path))
    assert len(summary["entries"]) == 3
    assert [models[0] in message for message in summary["damaged"]] == [True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "the registry has no entry nothing: give an alias"),
        (["--registry", "elsewhere"], "elsewhere: no registry; intentflow run makes one"),
        (["--registry", "ftp://x/y"], "ftp:// is not supported"),
        (["--html", "."], "is a folder; give a file"),
        (["previous"], "damaged: its content is not the one that it is named after"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    models = weeks(tmp_path / "runs/registry", 2)
    (tmp_path / "runs/registry/entries" / f"{models[0]}.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert main(["history", *arguments, "-q"]) == 2
    printed = capsys.readouterr()
    errors = [line for line in printed.err.splitlines() if ": error: " in line]
    assert (printed.out, len(errors), message in errors[0]) == ("", 1, True)


def test_control_characters_of_an_entry_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = Registry(tmp_path).add(entry("dataset", code_version="\x1b[2J"))
    assert "\x1b" not in "\n".join(_lines(capsys, added, "--registry", str(tmp_path)))

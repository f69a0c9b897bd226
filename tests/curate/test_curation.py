"""Duplicates, conflicts, caps, and the list of changes."""

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.curate import curate, write_changes
from intentflow.records import Example, read_records, write_records

MAIL = "jane@example.com"


def _rows(*pairs: tuple[str, str]) -> list[Example]:
    return [Example(*pair) for pair in pairs]


@pytest.mark.parametrize(
    "again",
    [("play", "f()"), ("PLAY", "f()"), (" play ", "f()"), ("ｐｌａｙ", "f( )")],
)
def test_the_same_utterance_with_the_same_label_is_dropped(again: tuple[str, str]) -> None:
    result = curate(_rows(("play", "f()"), again))
    assert result.examples == _rows(("play", "f()"))
    assert [change.as_dict() for change in result.changes] == [
        {"row": 2, "kind": "duplicate", "other": 1}
    ]


def test_a_value_written_as_its_utterance_writes_it_is_the_same_label() -> None:
    result = curate(_rows(("play Jazz", "f(Jazz)"), ("play jazz", "f(jazz)")))
    assert len(result.examples) == 1


def test_another_label_is_kept_and_listed_as_a_conflict() -> None:
    rows = _rows(("play", "f()"), ("play", "g()"))
    result = curate(rows)
    assert result.examples == rows
    assert [change.as_dict() for change in result.changes] == [
        {"row": 2, "kind": "conflict", "other": 1}
    ]


def test_rows_that_differ_only_in_what_is_private_are_duplicates() -> None:
    rows = _rows((f"mail {MAIL}", f"f({MAIL})"), ("mail bob@example.com", "f(bob@example.com)"))
    assert curate(rows).examples == _rows(("mail {{EMAIL}}", "f({{EMAIL}})"))


def test_nothing_is_done_that_was_not_asked_for() -> None:
    rows = _rows((f"mail {MAIL}", "f()"), (f"mail {MAIL}", "f()"))
    assert curate(rows, redact=False, dedup="none").examples == rows


def test_a_cap_cuts_what_is_above_twice_the_median() -> None:
    rows = [Example(f"{name} {i}", f"{name}()") for name, n in _SIZES.items() for i in range(n)]
    result = curate(rows, balance="cap")
    kept = [row.output for row in result.examples]
    assert {name: kept.count(f"{name}()") for name in _SIZES} == {"a": 5, "b": 10, "c": 20}
    assert result.counts()["above_cap"] == 30


_SIZES = {"a": 5, "b": 10, "c": 50}


def test_a_cap_cuts_the_same_rows_for_the_same_seed() -> None:
    rows = [Example(f"{i}", "a()" if i % 9 > 1 else f"{'bc'[i % 9]}()") for i in range(90)]
    cut = [curate(rows, balance="cap", seed=seed).examples for seed in (1, 1, 2)]
    assert cut[0] == cut[1] != cut[2]


def test_a_cap_leaves_rows_with_several_intents() -> None:
    rows = [Example(f"{i}", "a(); b()") for i in range(50)] + _rows(("x", "a()"), ("y", "b()"))
    assert curate(rows, balance="cap").examples == rows


def test_the_list_of_changes_holds_no_secret(tmp_path: Path) -> None:
    result = curate(_rows((f"mail {MAIL}", f"f({MAIL})")))
    write_changes(tmp_path / "changes.json", result)
    text = (tmp_path / "changes.json").read_text(encoding="utf-8")
    assert json.loads(text) == [{"row": 1, "kind": "redacted", "placeholders": {"EMAIL": 1}}]
    assert MAIL not in text


def test_the_command_writes_records_changes_and_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _rows((f"mail {MAIL}", f"f({MAIL})"), ("play", "g()"), ("play", "g()"))
    write_records(tmp_path / "in.json", rows)
    out, changes = tmp_path / "out.jsonl", tmp_path / "changes.json"
    arguments = ["curate", tmp_path / "in.json", "-o", out, "--redact", "--dedup", "exact"]
    assert main([*map(str, arguments), "--changes", str(changes), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["rows"], summary["kept"]) == (3, 2)
    assert summary["placeholders"] == {"EMAIL": 1}
    assert read_records(out) == _rows(("mail {{EMAIL}}", "f({{EMAIL}})"), ("play", "g()"))
    assert len(json.loads(changes.read_text(encoding="utf-8"))) == 2


def test_the_command_names_a_missing_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curate", str(tmp_path / "none.json"), "-o", str(tmp_path / "o.json")]) == 2
    assert "none.json: No such file" in capsys.readouterr().err

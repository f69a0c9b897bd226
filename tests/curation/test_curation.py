"""Duplicates, conflicts, caps, and the list of changes."""

import json
from pathlib import Path

import pytest

from intentflow.artifacts.row_changes import RowChange
from intentflow.cli.main import main
from intentflow.curation import curate
from intentflow.curation.conflicts import ConflictRule
from intentflow.errors import IntentflowError
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


FORECAST = "what is the weather in Hangzhou tomorrow"


@pytest.mark.parametrize(
    "again",
    [f"{FORECAST}?", f"{FORECAST} please", "what is the wether in Hangzhou tomorrow"],
)
def test_a_near_duplicate_with_the_same_label_is_dropped(again: str) -> None:
    result = curate(_rows((FORECAST, "w(Hangzhou)"), (again, "w(Hangzhou)")), dedup="near")
    assert [change.as_dict() for change in result.changes] == [
        {"row": 2, "kind": "near_duplicate", "other": 1}
    ]


def test_a_near_utterance_with_another_parameter_is_kept() -> None:
    rows = _rows((f"{FORECAST} ok", "w(1)"), (FORECAST, "w(2)"))
    result = curate(rows, dedup="near")
    assert (result.examples, result.counts()["conflict"], result.clusters) == (rows, 0, 1)


def test_a_chain_of_near_duplicates_keeps_what_is_far_from_every_kept_row() -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    texts = [" ".join(words[: 3 + i]) for i in range(6)]
    result = curate([Example(text, "count()") for text in texts], dedup="near", near_threshold=0.6)
    assert 2 <= len(result.examples) < 6
    assert result.clusters == 1


def test_a_near_duplicate_of_a_later_spelling_is_dropped_too() -> None:
    rows = _rows((FORECAST, "f()"), (f"{FORECAST} please", "g()"), (f"{FORECAST}!", "g()"))
    result = curate(rows, dedup="near")
    assert result.examples == rows[:2]


def test_a_looser_threshold_drops_more() -> None:
    rows = _rows(("weather in Hangzhou", "w()"), ("weather in Suzhou", "w()"))
    assert len(curate(rows, dedup="near").examples) == 2
    assert len(curate(rows, dedup="near", near_threshold=0.4).examples) == 1


@pytest.mark.parametrize("threshold", [0, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_explained(threshold: float) -> None:
    with pytest.raises(IntentflowError, match="near threshold must be above 0"):
        curate(_rows(("a", "f()")), dedup="near", near_threshold=threshold)


VOTES = _rows(("play", "f()"), ("play", "g()"), ("Play", "g()"), ("stop", "s()"))
TIE = _rows(("play", "f()"), ("play", "g()"))


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("list", [1, 2, 3, 4]), ("majority", [2, 3, 4]), ("latest", [2, 3, 4]), ("drop", [4])],
)
def test_conflicts_are_resolved_by_the_rule(rule: ConflictRule, kept: list[int]) -> None:
    result = curate(VOTES, dedup="none", conflicts=rule)
    assert result.examples == [VOTES[number - 1] for number in kept]
    assert result.counts()["conflict_dropped"] == len(VOTES) - len(kept)


def test_a_dropped_row_names_one_with_the_label_that_won() -> None:
    result = curate(VOTES, conflicts="majority")
    assert [change.as_dict() for change in result.changes] == [
        {"row": 1, "kind": "conflict_dropped", "other": 2},
        {"row": 3, "kind": "duplicate", "other": 2},
    ]


def test_a_tie_is_kept_and_listed() -> None:
    result = curate(TIE, conflicts="majority")
    assert (result.examples, result.counts()["conflict"]) == (TIE, 1)


def test_the_last_label_wins_as_a_correction() -> None:
    assert curate([*TIE, TIE[0]], conflicts="latest").examples == TIE[:1]


def test_every_row_of_a_dropped_conflict_names_another_label() -> None:
    changes = curate(TIE, conflicts="drop").changes
    assert [(change.row, change.other) for change in changes] == [(1, 2), (2, 1)]


def test_rare_intents_are_repeated_up_to_the_median() -> None:
    rows = [Example(f"{name} {i}", f"{name}()") for name, n in _SIZES.items() for i in range(n)]
    result = curate(rows, balance="oversample")
    assert result.examples[: len(rows)] == rows
    assert {(row.output, row.synthetic) for row in result.examples[len(rows) :]} == {("a()", True)}
    assert result.copies() == 5


def test_no_row_is_copied_again_before_every_row_of_its_intent_is() -> None:
    sizes = {"a": 4, "b": 10, "c": 50}
    rows = [Example(f"{name} {i}", f"{name}()") for name, n in sizes.items() for i in range(n)]
    changes = curate(rows, balance="oversample").changes
    assert sorted(change.copies for change in changes) == [1, 1, 2, 2]


def test_the_same_seed_copies_the_same_rows() -> None:
    rows = [Example(f"{i}", "a()" if i % 9 > 1 else f"{'bc'[i % 9]}()") for i in range(85)]
    made = [curate(rows, balance="oversample", seed=seed).examples for seed in (1, 1)]
    assert made[0] == made[1]


def test_rows_with_several_intents_are_not_repeated() -> None:
    rows = [Example(f"{i}", "a(); b()") for i in range(5)] + [Example("x", "a()")]
    assert curate(rows, balance="oversample").examples == rows


def test_a_redacted_row_keeps_its_dialogue() -> None:
    rows = [Example(f"mail {MAIL}", f"f({MAIL})", dialogue="7")]
    assert curate(rows).examples[0].dialogue == "7"


def test_the_list_of_changes_holds_no_secret(tmp_path: Path) -> None:
    result = curate(_rows((f"mail {MAIL}", f"f({MAIL})")))
    RowChange.write_rows(tmp_path / "changes.json", result.changes)
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


def test_the_command_curates_as_its_flags_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _rows((FORECAST, "w()"), (f"{FORECAST}!", "w()"), (f"mail {MAIL}", "m()")) + VOTES
    write_records(tmp_path / "in.json", rows)
    report = tmp_path / "redaction.json"
    arguments = ["curate", tmp_path / "in.json", "-o", tmp_path / "out.json", "--dedup", "near"]
    arguments += ["--conflicts", "majority", "--balance", "oversample"]
    arguments += ["--redact", "--redaction-report", report, "--json"]
    assert main([*map(str, arguments)]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (summary["kept"], summary["copies"], summary["clusters"]) == (4, 0, 1)
    assert summary["changes"]["near_duplicate"] == 1
    assert json.loads(report.read_text(encoding="utf-8"))["values"] == {"EMAIL": 1}


def test_a_redaction_report_without_a_redaction_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "in.json", TIE)
    arguments = ["curate", tmp_path / "in.json", "-o", tmp_path / "out.json"]
    assert main([*map(str, arguments), "--redaction-report", "r.html"]) == 2
    assert "needs --redact" in capsys.readouterr().err

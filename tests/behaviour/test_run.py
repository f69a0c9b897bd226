"""Models with one weakness, found by the kind of edit that it shows in."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from intentflow.artifacts.behaviour import (
    BEHAVIOUR_KINDS,
    BehaviourCase,
    BehaviourKind,
    BehaviourReport,
    EditedText,
)
from intentflow.behaviour.cases import make_cases
from intentflow.cli.main import main
from intentflow.evaluation.wilson import wilson_interval
from intentflow.records import Example, write_records
from intentflow.report.page import percent
from tests.behaviour.rows import ENGLISH, TAXONOMY, suite, table_model
from tests.evaluation.endpoint_server import Endpoint, completion, utterance_of
from tests.evaluation.endpoint_server import endpoint as endpoint


@cache
def _all_cases() -> list[EditedText]:
    return make_cases(suite(ENGLISH), BEHAVIOUR_KINDS, 100, 0).cases


def _perfect() -> dict[str, str]:
    """What a model answers that breaks no rule."""
    cases = _all_cases()
    rows = {row.instruction: row.output for row in ENGLISH}
    return rows | {case.edited: case.edited_output or "oos()" for case in cases}


def _weak_in(kind: BehaviourKind) -> dict[str, str]:
    """The same, but for the edits of one kind."""
    wrong = {
        "negation": lambda case: case.output,
        "near_out_of_scope": lambda case: case.output,
        "other_value": lambda case: case.output,
    }
    change: Callable[[EditedText], str] = wrong.get(kind, lambda _: "book_table(nowhere)")
    return _perfect() | {case.edited: change(case) for case in _all_cases() if case.kind == kind}


def _measure(endpoint: Endpoint, folder: Path, labels: dict[str, str], *more: str) -> int:
    model = table_model(labels)
    endpoint.chat = lambda body: completion(model(utterance_of(body)))
    write_records(folder / "rows.jsonl", ENGLISH)
    TAXONOMY.write(folder / "taxonomy.yaml")
    given = ["--data", str(folder / "rows.jsonl"), "--taxonomy", str(folder / "taxonomy.yaml")]
    output = ["-o", str(folder / "behaviour.json")]
    return main(["behave", "--model", endpoint.url, *given, *output, *more])


def _report(endpoint: Endpoint, folder: Path, labels: dict[str, str]) -> BehaviourReport:
    assert _measure(endpoint, folder, labels) == 0
    return BehaviourReport.read(folder / "behaviour.json")


def test_a_model_that_keeps_every_rule_has_no_failure(endpoint: Endpoint, tmp_path: Path) -> None:
    report = _report(endpoint, tmp_path, _perfect())
    assert {one.kind: one.failures for one in report.kinds} == dict.fromkeys(BEHAVIOUR_KINDS, 0)


@pytest.mark.parametrize("kind", BEHAVIOUR_KINDS)
def test_a_model_that_fails_one_kind_fails_in_that_one(
    kind: BehaviourKind, endpoint: Endpoint, tmp_path: Path
) -> None:
    report = _report(endpoint, tmp_path, _weak_in(kind))
    rates = {one.kind: one.failure_rate for one in report.kinds}
    assert rates == {**dict.fromkeys(BEHAVIOUR_KINDS, 0.0), kind: 1.0}


def test_a_rate_has_wilsons_interval_of_its_cases(endpoint: Endpoint, tmp_path: Path) -> None:
    scores = _report(endpoint, tmp_path, _weak_in("typos")).scores("typos")
    assert scores
    assert scores.interval == pytest.approx(wilson_interval(1.0, scores.cases))


def test_rows_that_the_model_has_wrong_are_not_judged_by_another_value(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    wrong = {row.instruction: "weather(nowhere)" for row in ENGLISH}
    scores = _report(endpoint, tmp_path, _perfect() | wrong).scores("other_value")
    assert scores
    assert (scores.cases, scores.failure_rate, scores.interval) == (0, None, None)
    assert scores.not_judged > 0


def test_a_text_is_asked_once(endpoint: Endpoint, tmp_path: Path) -> None:
    _report(endpoint, tmp_path, _perfect())
    assert len(endpoint.utterances) == len(set(endpoint.utterances))


def test_the_report_states_what_was_measured(endpoint: Endpoint, tmp_path: Path) -> None:
    report = _report(endpoint, tmp_path, _perfect())
    assert (report.engine, report.constrained, report.rows) == ("openai", False, len(ENGLISH))
    assert report.languages == {"English": len(ENGLISH)}


def test_every_case_is_written_with_both_answers(endpoint: Endpoint, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    assert _measure(endpoint, tmp_path, _weak_in("casing"), "--cases", str(path)) == 0
    cases = BehaviourCase.read_rows(path)
    assert [case.edited for case in cases] == [case.edited for case in _all_cases()]
    assert {case.kind for case in cases if not case.passed} == {"casing"}


def test_the_file_of_cases_is_the_owners(endpoint: Endpoint, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    _measure(endpoint, tmp_path, _perfect(), "--cases", str(path))
    assert path.stat().st_mode & 0o077 == 0


def test_examples_show_no_personal_data(endpoint: Endpoint, tmp_path: Path) -> None:
    rows = [*ENGLISH, Example("play music and mail jane@example.com", "play_music()")]
    write_records(tmp_path / "own.jsonl", rows)
    endpoint.chat = lambda _: completion("oos()")
    files = ["-o", str(tmp_path / "b.json"), "--report", str(tmp_path / "b.html")]
    data = ["--data", str(tmp_path / "own.jsonl"), "--kinds", "fillers"]
    assert main(["behave", "--model", endpoint.url, *data, *files, "--seed", "3"]) == 0
    for name in ("b.json", "b.html"):
        assert "jane@" not in (tmp_path / name).read_text(encoding="utf-8")


def test_the_summary_has_the_rate_of_each_kind(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _measure(endpoint, tmp_path, _weak_in("negation"), "--json") == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["kinds"]["negation"]["failure_rate"] == 1.0
    assert summary["kinds"]["typos"]["failure_rate"] == 0.0


def test_the_page_shows_each_kind_with_its_interval(endpoint: Endpoint, tmp_path: Path) -> None:
    page = tmp_path / "behaviour.html"
    assert _measure(endpoint, tmp_path, _weak_in("negation"), "--report", str(page)) == 0
    shown = page.read_text(encoding="utf-8")
    assert [kind for kind in BEHAVIOUR_KINDS if f'id="{kind}"' not in shown] == []
    assert percent(1.0) in shown


def test_an_endpoint_that_answers_nothing_leaves_no_file(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.chat = (500, {}, {})
    write_records(tmp_path / "rows.jsonl", ENGLISH)
    given = ["--data", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "b.json")]
    assert main(["behave", "--model", endpoint.url, *given]) == 2
    assert not (tmp_path / "b.json").exists()
    assert capsys.readouterr().err.count("error:") == 1


def test_rows_that_cannot_be_edited_are_one_line(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "rows.jsonl", [Example("42", "a()")])
    given = ["--data", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "b.json")]
    assert main(["behave", "--model", endpoint.url, *given]) == 2
    assert "no row can be edited" in capsys.readouterr().err


def test_an_unknown_kind_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", "rows.jsonl", "-o", str(tmp_path / "b.json"), "--kinds", "typo"]
    assert main(["behave", "--model", "m", *given]) == 2
    assert "--kinds" in capsys.readouterr().err

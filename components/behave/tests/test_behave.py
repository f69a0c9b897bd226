"""The behave component, on a tiny model with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.behaviour import BehaviourCase, BehaviourReport
from intentflow.components.behave.component import behave
from tests.components.calls import call, rows
from tests.models import one_thread

ROWS = [("weather in Oslo", "weather_search(Oslo)"), ("play Abba", "play_music(Abba)")]


@pytest.fixture(scope="module")
def tested(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Outputs of the tests of one model."""
    folder = tmp_path_factory.mktemp("tested")
    with one_thread():
        return call(
            behave,
            folder,
            model=tiny_model,
            test_set=rows(folder / "test.jsonl", *ROWS),
            config={"kinds": ["casing"]},
            evaluate={"engine": "transformers"},
        )


def test_the_report_has_the_kinds_that_are_asked_for(tested: dict[str, Any]) -> None:
    report = BehaviourReport.read(tested["behaviour"].path)
    assert [(one.kind, one.cases) for one in report.kinds] == [("casing", len(ROWS))]


def test_the_report_names_model_and_engine(tested: dict[str, Any]) -> None:
    report = BehaviourReport.read(tested["behaviour"].path)
    assert (report.engine, report.constrained) == ("transformers", True)
    assert report.model_digest


def test_every_case_has_both_answers(tested: dict[str, Any]) -> None:
    cases = BehaviourCase.read_rows(tested["cases"].path)
    assert [bool(case.answer and case.edited_answer) for case in cases] == [True] * len(ROWS)


def test_the_page_is_written(tested: dict[str, Any]) -> None:
    assert "Letter case" in Path(tested["report"].path).read_text(encoding="utf-8")


def test_the_rates_are_shown_in_kubeflow(tested: dict[str, Any]) -> None:
    assert set(tested["behaviour"].metadata) == {"casing"}


def test_an_unknown_kind_ends_the_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        call(
            behave,
            tmp_path,
            model=tmp_path,
            test_set=rows(tmp_path / "test.jsonl", *ROWS),
            config={"kinds": ["typo"]},
            evaluate={},
        )
    assert stopped.value.code == 2
    assert "kinds" in capsys.readouterr().err

"""The evaluation report: one page that runs nothing and names nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.evaluate.engines import Answer
from intentflow.evaluate.report import write_evaluation_report
from intentflow.evaluate.run import Evaluation, Subject, score
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy

EVIL = "<script>alert(1)</script>"


def _evaluation(*rows: tuple[str, str, str], taxonomy: Taxonomy | None = None) -> Evaluation:
    examples = [Example(instruction, gold) for instruction, gold, _ in rows]
    answers = [Answer(prediction, 0.0) for *_, prediction in rows]
    return score(examples, answers, Subject("given", False, taxonomy=taxonomy))


def _page(folder: Path, *rows: tuple[str, str, str], taxonomy: Taxonomy | None = None) -> str:
    write_evaluation_report(folder / "report.html", _evaluation(*rows, taxonomy=taxonomy))
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "row",
    [
        (EVIL, "play()", "sing()"),
        ("x", f"play({EVIL})", "sing()"),
        ("x", "play()", EVIL),
        ("x", "play()", f"{EVIL.replace('(1)', '')}(x)"),
        ("x", f"play{EVIL.replace('(1)', '')}(x)", "sing()"),
    ],
    ids=["utterance", "gold", "prediction", "predicted name", "gold name"],
)
def test_markup_in_a_row_stays_text(row: tuple[str, str, str], tmp_path: Path) -> None:
    page = _page(tmp_path, row)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    "row",
    [
        ("mail anna@example.com", "mail(x)", "sing()"),
        ("x", "mail(anna@example.com)", "mail(x)"),
        ("x", "mail(x)", "mail(anna@example.com)"),
        ("x", "mail(x)", "I wrote to anna@example.com."),
    ],
    ids=["utterance", "gold", "prediction", "malformed"],
)
def test_personal_data_is_redacted(row: tuple[str, str, str], tmp_path: Path) -> None:
    page = _page(tmp_path, row)
    assert "anna@example.com" not in page
    assert "{{EMAIL}}" in page


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    page = _page(tmp_path, ("a", "play()", "play()"), ("b", "play()", "sing(x)"))
    assert not any(mark in page for mark in (' src="', "@import", "url(", "<link"))


def test_rows_with_a_wrong_intent_stand_before_those_with_a_wrong_parameter(
    tmp_path: Path,
) -> None:
    page = _page(
        tmp_path, ("parameter wrong", "play(a)", "play(b)"), ("intent wrong", "play(a)", "sing(a)")
    )
    assert page.rindex("intent wrong") < page.rindex("parameter wrong")


def test_malformed_answers_are_called_so(tmp_path: Path) -> None:
    assert "malformed" in _page(tmp_path, ("a", "play()", "play("))


def test_a_perfect_score_has_a_page_too(tmp_path: Path) -> None:
    assert "100.0%" in _page(tmp_path, ("a", "play()", "play()"))


def test_two_hundred_intents_have_a_page(tmp_path: Path) -> None:
    rows = [(f"utterance {n}", f"intent_{n}()", f"intent_{n // 2}()") for n in range(200)]
    assert "intent_199" in _page(tmp_path, *rows)

"""Which rows the page lists, in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.evaluation.report import rows as rows_module
from intentflow.evaluation.report.rows import INTENT, MALFORMED, PARAMETERS, RIGHT, shown_rows
from tests.evaluation.report.pages import Row, evaluation

WRONG_PARAMETER = ("parameter", "play(a)", "play(b)")
WRONG_INTENT = ("intent", "play(a)", "sing(a)")
BROKEN = ("broken", "play(a)", "play(")
FINE = ("fine", "play(a)", "play(a)")


def _shown(*rows: Row, sure: list[float] | None = None) -> list[tuple[str, int]]:
    shown = shown_rows(evaluation(*rows, confidences=sure).rows)
    return [(row.utterance, row.what) for row in shown.rows]


def test_wrong_intents_stand_before_wrong_parameters_and_right_rows_last() -> None:
    found = _shown(FINE, WRONG_PARAMETER, WRONG_INTENT, BROKEN)
    kinds = [MALFORMED, INTENT, PARAMETERS, RIGHT]
    assert found == list(zip(["broken", "intent", "parameter", "fine"], kinds, strict=True))


def test_the_most_confident_mistake_stands_first() -> None:
    rows = [("unsure", "play()", "sing()"), ("sure", "play()", "sing()")]
    assert [name for name, _ in _shown(*rows, sure=[0.1, 0.9])] == ["sure", "unsure"]


def test_the_least_confident_right_row_stands_first() -> None:
    rows = [("sure", "play()", "play()"), ("unsure", "play()", "play()")]
    assert [name for name, _ in _shown(*rows, sure=[0.9, 0.1])] == ["unsure", "sure"]


def test_a_row_tells_which_names_it_confuses() -> None:
    (row,) = shown_rows(evaluation(("x", "play(); stop()", "stop(); sing()")).rows).rows
    assert (row.confused, row.intents) == ([("play", "sing")], ["play", "sing", "stop"])


def test_rows_over_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "_WRONG_ROWS", 2)
    monkeypatch.setattr(rows_module, "_RIGHT_ROWS", 1)
    shown = shown_rows(evaluation(*[WRONG_INTENT] * 5, *[FINE] * 3).rows)
    assert (len(shown.rows), shown.left_out) == (3, "3 wrong and 2 right")


def test_a_page_with_all_rows_leaves_out_none() -> None:
    assert shown_rows(evaluation(FINE, WRONG_INTENT).rows).left_out == ""


@given(
    st.lists(st.sampled_from([FINE, WRONG_PARAMETER, WRONG_INTENT, BROKEN]), min_size=1),
    st.integers(0, 2_000),
)
def test_every_row_is_shown_or_counted_as_left_out(rows: list[Row], room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "_BYTES", room)
        shown = shown_rows(evaluation(*rows).rows)
    reported = [int(word) for word in shown.left_out.split() if word.isdigit()]
    assert len(shown.rows) + sum(reported) == len(rows)

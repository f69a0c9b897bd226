"""``documented.*`` is what the guide's own evaluation script counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.evaluate.documented import documented_intent, documented_parameters
from intentflow.evaluate.metrics import compute_metrics, score_row


def guides_counts(rows: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """The counting lines of the guide's script, word for word, over (gold, prediction) rows."""
    count = 0
    ecount = 0
    for output, pred in rows:
        gold = output
        gold = gold.split(";")[0] if ";" in gold else gold
        if gold.split("(")[0] == pred.split("(")[0]:
            count += 1
            gold_list = set(gold.strip()[:-1].split("(")[1].split(","))
            pred_list = set(pred.strip()[:-1].split("(")[1].split(","))
            if gold_list == pred_list:
                ecount += 1
            else:
                pass
    return count, ecount


# Few letters and all the syntax, so that equal names and equal sets come up often.
TEXTS = st.text('ab(),; "', max_size=10)
CALLS = st.builds(
    lambda name, values, tail: f"{name}({','.join(values)}){tail}",
    st.sampled_from(["a", "b", " a"]),
    st.lists(st.sampled_from(["x", "y", " x", "(", ""]), max_size=3),
    st.sampled_from(["", "; b(y)", ";", " "]),
)
ROWS = st.tuples(CALLS | TEXTS, CALLS | TEXTS)


@given(ROWS)
def test_each_row_counts_as_the_guides_script_counts_it(row: tuple[str, str]) -> None:
    counted = documented_intent(*row), documented_parameters(*row)
    try:
        expected = guides_counts([row])
    except IndexError:  # it crashes at the parameters, after it has counted the intent
        expected = (1, 0)
    assert counted == tuple(map(bool, expected))


@given(st.lists(st.tuples(CALLS, CALLS), min_size=1, max_size=8))
def test_the_accuracies_are_those_that_the_guides_script_prints(
    rows: list[tuple[str, str]],
) -> None:
    documented = compute_metrics([score_row("", *row) for row in rows])["documented"]
    count, ecount = guides_counts(rows)
    assert documented == {
        "intent_accuracy": count / len(rows),
        "parameter_accuracy": ecount / len(rows),
    }


@pytest.mark.parametrize(("gold", "prediction"), [("a", "a"), ("a(x)", "a"), ("a", "a(x)")])
def test_where_the_guides_script_crashes_the_parameters_are_wrong(
    gold: str, prediction: str
) -> None:
    with pytest.raises(IndexError):
        guides_counts([(gold, prediction)])
    assert not documented_parameters(gold, prediction)


def test_a_json_answer_counts_as_the_calls_that_it_holds() -> None:
    answer = '[{"intent": "a", "parameters": ["x", "y"]}]'
    row = score_row("", "a(x,y)", answer, output_format="json")
    assert (row.documented_intent_right, row.documented_parameters_right) == (True, True)

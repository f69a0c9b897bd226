"""``documented.*`` is what the guide's own evaluation script counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.evaluation.guide_scorer import documented_intent, documented_parameters
from intentflow.evaluation.metrics import compute_metrics
from intentflow.evaluation.scored_rows import score_row
from intentflow.records import read_records
from tests.public_sets import ORIGINALS, in_both

# The counting lines of the guide's script, word for word. ``else: pass`` closes the outer ``if``:
# an intent that is wrong is never asked for its parameters.
COUNTING = """
gold = i['output']
gold = gold.split(';')[0] if ';' in gold else gold
pred = tokenizer.batch_decode(generated_ids, skip_special_tokens=True)[0]
if gold.split('(')[0] == pred.split('(')[0]:
    count += 1
    gold_list = set(gold.strip()[:-1].split('(')[1].split(','))
    pred_list = set(pred.strip()[:-1].split('(')[1].split(','))
    if gold_list == pred_list:
        ecount += 1
else:
    pass
"""
DECODING = "tokenizer.batch_decode(generated_ids, skip_special_tokens=True)[0]"
Counts = Callable[[Sequence[tuple[str, str]]], tuple[int, int]]


def scorer(lines: str) -> Counts:
    """A function of (gold, prediction) rows that runs the guide's lines and gives its counts."""
    body = lines.strip().replace(DECODING, "given").replace("\n", "\n        ")
    source = (
        "def counts(rows):\n    count = ecount = 0\n    for output, given in rows:\n"
        f"        i = {{'output': output}}\n        {body}\n    return count, ecount"
    )
    names: dict[str, Counts] = {}
    exec(source, {}, names)
    return names["counts"]


guides_counts = scorer(COUNTING)


def _from_guide(text: str) -> str:
    """The counting words of a guide's script, without what asks the model in between."""
    flat = " ".join(text.split())
    flat = flat[flat.index("gold = i['output']") :].split(' print("')[0]
    return flat[: flat.index("model_inputs")] + flat[flat.index("pred = ") :]


def _guides() -> list[str]:
    guides = ORIGINALS / "domain"
    texts = [path.read_text(encoding="utf-8") for path in sorted(guides.glob("*.txt"))]
    return [text for text in texts if "ecount" in text]


@pytest.mark.shared
def test_the_lines_counted_by_are_the_guides_own_in_each_of_its_languages() -> None:
    """Word for word; of where lines break and how far they are indented the texts say nothing."""
    ours = " ".join(COUNTING.split())
    assert [_from_guide(text).strip() for text in _guides()] == [ours] * 3


# Few letters and all the syntax, so that equal names and equal sets come up often.
TEXTS = st.text('ab(),; "', max_size=10)
CALLS = st.builds(
    lambda name, values, tail: f"{name}({','.join(values)}){tail}",
    st.sampled_from(["a", "b", " a", "a ", ""]),
    st.lists(st.sampled_from(["x", "y", " x", "x ", "(", "", "***", "杭州"]), max_size=3),
    st.sampled_from(["", "; b(y)", ";", " ", ";a(x)", "\n", "  "]),
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
    documented = compute_metrics([score_row("", *row) for row in rows]).as_dict()["documented"]
    count, ecount = guides_counts(rows)
    assert documented == {
        "intent_accuracy": count / len(rows),
        "parameter_accuracy": ecount / len(rows),
    }


@pytest.mark.parametrize("file", in_both("banking77", "snips", "nlupp_multi", "crosswoz_zh"))
def test_real_labels_count_as_the_guides_script_counts_them(file: Path) -> None:
    golds = [row.output for row in read_records(file)]
    others = [*golds[1:], golds[0]]
    rows = [
        (gold, other if place % 3 else gold)
        for place, (gold, other) in enumerate(zip(golds, others, strict=True))
    ]
    counted = sum(documented_intent(*row) for row in rows)
    assert (counted, sum(documented_parameters(*row) for row in rows)) == guides_counts(rows)


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

"""New rows merged with a champion's rows."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from intentflow.feedback.merging import Merge, MergedSet, NewRow, joins_test, merge_rows
from intentflow.records import Example

OLD = MergedSet([Example("stop it", "stop()")], [Example("rain?", "weather()")])


def _row(text: str, output: str = "play()", *, time: str = "") -> NewRow:
    return NewRow(Example(text, output), "export", time)


def _merge(*rows: NewRow, previous: MergedSet = OLD, share: float = 0.0) -> Merge:
    return merge_rows(previous, [rows], test_share=share)


def _labels(found: Merge) -> list[tuple[str, str]]:
    return [(row.instruction, row.output) for row in found.merged.rows]


def test_a_new_row_is_added() -> None:
    found = _merge(_row("play it"))
    assert _labels(found) == [("stop it", "stop()"), ("play it", "play()")]
    assert found.counts.added == 1


def test_a_later_label_replaces_an_earlier_one_and_the_conflict_is_listed() -> None:
    found = _merge(_row("Stop  it", "pause()"))
    assert _labels(found) == [("Stop  it", "pause()")]
    (change,) = found.changes
    assert (change.kind, change.output, change.by) == ("replaced", "stop()", "pause()")
    assert found.counts.replaced_previous == 1


def test_a_later_source_replaces_an_earlier_one() -> None:
    found = merge_rows(OLD, [[_row("a", "one()")], [_row("a", "two()")]], test_share=0)
    assert ("a", "two()") in _labels(found)
    assert [change.output for change in found.changes] == ["one()"]


def test_contradictions_of_one_export_are_left_to_curation() -> None:
    found = _merge(_row("a", "one()"), _row("a", "two()"))
    assert _labels(found)[1:] == [("a", "one()"), ("a", "two()")]


def test_a_label_that_was_replaced_does_not_return_with_its_export() -> None:
    export = [_row("a", "one()")]
    first = merge_rows(OLD, [export, [_row("a", "two()", time="t1")]], test_share=0)
    second = merge_rows(first.merged, [export, [_row("a", "two()", time="t1")]], test_share=0)
    assert _labels(second) == _labels(first)
    assert (second.counts.seen, second.changes) == (2, [])


def test_a_label_that_a_human_gives_again_later_counts() -> None:
    first = _merge(_row("a", "one()", time="t1"), _row("a", "two()", time="t2"))
    second = _merge(_row("a", "one()", time="t3"), previous=first.merged)
    assert ("a", "one()") in _labels(second)


def test_a_row_of_the_frozen_test_set_is_kept_out() -> None:
    found = _merge(_row("Rain?", "weather()"))
    assert (_labels(found), found.counts.test_rows) == ([("stop it", "stop()")], 1)


def test_a_label_that_contradicts_a_test_row_is_listed_and_the_test_row_stays() -> None:
    found = _merge(_row("rain?", "play()"))
    assert list(found.merged.test) == list(OLD.test)
    assert [(change.kind, change.by) for change in found.changes] == [
        ("test_conflict", "weather()")
    ]


def test_a_fixed_share_of_new_utterances_joins_the_test_rows() -> None:
    rows = [_row(f"row {number}") for number in range(2000)]
    found = _merge(*rows, share=0.1)
    assert 150 < found.counts.joined_test < 250
    assert len(found.merged.test) == 1 + found.counts.joined_test


def test_rows_that_joined_the_test_set_never_leave_it() -> None:
    rows = [_row(f"row {number}") for number in range(200)]
    first = _merge(*rows, share=0.2).merged
    second = _merge(*rows, _row("another"), previous=first, share=0.0).merged
    assert set(first.test) <= set(second.test)


def test_a_training_row_with_a_new_label_stays_a_training_row() -> None:
    texts = [f"row {number}" for number in range(50)]
    old = MergedSet([Example(text, "old()") for text in texts])
    found = _merge(*(_row(text, "new()") for text in texts), previous=old, share=0.9)
    assert len(found.merged.rows) + len(found.merged.test) == 50
    assert not found.merged.test


def test_rows_of_one_dialogue_are_on_one_side() -> None:
    rows = [Example(f"turn {number}", "a()", dialogue="d7") for number in range(20)]
    assert len({joins_test(row, 0.5) for row in rows}) == 1


def test_a_generated_row_is_no_test_row() -> None:
    row = NewRow(Example("a", "one()", synthetic=True), "export")
    assert _merge(row, share=0.999).counts.joined_test == 0


def test_an_ambiguous_utterance_is_no_test_row() -> None:
    found = _merge(_row("a", "one()"), _row("a", "two()"), share=0.999)
    assert found.counts.joined_test == 0


def test_a_merge_that_is_done_again_gives_the_same() -> None:
    rows = [_row(f"row {number}") for number in range(100)]
    assert _merge(*rows, share=0.1) == _merge(*rows, share=0.1)


def test_a_merge_of_what_was_merged_changes_nothing() -> None:
    rows = [_row(f"row {number}") for number in range(100)]
    first = _merge(*rows, share=0.1)
    second = _merge(*rows, previous=first.merged, share=0.1)
    assert second.merged == first.merged
    assert second.counts.seen == 100


TEXTS = st.sampled_from(["a", "b", "c", "stop it", "rain?"])
ROWS = st.lists(
    st.builds(_row, TEXTS, st.sampled_from(["x()", "y()"]), time=st.sampled_from(["", "t1", "t2"])),
    max_size=12,
)


@given(rows=ROWS, share=st.sampled_from([0.0, 0.5]))
def test_every_new_row_is_counted_once(rows: list[NewRow], share: float) -> None:
    counts = _merge(*rows, share=share).counts
    accounted = counts.seen + counts.duplicates + counts.test_rows + counts.added
    assert accounted + counts.joined_test + counts.left_out == len(rows)


@given(rows=ROWS)
def test_no_utterance_is_on_both_sides(rows: list[NewRow]) -> None:
    found = _merge(*rows, share=0.5).merged
    assert not {row.instruction for row in found.rows} & {row.instruction for row in found.test}


def test_the_draw_does_not_depend_on_the_order_of_rows() -> None:
    rows = [_row(f"row {number}") for number in range(100)]
    shuffled = random.Random(1).sample(rows, len(rows))
    assert set(_merge(*rows, share=0.2).merged.test) == set(
        _merge(*shuffled, share=0.2).merged.test
    )

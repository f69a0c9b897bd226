"""Which rows are of one dialogue."""

import json
from pathlib import Path

import pytest

from intentflow.curation.dialogues import dialogue_pairs, shares_rounds
from intentflow.records import Example
from tests.public_sets import in_complete_set, in_sample

ASKED = "find me a table for four"


def _pairs(*texts: str) -> list[tuple[int, int]]:
    return list(dialogue_pairs([Example(text, "f()") for text in texts]))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (ASKED, f"{ASKED} in Rome"),
        (f"hello. {ASKED}", f"{ASKED} in Rome"),
        (f"hello {ASKED} in Rome", f"{ASKED} in Rome"),
        (
            "这家餐馆的周边有哪些景点啊？这家餐馆的地址是在哪啊？",
            "这家餐馆的地址是在哪啊？谢谢，我去那里。",
        ),
        (f"{ASKED} {ASKED}", f"{ASKED} tonight"),
    ],
)
def test_the_end_of_one_row_that_begins_the_next_is_a_shared_round(
    earlier: str, later: str
) -> None:
    assert shares_rounds(earlier, later)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("thank you", "thank you so much"),
        (f"{ASKED} in Rome", ASKED),
        (f"re{ASKED}", f"{ASKED} in Rome"),
        (ASKED, f"{ASKED}teen people"),
        ("", ""),
    ],
)
def test_a_short_or_broken_overlap_is_none(earlier: str, later: str) -> None:
    assert not shares_rounds(earlier, later)


def test_only_rows_that_follow_one_another_share_rounds() -> None:
    assert _pairs(ASKED, f"{ASKED} in Rome", "play jazz", f"{ASKED} in Rome") == [(0, 1)]


def test_rows_with_the_same_id_are_of_one_dialogue_wherever_they_stand() -> None:
    rows = [Example("a", "f()", dialogue=name) for name in ("x", "y", "x", "x")]
    assert [pair for pair in dialogue_pairs(rows) if pair[0] != pair[1]] == [(0, 2), (0, 3)]


def test_an_id_counts_more_than_shared_rounds() -> None:
    rows = [
        Example(ASKED, "f()", dialogue="x"),
        Example(f"{ASKED} in Rome", "f()", dialogue="y"),
        Example(f"{ASKED} in Rome tonight", "f()"),
    ]
    assert all(one == two for one, two in dialogue_pairs(rows))


@pytest.mark.parametrize(
    ("file", "most"),
    [
        in_sample("snips", 0),
        in_sample("clinc150", 2),
        in_sample("banking77", 0),
        in_sample("nlupp_multi", 1),
        in_sample("crosswoz_zh", 0),
        in_complete_set("snips", 0),
        in_complete_set("clinc150", 139),
        in_complete_set("banking77", 1),
        in_complete_set("nlupp_multi", 4),
        in_complete_set("crosswoz_zh", 1),
    ],
)
def test_a_set_without_rounds_is_not_glued_together(file: Path, most: int) -> None:
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert len(_pairs(*(row["instruction"] for row in rows))) <= most

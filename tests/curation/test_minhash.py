"""Near-duplicates: what is near, what is not, and that nothing else decides it."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.curation.dedup import normalised_utterance
from intentflow.curation.minhash import (
    NEAR_THRESHOLD,
    NearIndex,
    near_any,
    near_clusters,
    near_pairs,
)
from intentflow.curation.near_keys import near_key
from tests.public_sets import in_both, in_complete_set, in_sample

FORECAST = "what is the weather in Hangzhou tomorrow"


def _are_near(left: str, right: str) -> bool:
    return near_clusters([left, right]) == [0, 0]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (FORECAST, FORECAST.upper()),
        (FORECAST, f"{FORECAST}?!"),
        (FORECAST, f"{FORECAST}, please"),
        (FORECAST, "what is the wether in Hangzhou tomorrow"),
        ("what's up", "Whats up?"),
        ("yes", "YES!"),
        ("明天杭州的天气怎么样", "明天 杭州的天气，怎么样？"),
        ("我想找一家评分4.5分以上的餐馆", "你好，我想找一家评分4.5分以上的餐馆。"),
        ("???", "????"),
        ("", "  "),
    ],
)
def test_a_small_slip_is_near(left: str, right: str) -> None:
    assert _are_near(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("weather in Hangzhou", "weather in Suzhou"),
        ("yes", "yea"),
        ("7", "8"),
        ("杭州的天气", "苏州的天气"),
        ("turn it on", "turn it off"),
        ("?", "play"),
        ("", "a"),
        ("👍", "👎"),
    ],
)
def test_another_request_is_not_near(left: str, right: str) -> None:
    assert not _are_near(left, right)


def test_nearness_is_passed_on_to_the_complete_group() -> None:
    texts = [FORECAST, f"{FORECAST} please", f"well {FORECAST} please"]
    assert near_clusters([texts[0], "other", *texts[1:]]) == [0, 1, 0, 0]


def test_no_texts_have_no_groups() -> None:
    assert near_clusters([]) == []


def test_a_higher_threshold_takes_fewer() -> None:
    assert near_clusters([FORECAST, f"{FORECAST} please"], threshold=0.95) == [0, 1]


def test_a_pair_names_the_later_and_the_earlier_text() -> None:
    later, earlier = near_pairs(["x", FORECAST, FORECAST.upper(), f"{FORECAST} please"])
    assert list(zip(later, earlier, strict=True)) == [(2, 1), (3, 1)]


def test_texts_near_one_of_others_are_found() -> None:
    texts = [
        "play",
        f"{FORECAST}!",
        FORECAST.upper(),
        f"well {FORECAST} please",
        f"tell me {FORECAST} now",
    ]
    assert near_any(texts, ["stop", f"{FORECAST} please"]) == [1, 2, 3]


TEXTS = st.text("ab 北京.?'é\ud800", max_size=6)


@given(st.lists(TEXTS, max_size=12))
def test_equal_utterances_are_in_one_group(texts: list[str]) -> None:
    groups = near_clusters(texts)
    for text, group in zip(texts, groups, strict=True):
        equal = [groups[i] for i, t in enumerate(texts) if _same(t, text)]
        assert set(equal) == {group}
        assert texts.index(texts[group]) <= group


def _same(left: str, right: str) -> bool:
    return normalised_utterance(left) == normalised_utterance(right)


def _similarity(left: str, right: str) -> float:
    one, two = (_trigrams(near_key(text)) for text in (left, right))
    return len(one & two) / len(one | two)


def _trigrams(key: str) -> set[str]:
    padded = f" {key} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


WORDS = st.lists(
    st.sampled_from(["play", "some", "jazz", "rock", "music", "on", "my", "phone", "now"]),
    min_size=1,
)


@settings(max_examples=50)
@given(st.lists(WORDS.map(" ".join), min_size=2, max_size=20))
def test_every_pair_found_is_as_similar_as_asked(texts: list[str]) -> None:
    for later, earlier in zip(*near_pairs(texts), strict=True):
        assert earlier < later
        assert _similarity(texts[later], texts[earlier]) >= NEAR_THRESHOLD


@pytest.fixture(scope="module", params=in_both("banking77"))
def utterances(request: pytest.FixtureRequest) -> list[str]:
    rows = json.loads(request.param.read_text(encoding="utf-8"))
    return [row["instruction"] for row in rows[:3000]]


def test_hardly_a_pair_of_a_real_set_is_missed(utterances: list[str]) -> None:
    texts = list(dict.fromkeys(map(near_key, utterances)))[:300]
    found = set(zip(*(side.tolist() for side in near_pairs(texts)), strict=True))
    near = {
        (j, i)
        for j in range(len(texts))
        for i in range(j)
        if _similarity(texts[i], texts[j]) >= NEAR_THRESHOLD
    }
    assert found <= near
    assert len(near - found) <= 0.01 * len(near)


def test_planted_slips_of_a_real_set_are_found(utterances: list[str]) -> None:
    long = [text for text in utterances if len(near_key(text)) >= 20][:1000]
    slips = [text[:9] + text[10:] for text in long]
    groups = near_clusters([*long, *slips])
    assert sum(groups[i] == groups[len(long) + i] for i in range(len(long))) >= 0.99 * len(long)


@pytest.mark.parametrize(
    ("file", "largest"),
    [
        in_sample("snips", 250),
        in_sample("clinc150", 50),
        in_sample("banking77", 20),
        in_sample("nlupp_multi", 10),
        in_sample("crosswoz_zh", 70),
        in_complete_set("snips", 250),
        in_complete_set("clinc150", 50),
        in_complete_set("banking77", 20),
        in_complete_set("nlupp_multi", 10),
        in_complete_set("crosswoz_zh", 70),
    ],
)
def test_no_group_swallows_a_real_set(file: Path, largest: int) -> None:
    rows = json.loads(file.read_text(encoding="utf-8"))
    groups = Counter(near_clusters([row["instruction"] for row in rows]))
    assert max(groups.values()) <= largest


def test_an_index_finds_what_the_batch_finds(utterances: list[str]) -> None:
    index = NearIndex()
    matches = []
    for text in utterances[:500]:
        matches.append(index.match(text))
        index.add(text)
    later, earlier = near_pairs(utterances[:500])
    firsts = {int(j): int(np.min(earlier[later == j])) for j in set(later.tolist())}
    assert {j: i for j, i in enumerate(matches) if i is not None} == firsts


def test_an_index_counts_what_was_added() -> None:
    index = NearIndex()
    assert [index.match(FORECAST), index.add(FORECAST), index.add("play")] == [None, 0, 1]
    assert index.match(f"{FORECAST}!") == 0

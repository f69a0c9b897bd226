"""The budget holds, and when it ends what was made is complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.records import Example
from intentflow.synthesis import Teacher, TeacherError, synthesise
from intentflow.synthesis.budget import Budget
from intentflow.synthesis.teacher import TeacherBudget
from tests.synthesis.teacher_server import TeacherServer

Configure = Callable[..., Teacher]


@pytest.mark.parametrize("requests", [1, 2, 3, 5, 8])
def test_requests_stay_within_the_budget(
    requests: int, server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    settings = {"phrasings_per_request": 1, "budget": {"max_requests": requests}}
    result = synthesise(rows, teacher(**settings))
    assert len(server.bodies) == result.requests <= requests
    assert result.budget_exhausted
    assert len(result.examples) == requests // 2  # one request writes, one labels
    assert result.missing == {"buy": 8 - requests // 2}


@pytest.mark.parametrize("tokens", [100, 7_000, 9_000, 20_000])
def test_tokens_stay_within_the_budget(
    tokens: int, server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.usage = {"total_tokens": 1500}
    settings = {"phrasings_per_request": 1, "max_answer_tokens": 500}
    result = synthesise(rows, teacher(budget={"max_tokens": tokens}, **settings))
    assert result.tokens == 1500 * len(server.bodies) <= tokens
    assert result.budget_exhausted


def test_a_request_that_could_exceed_the_rest_is_not_sent(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    settings = {"budget": {"max_tokens": 10_000}, "max_answer_tokens": 9_000}
    assert synthesise(rows, teacher(**settings)).budget_exhausted
    assert not server.bodies


def test_without_usage_each_byte_counts_as_a_token(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.usage = None
    result = synthesise(rows, teacher())
    assert result.tokens >= sum(len(body) for body in server.bodies) * 0.8


def test_repeated_requests_count(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.faults = [(500, {}, b"{}")] * 20
    result = synthesise(rows, teacher(retries=20, budget={"max_requests": 6}))
    assert len(server.bodies) == 5  # and one is kept for the labels
    assert (result.budget_exhausted, result.examples) == (True, [])


def test_a_raised_budget_resumes_and_pays_for_nothing_again(
    server: TeacherServer, teacher: Configure, rows: list[Example], tmp_path: Path
) -> None:
    journal = tmp_path / "j.jsonl"
    one_go = synthesise(rows, teacher(phrasings_per_request=1))
    paid = len(server.bodies)
    for requests in (2, 3, 7, 100):
        asked = teacher(phrasings_per_request=1, budget={"max_requests": requests})
        result = synthesise(rows, asked, journal=journal)
    assert not result.missing
    assert len(result.examples) == len(one_go.examples)
    assert len(server.bodies) - paid == result.requests == 16


def test_the_budget_is_that_of_all_runs_together(
    server: TeacherServer, teacher: Configure, rows: list[Example], tmp_path: Path
) -> None:
    server.faults = [(500, {}, b"{}")] * 20
    asked = teacher(retries=1, budget={"max_requests": 5})
    for _ in range(2):
        with pytest.raises(TeacherError):
            synthesise(rows, asked, journal=tmp_path / "j.jsonl")
    assert synthesise(rows, asked, journal=tmp_path / "j.jsonl").budget_exhausted
    assert len(server.bodies) <= 5


@given(
    st.integers(1, 30),
    st.integers(1, 500),
    st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1), st.sampled_from("srk")), max_size=60),
)
def test_no_order_of_requests_exceeds_a_budget(
    requests: int, tokens: int, steps: list[tuple[int, float, str]]
) -> None:
    budget = Budget(TeacherBudget(max_requests=requests, max_tokens=tokens))
    for most, share, end in steps:
        hold = budget.hold(most)
        if hold and end == "s":
            hold.send()
            hold.settle(int(most * share))
        elif hold and end == "r":
            hold.release()
        assert budget.requests <= requests and budget.tokens <= tokens

"""The page of a comparison in a browser: statistics, changes, nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.feedback.drift.measurement import measure_drift
from intentflow.feedback.drift.page import write_drift_page
from intentflow.feedback.drift.rows import AnsweredRows
from tests.feedback.drift_rows import Answer, answers
from tests.validation.chromium import Page, opened_browser

pytestmark = pytest.mark.real

EVIL = "<img src=x onerror='window.ran = 1'>"
EVIL_NAME = "a&quot; onload=window.ran=1"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "drift.html"
    planted: list[Answer] = [(f"reserve a table {EVIL}", f"{EVIL_NAME}()", 0.5)]
    many = [(f"reserve table {number}", f"intent {number}()", 0.5) for number in range(40)]
    reference = AnsweredRows.of(answers(300, 1))
    requests = AnsweredRows.of(answers(240, 2) + planted * 30 + many)
    write_drift_page(path, measure_drift(reference, requests))
    return path


@pytest.fixture
def shown(browser: Page, page: Path) -> Page:
    browser.open(page, 1280)
    return browser


def test_the_console_stays_empty(shown: Page) -> None:
    assert shown.complaints() == []


def test_nothing_is_asked_for_but_the_page(shown: Page, page: Path) -> None:
    assert shown.requests() == [page.as_uri()]


def test_what_requests_hold_does_not_run(shown: Page) -> None:
    assert shown.evaluate("window.ran") is None
    assert shown.evaluate("document.querySelectorAll('img, script').length") == 0


def test_each_statistic_has_a_section(shown: Page) -> None:
    ids = shown.evaluate("[...document.querySelectorAll('section')].map(one => one.id)")
    expected = ["intents", "confidence", "length", "language", "unknown_words", "nearness"]
    assert ids == [*expected, "phrasing"]


def test_the_action_and_its_reasons_are_at_the_top(shown: Page) -> None:
    text = shown.evaluate("document.querySelector('main').innerText")
    assert "phrasing: retrain" in text or "phrasing: alert" in text


def test_a_bar_has_the_share_of_the_reference_as_a_mark(shown: Page) -> None:
    bars = "document.querySelectorAll('#confidence .track').length"
    marks = "document.querySelectorAll('#confidence .track .mark').length"
    assert shown.evaluate(bars) == shown.evaluate(marks) > 0


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window(browser: Page, page: Path, width: int) -> None:
    browser.open(page, width)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert browser.evaluate(f"[innerWidth, {fits}]") == [width, True]

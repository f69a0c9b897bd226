"""The page of a backtest in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.feedback.backtest.page import write_backtest_page
from intentflow.feedback.backtest.replay import replay
from tests.feedback.test_backtest import ALL, SETTINGS
from tests.validation.chromium import Page, opened_browser

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "backtest.html"
    write_backtest_page(path, replay(ALL, SETTINGS))
    return path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, page: Path) -> Iterator[Page]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as tab:
        tab.open(page, 1280)
        yield tab


def test_the_console_stays_empty(shown: Page) -> None:
    assert shown.complaints() == []


def test_nothing_is_asked_for_but_the_page(shown: Page, page: Path) -> None:
    assert shown.requests() == [page.as_uri()]


def test_each_policy_is_a_line_with_a_dot_a_week(shown: Page) -> None:
    assert shown.evaluate("document.querySelectorAll('.course polyline').length") == 3
    assert shown.evaluate("document.querySelectorAll('.course circle').length") == 12


def test_weeks_after_which_a_model_was_trained_are_marked(shown: Page) -> None:
    assert shown.evaluate("document.querySelectorAll('.course circle.retrained').length") >= 5


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window(shown: Page, page: Path, width: int) -> None:
    shown.open(page, width)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert shown.evaluate(f"[innerWidth, {fits}]") == [width, True]

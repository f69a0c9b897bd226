"""The page of a registry in a browser: lineage, scores, verdicts; no script runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from intentflow.registry.page import write_history_page
from tests.registry.entries import SERVICE, entry, model
from tests.validation.chromium import Page, opened_browser

pytestmark = pytest.mark.real

EVIL = "</p><img src=x onerror='window.ran = 1'><script>window.ran = 1</script>"
CIRCLES = "[...document.querySelectorAll('.scores circle')].map(dot => dot.getAttribute('class'))"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def _page(folder: Path, count: int) -> Path:
    """The page of a registry with one failed model among ``count`` and a deployment of each."""
    registry = Registry(folder / "registry")
    for number in range(count):
        passed = number != 1
        made = model(
            registry,
            number,
            metrics={"intent_accuracy": 0.9 + number / 10_000, "parameter_accuracy": 0.8},
            verdict={"passed": passed, "reasons": [] if passed else [EVIL]},
            recipe={EVIL: EVIL},
            sources=[{"uri": EVIL, "origins": [EVIL]}],
            created=f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}T00:00:00Z",
        )
        registry.add(entry("deployment", number, parents=[made]))
        if passed:
            registry.move(SERVICE, deployed(made), reason=EVIL)
    (folder / "registry/entries" / f"{'0' * 64}.json").write_text(EVIL)
    write_history_page(folder / "history.html", registry.listing(), EVIL)
    return folder / "history.html"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _page(tmp_path_factory.mktemp("small"), 3)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _page(tmp_path_factory.mktemp("large"), 100)


@pytest.fixture
def shown(browser: Page, small: Path) -> Page:
    browser.open(small, 1280)
    return browser


def test_the_console_stays_empty(shown: Page) -> None:
    assert shown.complaints() == []


def test_nothing_is_asked_for_but_the_page(shown: Page, small: Path) -> None:
    assert shown.requests() == [small.as_uri()]


def test_what_an_entry_holds_is_shown_and_does_not_run(shown: Page) -> None:
    assert EVIL in shown.evaluate("document.querySelector('main').innerText")
    assert shown.evaluate("window.ran") is None
    assert shown.evaluate("document.querySelectorAll('img, script').length") == 0


def test_each_model_is_a_dot_with_its_verdict(shown: Page) -> None:
    assert shown.evaluate(CIRCLES) == ["good", "bad", "good"] * 2


def test_each_entry_is_a_box_that_leads_to_its_section(shown: Page) -> None:
    targets = (
        "[...document.querySelectorAll('.lineage a')]"
        ".map(a => document.getElementById(a.getAttribute('href').slice(1)).tagName)"
    )
    assert shown.evaluate(targets) == ["SECTION"] * 9


def test_each_parent_is_joined_to_its_child(shown: Page) -> None:
    assert shown.evaluate("document.querySelectorAll('.lineage path').length") == 6


def test_one_box_is_marked_as_the_champion(shown: Page) -> None:
    assert shown.evaluate("document.querySelectorAll('.lineage rect.champion').length") == 1


def test_boxes_do_not_overlap(small: Path) -> None:
    corners = re.findall(r'<rect[^>]* x="(\d+)" y="(\d+)"', small.read_text("utf-8"))
    assert len(set(corners)) == len(corners) == 9


def test_a_damaged_file_is_named(shown: Page) -> None:
    text = shown.evaluate("document.querySelector('main').innerText")
    assert f"{'0' * 64}.json: damaged" in text


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window(browser: Page, large: Path, width: int) -> None:
    browser.open(large, width)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert browser.evaluate(f"[innerWidth, {fits}]") == [width, True]


def test_what_is_not_drawn_is_counted_and_listed(browser: Page, large: Path) -> None:
    browser.open(large, 1280)
    drawn = browser.evaluate("document.querySelectorAll('.lineage a').length")
    listed = browser.evaluate("document.querySelectorAll('section').length")
    assert (drawn, listed) == (150, 300)
    assert "The 150 oldest entries are not drawn" in large.read_text("utf-8")

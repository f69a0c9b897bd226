"""The HTML report."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.validation import validate, validation_html, write_validation_report
from tests.validation.chromium import Page, opened_browser

EVIL = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
ROWS = [
    *(Example(f"{EVIL} {i}", f"play({EVIL} {i})") for i in range(3)),
    *(Example(f"mail jane{i}@example.com", f"send(jane{i}@example.com)") for i in range(3)),
    Example("both", "play(); send()"),
    Example("x" * 400, "a_very_long_name_of_an_intent_for_a_narrow_page_indeed()"),
]


@pytest.fixture
def page() -> str:
    taxonomy = Taxonomy(intents={"play": Intent(description=EVIL)})
    return validation_html(validate(ROWS, taxonomy=taxonomy), name=EVIL, taxonomy=taxonomy)


def test_markup_is_shown_not_run(page: str) -> None:
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_the_page_refers_to_no_other_file(page: str) -> None:
    assert not re.search(r'(?:src|href)\s*=\s*"|@import|url\(', page)


def test_every_finding_stands_in_the_page_with_what_to_do(page: str) -> None:
    codes = {finding.code for finding in validate(ROWS).findings}
    assert codes <= set(re.findall(r'<section class="finding \w+" id="(\w+)"', page))
    assert page.count("What to do:") >= len(codes)


def test_the_distribution_is_drawn(page: str) -> None:
    assert page.count('class="fill') == 3


def test_examples_are_redacted(page: str) -> None:
    assert "jane0@example.com" not in page
    assert "send({{EMAIL}})" in page


def test_examples_are_shown_as_they_are_on_request_to_the_owner_only(tmp_path: Path) -> None:
    write_validation_report(tmp_path / "r.html", validate(ROWS), redact=False)
    assert "jane0@example.com" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600


def test_a_finding_carries_its_rows_as_json_lines(page: str) -> None:
    lines = html.unescape(re.findall(r'data-lines="([^"]*)"', page)[0]).splitlines()
    assert [set(json.loads(line)) for line in lines] == [{"row", "instruction", "output"}] * 5


def test_rows_to_copy_are_redacted(page: str) -> None:
    assert not re.search(r'data-lines="[^"]*jane0@example.com', page)


def test_a_long_utterance_is_cut_in_the_page_and_reports_it() -> None:
    page = validation_html(validate([Example("x" * 5_000, "a()")]), name="long")
    assert "… and 4,000 more characters" in page
    assert len(page) < 40_000


def test_a_page_about_no_row_can_be_made() -> None:
    assert "no_rows" in validation_html(validate([]), name="empty")


def test_many_intents_are_folded_away() -> None:
    rows = [Example(f"{i}", f"i{i}()") for i in range(40)]
    assert "10 more intents" in validation_html(validate(rows), name="many")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def shown(page: str, tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    return tmp_path / "page.html"


@pytest.mark.real
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window(browser: Page, shown: Path, width: int) -> None:
    browser.open(shown, width)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert browser.evaluate(f"[innerWidth, {fits}]") == [width, True]


@pytest.mark.real
@pytest.mark.parametrize("width", [1280, 390])
def test_no_text_is_smaller_than_can_be_read(browser: Page, shown: Path, width: int) -> None:
    browser.open(shown, width)
    smallest = (
        "Math.min(...[...document.querySelectorAll('main *')].filter(e => e.innerText)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert browser.evaluate(smallest) >= 12


@pytest.mark.real
def test_a_browser_runs_nothing_that_an_utterance_holds(browser: Page, shown: Path) -> None:
    browser.open(shown, 1280)
    assert browser.evaluate("[window.ran, document.title.includes('<script>')]") == [None, True]
    assert browser.evaluate("document.querySelectorAll('main img').length") == 0


@pytest.mark.real
def test_a_script_that_is_not_the_pages_own_is_refused(browser: Page, shown: Path) -> None:
    text = shown.read_text(encoding="utf-8")
    shown.write_text(text.replace("<main>", "<main><script>window.ran = 1</script>"))
    browser.open(shown, 1280)
    assert browser.evaluate("window.ran") is None


@pytest.mark.real
@pytest.mark.parametrize("width", [1280, 390])
def test_a_findings_rows_can_be_copied_as_json_lines(
    browser: Page, shown: Path, width: int
) -> None:
    browser.open(shown, width)
    browser.send("Browser.grantPermissions", permissions=["clipboardReadWrite"])
    browser.click("#too_few_examples button.copy")
    browser.evaluate("new Promise(done => setTimeout(done, 200))")
    copied = browser.evaluate("navigator.clipboard.readText()")
    rows = [json.loads(line) for line in copied.splitlines()]
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["instruction"] == f"{EVIL} 0"
    assert rows[4]["output"] == "send({{EMAIL}})"


@pytest.mark.real
def test_rows_can_be_copied_where_the_clipboard_is_refused(browser: Page, shown: Path) -> None:
    browser.open(shown, 1280)
    browser.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    browser.evaluate("document.execCommand = () => false")
    browser.click("#too_few_examples button.copy")
    browser.evaluate("new Promise(done => setTimeout(done, 200))")
    assert browser.evaluate("getSelection().toString()").count("instruction") == 5


def _advice_row(page: str, key: str) -> list[str]:
    """The cells of a row of the table of advice."""
    table = page[page.index("Advice for the recipe") :]
    row = re.search(rf"<tr>\s*<td[^>]*>{key}</td>.*?</tr>", table, re.DOTALL)
    assert row is not None
    return [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row[0], re.DOTALL)]


def test_advice_for_a_recipe_stands_next_to_the_recipes_own_value() -> None:
    recipe = Recipe.load("llama-3-8b/qlora", ["learning_rate=0.01"])
    page = validation_html(validate(ROWS, recipe=recipe), name="rows")
    assert _advice_row(page, "learning_rate")[1:3] == ["0.0002", "0.01"]


def test_advice_without_a_recipe_is_for_each_method(page: str) -> None:
    assert _advice_row(page, "learning_rate")[1] == "full 2e-05, lora 0.0003, qlora 0.0003"

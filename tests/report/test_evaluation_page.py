"""The evaluation report in a browser: its scripts work, and nothing else runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.artifacts.request_log import LoggedCorrection
from intentflow.cli.main import main
from intentflow.evaluation.report import Prices
from intentflow.evaluation.run import Evaluation
from intentflow.records import read_records
from tests.evaluation.report.pages import evaluation, many, page
from tests.validation.chromium import Page, opened_browser

pytestmark = pytest.mark.real

EVIL = "</script><img src=x onerror='window.ran = 1'><script>window.ran = 1</script>"
CELL = '#matrix .cell[data-gold="play"][data-predicted="sing"]'
SHOWN = "[...document.querySelectorAll('#row-table tbody tr')].map(row => row.cells[2].innerText)"
COUNT = "document.getElementById('row-count').innerText"


def _small() -> Evaluation:
    rows = [
        *((f"sing {n}", "play()", "sing()") for n in range(30)),
        *((f"fine {n}", "play()", "play()") for n in range(40)),
        (EVIL, "play()", "stop()"),
        ("broken", "stop()", "stop("),
        ("other artist", "play(a)", "play(b)"),
        ("\u2028 far", "stop()", "wind_down()"),
    ]
    return evaluation(*rows, confidences=[n / len(rows) for n in range(len(rows))], seconds=1.0)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    page(folder, _small(), prices=Prices(2.0))
    return folder / "report.html"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    page(folder, many(5_000, 150), prices=Prices(2.0))
    return folder / "report.html"


@pytest.fixture
def shown(browser: Page, small: Path) -> Page:
    """The small page, freshly opened."""
    browser.open(small, 1280)
    return browser


def _type(tab: Page, name: str, text: str) -> None:
    tab.evaluate(
        f"(() => {{ const field = document.getElementById('{name}'); field.value = {text!r};"
        "field.dispatchEvent(new Event('input')) })()"
    )


def test_the_console_stays_empty(shown: Page) -> None:
    assert shown.complaints() == []


def test_nothing_is_asked_for_but_the_page(shown: Page, small: Path) -> None:
    assert shown.requests() == [small.as_uri()]


def test_what_an_utterance_holds_is_shown_and_does_not_run(shown: Page) -> None:
    _type(shown, "row-text", "onerror")
    assert shown.evaluate(SHOWN) == [EVIL]
    assert shown.evaluate("window.ran") is None
    assert shown.evaluate("document.querySelectorAll('img').length") == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window(browser: Page, large: Path, width: int) -> None:
    browser.open(large, width)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert browser.evaluate(f"[innerWidth, {fits}]") == [width, True]


@pytest.mark.parametrize("width", [1280, 390])
def test_no_text_is_smaller_than_can_be_read(browser: Page, large: Path, width: int) -> None:
    browser.open(large, width)
    smallest = (
        "Math.min(...[...document.querySelectorAll('main *')].filter(e => e.innerText)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert browser.evaluate(smallest) >= 12


def test_a_filter_leaves_the_intents_that_match(browser: Page, large: Path) -> None:
    browser.open(large, 1280)
    _type(browser, "intent-filter", "INTENT_14")
    visible = "document.querySelectorAll('#intent-rows tr:not([hidden])').length"
    assert browser.evaluate(visible) == 10


def test_all_intents_are_shown_on_request(browser: Page, large: Path) -> None:
    browser.open(large, 390)
    visible = (
        "[...document.querySelectorAll('#intent-rows tr')].filter(row => row.offsetHeight).length"
    )
    assert browser.evaluate(visible) == 20
    browser.click("#intent-all")
    assert browser.evaluate(visible) == 150


def test_wrong_rows_are_shown_a_page_at_a_time(shown: Page) -> None:
    assert shown.evaluate(f"{SHOWN}.length") == 25
    shown.click("#row-on")
    assert shown.evaluate(f"{SHOWN}.length") == 9


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("row-text", "SING 1", 11),
        ("row-intent", "wind", 1),
        ("row-what", "3", 1),
        ("row-what", "1", 1),
        ("row-what", "0", 40),
        ("row-what", "all", 74),
        ("row-sure", "0.1", 8),
    ],
)
def test_a_filter_leaves_the_rows_that_match(shown: Page, name: str, text: str, count: int) -> None:
    _type(shown, name, text)
    assert shown.evaluate(COUNT).startswith(f"{count} of 74 rows")


def test_rows_can_be_ordered_by_confidence(shown: Page) -> None:
    _type(shown, "row-order", "least")
    assert shown.evaluate(f"{SHOWN}[0]") == "sing 0"


def test_reset_shows_the_wrong_rows_again(shown: Page) -> None:
    _type(shown, "row-text", "nothing has this")
    shown.click("#row-reset")
    assert shown.evaluate(COUNT).startswith("34 of 74 rows")


def test_a_cell_shows_what_it_counts_with_examples(shown: Page) -> None:
    shown.click(CELL)
    reported = shown.evaluate("document.getElementById('matrix-detail').innerText")
    assert "play → sing" in reported and "30 of 72 labelled play were answered sing" in reported
    assert "sing 29" in reported


def test_a_cells_rows_are_shown_on_request(shown: Page) -> None:
    shown.click(CELL)
    shown.click("#matrix-detail button")
    assert "30 of 74 rows labelled play, answered sing" in shown.evaluate(COUNT)


def test_a_cell_is_reached_and_opened_by_keys(shown: Page) -> None:
    shown.evaluate("document.querySelector('#matrix .cell[tabindex=\"0\"]').focus()")
    reached = []
    for key in ("Home", "ArrowRight", "ArrowDown", "Enter"):
        shown.press(key)
        reached.append(shown.evaluate("document.activeElement.ariaLabel"))
    pressed = shown.evaluate("document.querySelector('#matrix [aria-pressed=true]').ariaLabel")
    assert len(set(reached)) == 3 and pressed == reached[-1]


def test_one_cell_alone_is_in_the_order_of_tabs(shown: Page) -> None:
    shown.click(CELL)
    assert shown.evaluate("document.querySelectorAll('#matrix .cell[tabindex=\"0\"]').length") == 1


def test_the_matrix_is_filtered_by_name_with_what_it_is_confused_with(shown: Page) -> None:
    _type(shown, "matrix-filter", "wind")
    names = "[...document.querySelectorAll('#matrix .grid .row')].map(e => e.innerText).sort()"
    assert shown.evaluate(names) == ["stop", "wind_down"]


def test_the_matrix_is_zoomed(shown: Page) -> None:
    _type(shown, "matrix-zoom", "40")
    assert shown.evaluate(f"document.querySelector('{CELL}').offsetWidth") == 40


def test_five_thousand_rows_of_150_intents_are_there_within_three_seconds(
    browser: Page, large: Path
) -> None:
    started = time.perf_counter()
    browser.open(large, 1280)
    _type(browser, "matrix-size", "150")
    cells = browser.evaluate("document.querySelectorAll('#matrix .cell').length")
    seconds = time.perf_counter() - started
    assert cells > 1_000 and seconds < 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(shown: Page, scheme: str) -> None:
    """At least 4.5 to 1, as WCAG 2.2 asks (1.4.3), in cells, judgements and quiet text."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    shown.send("Emulation.setEmulatedMedia", features=features)
    least = shown.evaluate(_CONTRAST)
    shown.send("Emulation.setEmulatedMedia", features=[])
    assert least >= 4.5


def test_the_page_fits_a_sheet_of_paper(browser: Page, large: Path) -> None:
    browser.open(large, 718)  # A4 with Chromium's margins
    browser.send("Emulation.setEmulatedMedia", media="print")
    widest = (
        "Math.max(...[...document.querySelectorAll('table, .grid')]"
        ".map(e => e.getBoundingClientRect().right))"
    )
    right = browser.evaluate(widest)
    browser.send("Emulation.setEmulatedMedia", media="")
    assert right <= 718


def test_readers_without_scripts_see_intents_confusions_and_rows(
    browser: Page, small: Path
) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.send("Page.navigate", url=small.as_uri())
        time.sleep(0.5)
        tables = browser.evaluate("document.querySelectorAll('table').length")
        hidden = browser.evaluate("document.getElementById('matrix').offsetHeight")
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert tables >= 4 and hidden == 0


# The lowest contrast of cells and quiet text, by WCAG's relative luminance.
_CONTRAST = """(() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const layered = (colors) => {
    paint.clearRect(0, 0, 1, 1);
    for (const color of colors) { paint.fillStyle = color; paint.fillRect(0, 0, 1, 1); }
    return paint.getImageData(0, 0, 1, 1).data;
  };
  const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const c = rgb[i] / 255;
    return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const paper = getComputedStyle(document.body).backgroundColor;
  const ratio = (element) => {
    const style = getComputedStyle(element);
    const ground = light(layered([paper, style.backgroundColor]));
    const text = light(layered([style.color]));
    return (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
  };
  return Math.min(...[...document.querySelectorAll('.cell, .quiet, .judgement, label')].map(ratio));
})()"""


def _correct(tab: Page, *outputs: str) -> None:
    """Write right calls into the first rows of the table."""
    for place, output in enumerate(outputs):
        tab.evaluate(
            f"(() => {{ const field = document.querySelectorAll('.correct input')[{place}];"
            f"field.value = {output!r}; field.dispatchEvent(new Event('input')) }})()"
        )


def _saved(tab: Page, folder: Path) -> Path:
    """The file that the page saves."""
    tab.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    tab.click("#row-save")
    file, end = folder / "corrections.jsonl", time.monotonic() + 10
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return file


def test_corrections_are_saved_as_json_lines(shown: Page, tmp_path: Path) -> None:
    _type(shown, "row-text", "other artist")
    _correct(shown, " play(c) ")
    (line,) = LoggedCorrection.read_rows(_saved(shown, tmp_path))
    assert (line.instruction, line.output, line.prediction) == (
        "other artist",
        "play(c)",
        "play(b)",
    )


def test_a_correction_outlives_filters_and_pages(shown: Page, tmp_path: Path) -> None:
    _correct(shown, "play(1)", "", "play(3)")
    shown.click("#row-on")
    _type(shown, "row-text", "nothing has this")
    outputs = [line.output for line in LoggedCorrection.read_rows(_saved(shown, tmp_path))]
    assert outputs == ["play(1)", "play(3)"]


def test_nothing_is_saved_without_a_correction(shown: Page) -> None:
    assert shown.evaluate("document.getElementById('row-save').disabled")
    _correct(shown, "play(1)")
    assert shown.evaluate("document.getElementById('row-save').innerText") == "Save 1 correction"


def test_feedback_makes_labels_of_saved_corrections(shown: Page, tmp_path: Path) -> None:
    _type(shown, "row-text", "other artist")
    _correct(shown, "play(c)")
    assert main(["feedback", str(_saved(shown, tmp_path)), "-o", str(tmp_path / "out")]) == 0
    (label,) = read_records(tmp_path / "out/labels.jsonl")
    assert (label.instruction, label.output) == ("other artist", "play(c)")
    (pair,) = (tmp_path / "out/pairs.jsonl").read_text().splitlines()
    assert json.loads(pair)["prediction"] == "play(b)"


def test_convert_makes_records_of_saved_corrections(shown: Page, tmp_path: Path) -> None:
    _type(shown, "row-text", "other artist")
    _correct(shown, "play(c)")
    saved = _saved(shown, tmp_path)
    assert main(["convert", str(saved), "-o", str(tmp_path / "records.jsonl")]) == 0
    (row,) = read_records(tmp_path / "records.jsonl")
    assert (row.instruction, row.output) == ("other artist", "play(c)")


def test_a_row_that_is_too_long_for_the_page_takes_no_correction(
    browser: Page, tmp_path: Path
) -> None:
    page(tmp_path, evaluation(("x " * 400, "play()", "stop()")))
    browser.open(tmp_path / "report.html", 1280)
    assert browser.evaluate("document.querySelector('.correct input').disabled")

"""The HTML report."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.validate import validate, validation_html, write_validation_report
from tests.real_parts.process import unavailable

EVIL = "<script>document.title = 'run'</script>"
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
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_refers_to_no_other_file(page: str) -> None:
    assert not re.search(r"(?:src|href)\s*=|@import|url\(", page)


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


def test_a_page_about_no_row_can_be_made() -> None:
    assert "no_rows" in validation_html(validate([]), name="empty")


def test_many_intents_are_folded_away() -> None:
    rows = [Example(f"{i}", f"i{i}()") for i in range(40)]
    assert "10 more intents" in validation_html(validate(rows), name="many")


@pytest.mark.real
@pytest.mark.parametrize("width", [1280, 500])
def test_a_browser_shows_the_page_without_running_or_overflowing(
    page: str, tmp_path: Path, width: int
) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        unavailable("no Chromium here: apt-get install chromium")
    # The page allows no script, so the probe is a frame around it.
    probe = (
        "<iframe id=f style='border:0;width:100%;height:9000px'></iframe><script>"
        "f.srcdoc = PAGE; f.onload = () => { const d = f.contentDocument;"
        "document.title = [d.documentElement.scrollWidth <= d.documentElement.clientWidth,"
        "d.title.includes('<script>'), d.querySelectorAll('.fill').length].join() }</script>"
    )
    text = json.dumps(page).replace("</", "<\\/")
    (tmp_path / "probe.html").write_text(probe.replace("PAGE", text), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    dom = subprocess.run(
        [*command, "--virtual-time-budget=2000", "--dump-dom", f"file://{tmp_path}/probe.html"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "<title>true,true,3</title>" in dom

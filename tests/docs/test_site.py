"""The site is built strictly and needs no other host; links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from scripts.docs.site import generated_pages
from tests.docs.pages import PAGES, ROOT, page_id

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_FOLDERS = tuple(f"{it.name}/" for it in ROOT.iterdir() if it.is_dir() and it.name[0] != ".")
_PATTERN = re.compile(r"NAME|[<*…:({]|^(runs|build)/")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


class _Resources(HTMLParser):
    """Addresses that a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag fetches."""
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.found.append(given.get("src") or "")
        if tag == "link" and given.get("rel") in ("stylesheet", "preconnect", "icon", "preload"):
            self.found.append(given.get("href") or "")


def _build(configuration: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]  # --quiet counts no warning
    return subprocess.run(
        [*command, "-f", str(configuration), "-d", str(site)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = _build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_fetch_nothing_from_another_host(site: Path) -> None:
    foreign = []
    for page in site.rglob("*.html"):
        resources = _Resources()
        resources.feed(page.read_text(encoding="utf-8"))
        foreign += [it for it in resources.found if re.match(r"(https?:)?//", it)]
    assert foreign == []


@pytest.mark.parametrize(
    "page",
    [
        "reference/commands.html",
        "reference/configuration/gate.html",
        "reference/artifacts/metrics.html",
        "contributing.html",
    ],
)
def test_pages_that_are_no_files_of_the_folder_are_in_the_site(site: Path, page: str) -> None:
    assert (site / page).is_file()


def test_generated_pieces_are_in_the_pages(site: Path) -> None:
    page = (site / "explanation/architecture.html").read_text(encoding="utf-8")
    assert "<code>openai_api</code>" in page


@pytest.mark.parametrize("link", ["nowhere.md", "index.md#nowhere"])
def test_a_link_that_leads_nowhere_fails_the_build(link: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    with (tmp_path / "docs" / "limits.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[nowhere]({link})\n")
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    changed = text.replace("docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}")
    changed = changed.replace("scripts/docs/", f"{ROOT}/scripts/docs/")
    (tmp_path / "mkdocs.yml").write_text(changed, encoding="utf-8")
    done = _build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert f"'{link}'" in done.stdout + done.stderr


@pytest.mark.parametrize("page", [pytest.param(page, id=page_id(page)) for page in PAGES])
def test_links_between_files_of_the_project_lead_to_files(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    links = [a or b for a, b in _LINK.findall(text)]
    local = [it.partition("#")[0] for it in links if not re.match(r"[a-z]+:|#", it)]
    generated = {ROOT / "docs" / name for name in generated_pages()}
    targets = [Path(os.path.normpath(page.parent / it)) for it in local]
    assert [it for it in targets if not it.exists() and it not in generated] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=page_id(page)) for page in PAGES])
def test_files_of_the_project_that_a_page_names_exist(page: Path) -> None:
    spans = re.findall(r"`([^`\s]+)`", page.read_text(encoding="utf-8"))
    named = [it for it in spans if it.startswith(_FOLDERS) and not _PATTERN.search(it)]
    assert [it for it in named if not (ROOT / it).exists()] == []


def test_the_navigation_names_no_host() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "://" not in text
    assert yaml.safe_load(text)["strict"] is True

"""The pieces that every report is made of."""

import re
from pathlib import Path

import jinja2
import pytest

from intentflow.report import PageHeader, render, write_report
from intentflow.report.page import _environment, with_header


def _page(body: str, **context: object) -> str:
    source = '{% extends "base.html" %}{% import "parts.html" as parts %}{% block title %}'
    source += "{{ name | default('t') }}{% endblock %}{% block content %}" + body + "{% endblock %}"
    return _environment().from_string(source).render(context, header=PageHeader())


def test_markup_in_a_text_is_shown_not_run() -> None:
    page = _page("{{ parts.tiles([{'label': evil, 'value': evil}]) }}", evil="<script>x</script>")
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 2


def test_a_page_refers_to_no_other_file() -> None:
    page = render("base.html", PageHeader())
    assert "http://" not in page and "https://" not in page and "<link" not in page


def test_the_style_is_inline_and_not_escaped() -> None:
    assert '"Noto Sans"' in render("base.html", PageHeader())


def test_a_bar_is_as_wide_as_its_share() -> None:
    page = _page("{{ parts.bars([{'name': 'a', 'share': 0.25, 'value': '5'}], mark=0.5) }}")
    assert "width: 25.00%" in page and "left: 50.00%" in page


def test_a_missing_value_is_an_error_not_a_blank() -> None:
    with pytest.raises(jinja2.UndefinedError):
        _page("{{ nothing }}")


def test_a_report_with_a_lone_surrogate_is_still_written(tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", "a\ud800b")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == "a\\ud800b"


def test_a_page_begins_with_run_date_data_model_and_verdict() -> None:
    page = render("base.html", PageHeader(run="r1", data="a.csv", model="m", verdict="passed"))
    head = page.partition("<main>")[0]
    labels = ["Run", "Date", "Data", "Model", "Verdict"]
    assert re.findall(r"<dt>(.*?)</dt>", head) == labels
    values = re.findall(r"<dd.*?>(.*?)</dd>", head)
    assert [values[0], *values[2:]] == ["r1", "a.csv", "m", "passed"]


def test_what_the_head_does_not_know_is_a_dash() -> None:
    assert re.findall(r"<dd>(–)</dd>", render("base.html", PageHeader())) == ["–"] * 4


def test_another_head_replaces_that_of_a_page_and_nothing_else() -> None:
    page = render("base.html", PageHeader(run="the old run", date="now"))
    assert with_header(page, PageHeader(run=r"\1 <b>", date="now")) == page.replace(
        "the old run", r"\1 &lt;b&gt;"
    )

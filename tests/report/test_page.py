"""The pieces that every report is made of."""

from pathlib import Path

import jinja2
import pytest

from intentflow.report import render, write_report
from intentflow.report.page import _environment


def _page(body: str, **context: object) -> str:
    source = '{% extends "base.html" %}{% import "parts.html" as parts %}{% block title %}'
    source += "{{ name | default('t') }}{% endblock %}{% block content %}" + body + "{% endblock %}"
    return _environment().from_string(source).render(context)


def test_markup_in_a_text_is_shown_not_run() -> None:
    page = _page("{{ parts.tiles([{'label': evil, 'value': evil}]) }}", evil="<script>x</script>")
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 2


def test_a_page_refers_to_no_other_file() -> None:
    page = render("base.html")
    assert "http://" not in page and "https://" not in page and "<link" not in page


def test_the_style_is_inline_and_not_escaped() -> None:
    assert '"Noto Sans"' in render("base.html")


def test_a_bar_is_as_wide_as_its_share() -> None:
    page = _page("{{ parts.bars([{'name': 'a', 'share': 0.25, 'value': '5'}], mark=0.5) }}")
    assert "width: 25.00%" in page and "left: 50.00%" in page


def test_a_missing_value_is_an_error_not_a_blank() -> None:
    with pytest.raises(jinja2.UndefinedError):
        _page("{{ nothing }}")


def test_a_report_with_a_lone_surrogate_is_still_written(tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", "a\ud800b")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == "a\\ud800b"

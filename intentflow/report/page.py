"""Rendering of report pages from the templates that ship with the package."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from intentflow import __version__
from intentflow.io.files import atomic_file


def render(template: str, **context: Any) -> str:
    """Render a page.

    Args:
        template: Name of a file in ``intentflow/report/templates``; usually one that says
            ``{% extends "base.html" %}`` and imports macros from ``parts.html``.
        **context: Values for the template. Strings are escaped wherever they are written.

    Returns:
        One HTML document without references to other files.

    Raises:
        jinja2.UndefinedError: The template uses a value that was not given.
    """
    return _environment().get_template(template).render(context)


def json_for_page(value: object) -> Markup:
    """JSON for a ``<script type="application/json">``: no text in it can end the script."""
    return htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_report(path: str | Path, html: str, *, private: bool = False) -> None:
    """Write a rendered page, whole or not at all.

    Args:
        path: The file to write.
        html: What :func:`render` returned.
        private: Readable by the owner only, for a page that shows personal data.

    Raises:
        IntentflowError: The place cannot be written.
    """
    with atomic_file(path, private=private) as partial:
        partial.write_text(html, encoding="utf-8", errors="backslashreplace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("intentflow.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["thousands"] = _thousands
    environment.filters["json"] = json_for_page
    environment.globals["version"] = __version__
    environment.globals["script_hash"] = _script_hash
    return environment


def _script_hash(template: str) -> Markup:
    """What a content security policy calls the script of a template: no other one is run."""
    script = _environment().get_template(template).render()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Markup(f"'sha256-{digest}'")


def percent(rate: float | None, digits: int = 1) -> str:
    """A rate in [0, 1] as a percentage; a dash for none."""
    return "–" if rate is None else f"{rate:.{digits}%}"


def _thousands(number: int) -> str:
    return f"{number:,}"

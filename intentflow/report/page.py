"""Rendering of report pages from the package's templates."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from intentflow.io.files import atomic_file
from intentflow.printable import NO_VALUE
from intentflow.report.header import PageHeader, with_facts
from intentflow.version import __version__


def render(template: str, header: PageHeader, **context: Any) -> str:
    """Render a page.

    Args:
        template: Name of a file in ``intentflow/report/templates``; usually one that extends
            ``base.html`` and imports macros from ``parts.html``.
        header: The facts at its head.
        **context: Values for the template. Strings are escaped wherever they are written.

    Returns:
        One HTML document without references to other files.

    Raises:
        jinja2.UndefinedError: The template uses a value that is missing from the context.
    """
    return _environment().get_template(template).render(context, header=header)


def with_header(page: str, header: PageHeader) -> str:
    """A rendered page with other facts at its head.

    Args:
        page: A page of :func:`render`.
        header: The facts to show instead.
    """
    return with_facts(page, _environment().get_template("facts.html").render(header=header))


def json_for_page(value: object) -> Markup:
    """JSON for a ``<script type="application/json">``; no text in it can close the element."""
    return htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_report(path: str | Path, html: str, *, private: bool = False) -> None:
    """Write a rendered page atomically.

    Args:
        path: The file to write.
        html: The rendered page, see :func:`render`.
        private: Whether only the owner may read the file, for pages that show personal data.

    Raises:
        InputError: The file cannot be written.
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
    """The hash by which a content security policy allows the script of a template, and no other."""
    script = _environment().get_template(template).render()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Markup(f"'sha256-{digest}'")


def percent(rate: float | None, digits: int = 1) -> str:
    """Format a rate in [0, 1] as a percentage; a dash for None.

    Example:
        >>> percent(0.953)
        '95.3%'
    """
    return NO_VALUE if rate is None else f"{rate:.{digits}%}"


def _thousands(number: int) -> str:
    return f"{number:,}"

"""The public Python API; mkdocstrings fills in signatures and docstrings."""

from __future__ import annotations

from collections.abc import Iterable

import intentflow


def python_page() -> str:
    """The page with everything that ``import intentflow`` exports."""
    names = [name for name in intentflow.__all__ if not name.startswith("__")]
    errors = [name for name in names if _is_error(name)]
    classes = [name for name in names if name[0].isupper() and name not in errors]
    functions = [name for name in names if name[0].islower()]
    parts = [
        "# Python\n",
        "What `import intentflow` gives; other modules may change without notice. The keys of "
        "configurations are listed under [Configuration](configuration/index.md).\n",
        *_section("Functions", functions),
        *_section("Classes", classes),
        *_section("Errors", errors),
    ]
    return "\n".join(parts)


def _is_error(name: str) -> bool:
    value = getattr(intentflow, name)
    return isinstance(value, type) and issubclass(value, Exception)


def _section(title: str, names: Iterable[str]) -> list[str]:
    return [f"## {title}\n", *(f"::: intentflow.{name}\n" for name in names)]

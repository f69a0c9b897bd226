"""The public Python API; mkdocstrings fills in signatures and docstrings."""

from __future__ import annotations

import intentflow

_CLIENT = "intentflow.serving.client"


def python_page() -> str:
    """The page with everything that ``import intentflow`` exports, and the client."""
    parts = [
        "# Python\n",
        "What `import intentflow` gives, and the client of a service. Other modules may change "
        "without notice.\n",
    ]
    parts += [f"::: {path}\n" for path in public_paths()]
    return "\n".join(parts)


def public_paths() -> list[str]:
    """Where each exported name is defined, in the order of the exports."""
    names = [name for name in intentflow.__all__ if not name.startswith("__")]
    found = [_defined(name) for name in names]
    client = [f"{_CLIENT}.{name}" for name in ("IntentClient", "AsyncIntentClient", "Recognition")]
    return found + [path for path in client if path not in found]


def _defined(name: str) -> str:
    value = getattr(intentflow, name)
    module = getattr(value, "__module__", "intentflow")
    return f"{module}.{getattr(value, '__qualname__', name)}"

"""The components of the graphs; mkdocstrings reads their docstrings."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator

from intentflow import components


def components_page() -> str:
    """The page with a section for each component."""
    parts = [
        "# Components\n",
        "KFP's interface of each step of the graph. Inputs and outputs are artifacts; the body calls the "
        "step's function in `intentflow.pipeline.steps`.\n",
    ]
    parts += [f"::: intentflow.components.{name}.component.{name}\n" for name in component_names()]
    return "\n".join(parts)


def component_names() -> Iterator[str]:
    """Folders of ``intentflow.components``."""
    return (module.name for module in pkgutil.iter_modules(components.__path__) if module.ispkg)

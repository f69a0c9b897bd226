"""The components of the graphs, from the READMEs that their docstrings give."""

from __future__ import annotations

import re

from scripts.component_readmes import readme, steps


def components_page() -> str:
    """The page with a section for each component."""
    parts = [
        "# Components\n",
        "KFP's interface of each step of the graph. Inputs and outputs are artifacts or "
        "parameters; the body calls the step's function in `intentflow.pipeline.steps`.\n",
        *map(_section, steps()),
    ]
    return "\n".join(parts)


def _section(step: str) -> str:
    """A component's README as a section of the page."""
    text = readme(step).partition("-->\n")[2]
    return re.sub(r"^## (.+)$", r"**\1**", text, flags=re.MULTILINE).replace("# ", "## ", 1)

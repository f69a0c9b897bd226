"""The components of the graphs, from the READMEs that their docstrings give."""

from __future__ import annotations

import re

from intentflow.pipeline.options import default_image
from intentflow.pipeline.step_resources import STEP_RESOURCES
from scripts.component_readmes import readme, steps


def components_page() -> str:
    """The page with a section for each component."""
    parts = [
        "# Components\n",
        "KFP's interface of each step of the graph. Inputs and outputs are artifacts or "
        "parameters; the body calls the step's function in `intentflow.pipeline.steps`.\n",
        _resources_table(),
        *map(_section, steps()),
    ]
    return "\n".join(parts)


def _resources_table() -> str:
    """Image, default request and limit of each step."""
    lines = [
        "Requests and limits where [the options](configuration/pipeline.md) set none:\n",
        "| step | image | CPU | memory |",
        "|---|---|---|---|",
    ]
    for step, resources in STEP_RESOURCES.items():
        amounts = (f"{request}, at most {limit}" for request, limit in resources)
        lines.append(f"| {step} | {_images(step)} | {' | '.join(amounts)} |")
    return "\n".join([*lines, ""])


def _images(step: str) -> str:
    """Image of a step, and the one for a GPU where it is another."""
    image, on_gpu = default_image(step), default_image(step, gpu=True)
    return f"`{image}`" if image == on_gpu else f"`{image}`, with a GPU `{on_gpu}`"


def _section(step: str) -> str:
    """A component's README as a section of the page."""
    text = readme(step).partition("-->\n")[2]
    return re.sub(r"^## (.+)$", r"**\1**", text, flags=re.MULTILINE).replace("# ", "## ", 1)

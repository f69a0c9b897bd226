"""Pieces of hand-written pages that the code knows better."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

from scripts.docs.http_routes import routes

ROOT = Path(__file__).resolve().parents[2]


def layers() -> str:
    """The layers of packages, top first, with what each package is."""
    rows = "\n".join(f"| {_named(line)} | {_about(line)} |" for line in _layer_lines())
    return f"| package | what it is |\n|---|---|\n{rows}"


def reject_reasons() -> str:
    """Why ``convert`` rejects a row."""
    from intentflow.conversion.export_format import REASONS

    rows = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in REASONS.items())
    return f"| reason | meaning |\n|---|---|\n{rows}"


def step_resources() -> str:
    """The image of each step of the graph, and its default requests and limits."""
    from intentflow.pipeline.options import default_image
    from intentflow.pipeline.step_resources import STEP_RESOURCES

    rows = []
    for step, (cpu, memory) in STEP_RESOURCES.items():
        image = default_image(step).rpartition(":")[0]
        if (with_gpu := default_image(step, gpu=True).rpartition(":")[0]) != image:
            image += f"`, with a GPU `{with_gpu}"
        rows.append(f"| `{step}` | `{image}` | {' to '.join(cpu)} | {' to '.join(memory)} |")
    return "\n".join(["| step | image | CPUs | memory |", "|---|---|---|---|", *rows])


def _layer_lines() -> Iterator[list[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        for line in contract.get("layers", ()):
            names = [name.strip() for name in line.replace("|", ":").split(":")]
            if present := [name for name in names if not name.startswith("(")]:
                yield present


def _named(line: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in line)


def _about(line: list[str]) -> str:
    return "; ".join(_first_line(name) for name in line)


def _first_line(name: str) -> str:
    text = importlib.import_module(f"intentflow.{name}").__doc__ or ""
    return text.strip().partition("\n\n")[0].replace("\n", " ").rstrip(".").replace("``", "`")


FRAGMENTS = {
    "layers": layers,
    "reject-reasons": reject_reasons,
    "routes": routes,
    "step-resources": step_resources,
}

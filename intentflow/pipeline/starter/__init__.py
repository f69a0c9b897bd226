"""Starter files: commented configuration files for a new project, as examples or for its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from intentflow.errors import InputError
from intentflow.io.files import atomic_file
from intentflow.pipeline.starter.gate_draft import GateDraft
from intentflow.pipeline.starter.taxonomy_draft import TaxonomyDraft
from intentflow.recipe.recipe import Recipe
from intentflow.validation.recipe_choice import SMALL_RECIPE


@dataclass(frozen=True)
class Starter:
    """Contents of the files that differ from project to project.

    Attributes:
        sources: Labelling exports, as paths relative to the folder, or addresses.
        format: Format of the exports.
        columns: Keys of ``data`` that name fields of the exports.
        name: Name of the service.
        recipe: The recipe.
        gate: Thresholds.
        taxonomy: The intents; those of the labelling guide as an example if None.
    """

    sources: tuple[str, ...] = ("labels.manifest",)
    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    name: str = "intent"
    recipe: Recipe | None = None
    gate: GateDraft = field(default_factory=GateDraft)
    taxonomy: TaxonomyDraft | None = None


def write_starter(directory: str | Path, starter: Starter | None = None) -> list[Path]:
    """Write the configuration files into a folder, all or none; none is overwritten.

    Args:
        directory: The folder; it may exist.
        starter: Contents that differ from project to project; those of an example if None.

    Returns:
        The files written.

    Raises:
        InputError: One of them exists already, or the folder is a file.
    """
    folder = Path(directory)
    require_room(folder)
    is_new = not folder.exists()
    texts = _rendered(starter or Starter())
    try:
        for name, text in texts.items():
            with atomic_file(folder / name) as partial:
                partial.write_text(text, encoding="utf-8")
    except BaseException:
        for name in texts:  # none of which was there before
            (folder / name).unlink(missing_ok=True)
        if is_new and folder.is_dir():
            folder.rmdir()
        raise
    return [folder / name for name in _template_names()]


def require_room(folder: Path) -> None:
    """Refuse a folder that has one of the files already.

    Raises:
        InputError: The folder has one, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder")
    there = [name for name in _template_names() if (folder / name).exists()]
    if there:
        raise InputError(
            f"{folder} has {', '.join(there)} already; nothing was written: give another folder"
        )


def _template_names() -> list[str]:
    return sorted(item.name for item in files(__name__).joinpath("files").iterdir())


def _rendered(starter: Starter) -> dict[str, str]:
    """Text of each file by its name."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__name__, "files"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # YAML, not HTML
    )
    environment.filters["yaml"] = _flow
    context = {
        "sources": list(starter.sources),
        "format": starter.format,
        "columns": starter.columns,
        "name": starter.name,
        "recipe": _shown(starter.recipe or Recipe.load(SMALL_RECIPE)),
        "gate": starter.gate,
    }
    found = {name: environment.get_template(name).render(context) for name in _template_names()}
    if starter.taxonomy is not None:
        found["taxonomy.yaml"] = starter.taxonomy.to_yaml()
    return found


def _shown(recipe: Recipe) -> dict[str, Any]:
    """The recipe's fields, numbers as one writes them: 1e-4 rather than 0.0001, 3 than 3.0."""
    fields = recipe.model_dump()
    numbers = {name: f"{fields[name]:g}" for name in ("num_train_epochs", "lora_dropout")}
    digits, exponent = f"{recipe.learning_rate:e}".split("e")
    rate = f"{float(digits)}e{int(exponent)}"
    return fields | numbers | {"learning_rate": rate}


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")

"""Starter files drafted from labelled rows: taxonomy, recipe, gate and run configuration."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intentflow.conversion import ConvertSummary, NoRowKept
from intentflow.conversion.tool_calls import DeclaredTool
from intentflow.conversion.tool_survey import survey_tools
from intentflow.errors import InputError
from intentflow.pipeline.starter import Starter, require_room, write_starter
from intentflow.pipeline.starter.gate_draft import draft_gate
from intentflow.pipeline.starter.recipe_draft import RecipeDraft, draft_recipe
from intentflow.pipeline.starter.taxonomy_draft import TaxonomyDraft, draft_taxonomy
from intentflow.pipeline.steps.convert import ConvertConfig, run_convert
from intentflow.records import Example, read_records
from intentflow.storage import is_remote

_COLUMNS = ("field", "label_field", "job")
_NAME_CHARACTERS = 40


@dataclass(frozen=True)
class LabelledRows:
    """Rows of labelling exports.

    Attributes:
        examples: The rows that were kept.
        summary: Results of reading them.
        tools: Tools that their chats declare, by name.
    """

    examples: list[Example]
    summary: ConvertSummary
    tools: dict[str, DeclaredTool]


@dataclass(frozen=True)
class DraftedProject:
    """A drafted project.

    Attributes:
        files: The files written.
        rows: The rows that they were drafted from.
        taxonomy: The intents.
        recipe: The recipe, and its reason.
        starter: Contents of the files.
    """

    files: list[Path]
    rows: LabelledRows
    taxonomy: TaxonomyDraft
    recipe: RecipeDraft
    starter: Starter


def read_rows(sources: Sequence[str], config: ConvertConfig) -> LabelledRows:
    """Read labelling exports of any readable format.

    Raises:
        InputError: A source cannot be read, or no row was kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "records.jsonl")
        try:
            summary = run_convert(sources, records, config)
        except NoRowKept as error:
            rejects = records.with_name("records.rejects.jsonl")
            message = str(error).replace(f" (see {rejects})", "")
            command = f"intentflow convert {shlex.join(sources)} -o records.jsonl"
            raise InputError(f"{message}; `{command}` lists the rows") from None
        return LabelledRows(
            read_records(records), summary, survey_tools(sources, config.format, config.limits)
        )


def draft_project(
    directory: str | Path, sources: Sequence[str], config: ConvertConfig
) -> DraftedProject:
    """Draft the configuration files of a project from its labelling exports.

    Args:
        directory: Folder of the files; none of them may be there.
        sources: Files, folders or ``s3://`` addresses.
        config: Format and fields of the exports.

    Raises:
        InputError: A source cannot be read or has no usable row, or a file exists already.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    folder = Path(directory)
    require_room(folder)
    rows = read_rows(sources, config)
    taxonomy = draft_taxonomy(rows.examples, rows.summary.parameters, tools=rows.tools)
    recipe = draft_recipe(rows.examples)
    starter = Starter(
        sources=tuple(_seen_from(source, folder) for source in sources),
        format=config.format,
        columns={name: value for name in _COLUMNS if (value := getattr(config, name))},
        name=service_name(folder),
        recipe=recipe.recipe,
        gate=draft_gate(rows.examples, has_parameters=taxonomy.parameters > 0),
        taxonomy=taxonomy,
    )
    return DraftedProject(write_starter(folder, starter), rows, taxonomy, recipe, starter)


def default_folder(sources: Sequence[str]) -> Path:
    """Folder of a project: named after its first source, in the working directory.

    Example:
        >>> default_folder(["exports/tickets.csv.gz"])
        PosixPath('tickets')
    """
    name = sources[0].rstrip("/").rpartition("/")[2].partition(".")[0]
    return Path(name or "intents")


def service_name(folder: Path) -> str:
    """A Kubernetes name from the name of a folder.

    Example:
        >>> service_name(Path("My Tickets_2026"))
        'my-tickets-2026'
    """
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name[:_NAME_CHARACTERS].strip("-") or "intent"


def _seen_from(source: str, folder: Path) -> str:
    """The path as the run configuration in a folder has it."""
    if is_remote(source):
        return source
    if Path(source).is_absolute():
        return source
    return os.path.relpath(source, folder)

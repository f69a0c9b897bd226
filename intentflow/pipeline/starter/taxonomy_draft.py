"""Draft of a taxonomy: the intents of labelled rows, with their parameters and numbers of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from intentflow.calls import CallSyntaxError, name_fault, parse_calls
from intentflow.conversion.tool_calls import DeclaredTool
from intentflow.io.files import atomic_file
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy

_HEAD = """\
# Which intents exist and which parameters they take, in order. A call may leave parameters out
# from the right, down to min_parameters (0 unless given). Describe each intent in a few words:
# description: money back for an order
"""


@dataclass(frozen=True)
class TaxonomyDraft:
    """A taxonomy that was read from labels.

    Attributes:
        taxonomy: The intents, in alphabetical order.
        rows: Number of rows with each intent.
    """

    taxonomy: Taxonomy
    rows: Mapping[str, int]

    @property
    def parameters(self) -> int:
        """Number of parameters of all intents."""
        return sum(len(intent.parameters) for intent in self.taxonomy.intents.values())

    def to_yaml(self) -> str:
        """The taxonomy's file, with each intent's number of rows as a comment."""
        lines = [_HEAD, "intents:\n"]
        for name, intent in self.taxonomy.intents.items():
            rows = self.rows.get(name, 0)
            lines.append(f"  # {rows:,} {'row' if rows == 1 else 'rows'}\n")
            lines.append(_indented(_entry(name, intent)))
        if self.taxonomy.out_of_scope is not None:
            lines.append('# The intent that means "none of these".\n')
            lines.append(f"out_of_scope: {_dumped(self.taxonomy.out_of_scope)}")
        else:
            lines.append('# The intent that means "none of these", if your labels have one.\n')
            lines.append("# out_of_scope: oos\n")
        return "".join(lines)

    def write(self, path: str | Path) -> None:
        """Write the taxonomy's file."""
        with atomic_file(path) as partial:
            partial.write_text(self.to_yaml(), encoding="utf-8")


def draft_taxonomy(
    examples: Sequence[Example],
    names: Mapping[str, Sequence[str]] | None = None,
    out_of_scope: str | None = None,
    tools: Mapping[str, DeclaredTool] | None = None,
) -> TaxonomyDraft:
    """Read the intents from labels, and from the tools that chats declare.

    Args:
        examples: The rows; those whose label does not parse are skipped.
        names: Names of each intent's parameters in the order of a call, where an export states
            them; parameters of other intents are numbered.
        out_of_scope: Name of the intent of utterances that belong to no other; ``oos`` if it
            occurs and None is given.
        tools: Tools that chats declare, called or not, by name.

    Raises:
        InputError: No row has a label that parses, or no row has the intent ``out_of_scope``.

    Example:
        >>> draft = draft_taxonomy([Example("play jazz", "play(jazz)")], {"play": ["music"]})
        >>> draft.taxonomy.intents["play"].parameters, draft.rows
        (['music'], {'play': 1})
    """
    inferred = Taxonomy.infer(examples, out_of_scope)
    named = {
        name: _named(intent, (names or {}).get(name, ()))
        for name, intent in inferred.intents.items()
    }
    for name, tool in (tools or {}).items():
        if name_fault(name) is None:
            named[name] = _with_tool(named.get(name), tool)
    taxonomy = Taxonomy(intents=dict(sorted(named.items())), out_of_scope=inferred.out_of_scope)
    return TaxonomyDraft(taxonomy, dict(_rows_by_intent(examples)))


def _named(intent: Intent, names: Sequence[str]) -> Intent:
    """The intent with names for its parameters; the export may name more than rows have."""
    if len(names) < len(intent.parameters):
        return intent
    return intent.model_copy(update={"parameters": list(names)})


def _with_tool(intent: Intent | None, tool: DeclaredTool) -> Intent:
    """The intent of a declared tool; a call in the rows may leave out more than the tool says."""
    if intent is None:
        return Intent(
            description=tool.description,
            parameters=list(tool.parameters),
            min_parameters=tool.min_parameters,
        )
    return intent.model_copy(update={"description": intent.description or tool.description})


def _rows_by_intent(examples: Sequence[Example]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for example in examples:
        try:
            rows.update({call.intent for call in parse_calls(example.output)})
        except CallSyntaxError:
            continue
    return rows


def _entry(name: str, intent: Intent) -> str:
    """An intent's lines; one without parameters has a description to fill in."""
    fields = intent.model_dump(exclude_defaults=True)
    return _dumped({name: {"description": "", **fields}})


def _dumped(value: Any) -> str:
    text = yaml.safe_dump(
        value, allow_unicode=True, sort_keys=False, default_flow_style=None, width=10_000
    )
    return text.removesuffix("...\n")


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())

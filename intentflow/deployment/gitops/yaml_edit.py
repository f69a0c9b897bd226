"""Edits of values in a user's YAML file that keep every other character.

The positions are those of the parser's marks. The result is parsed again and compared, so that an
edit that would change anything else (an anchor that is used twice) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from intentflow.errors import InputError, IntentflowError
from intentflow.io.safe_yaml import yaml_documents

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """One change of one document.

    Attributes:
        path: Keys and list indices, from the document's top.
        value: The new text, or the entries of a new mapping or list; None removes the key or item.
        part: The part of the present text that ``value`` replaces; all of it if None.
    """

    path: Path
    value: str | Mapping[str, str] | Sequence[str] | None
    part: str | None = None


class Document:
    """One document of a YAML file; :func:`parse` creates it.

    Attributes:
        where: Name of the file.
        text: Text of the complete file.
        node: The document's node.
        value: The document's value.
    """

    def __init__(self, where: str, text: str, node: yaml.Node, value: Any) -> None:

        self.where, self.text, self.node, self.value = where, text, node, value


def parse(where: str, text: str) -> list[Document]:
    """Parse the documents of a file.

    Raises:
        InputError: The text is not YAML, or exceeds the limits.
    """
    pairs = yaml_documents(text, where)
    return [Document(where, text, node, value) for node, value in pairs]


def apply_edits(document: Document, edits: Sequence[Edit]) -> str:
    """The file's text with edits of one of its documents.

    An edit of a missing key adds it; one of the index after a list's last item appends an item.

    Raises:
        InputError: The edits would change something else, too.
    """
    pieces = [piece for edit in edits for piece in _pieces(document, edit)]
    text = document.text
    # From the end, so that earlier positions stay valid; additions at one place keep their order.
    pieces.sort(key=lambda piece: piece[0])
    for start, end, new in reversed(pieces):
        text = text[:start] + new + text[end:]
    _require_only(document, edits, text)
    return text


def get(value: Any, path: Iterable[str | int]) -> Any:
    """The value at a path; None if there is none."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def scalars(value: Any, path: Path = ()) -> Iterable[tuple[Path, str]]:
    """Every text in a document, with its path."""
    if isinstance(value, str):
        yield path, value
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from scalars(inner, (*path, key))


def _pieces(document: Document, edit: Edit) -> list[tuple[int, int, str]]:
    """Start, end and new text of the places that one edit changes."""
    node = document.node
    for depth, key in enumerate(edit.path):
        found = _child(node, key)
        if found is None:
            if edit.value is None:
                return []
            return [_addition(document, node, edit.path[depth:], edit.value)]
        parent, (opening, node) = node, found
    if edit.value is None:
        return [_removal(document.text, parent, opening, node)]
    if not isinstance(node, yaml.ScalarNode) or not isinstance(edit.value, str):
        raise _cannot_edit(document, edit.path)
    start, end = node.start_mark.index, node.end_mark.index
    present = document.text[start:end]
    if edit.part:  # in the file's form: in quotes, or in a block of several lines
        return [(start, end, present.replace(edit.part, edit.value))]
    return [(start, end, _scalar(edit.value, present[:1]))]


def _child(node: yaml.Node, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """A value and the node before it: its key, or itself in a list."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _addition(
    document: Document, node: yaml.Node, path: Sequence[str | int], value: Any
) -> tuple[int, int, str]:
    """A new last entry of a mapping or a list, in the style of its neighbours."""
    text = document.text
    if not isinstance(node, yaml.CollectionNode) or not node.value:
        raise _cannot_edit(document, tuple(path))
    mapping = isinstance(node, yaml.MappingNode)
    new = _written(path, value, flow=bool(node.flow_style)) if mapping else _scalar(str(value))
    last = node.value[-1]
    start = (last[0] if mapping else last).start_mark.index
    end = _end(last[1] if mapping else last)
    if node.flow_style:
        return end, end, f", {new}"
    before = text[text.rfind("\n", 0, start) + 1 : start]
    if mapping:
        before = re.sub(r"[^ ]", " ", before)  # the first entry of an item follows a dash
    new = before + new.replace("\n", f"\n{before}")
    end = _line_end(text, end)
    break_ = "\r\n" if "\r\n" in text else "\n"
    new = new.replace("\n", break_)
    if end and text[end - 1] != "\n":
        return end, end, f"{break_}{new}"
    return end, end, f"{new}{break_}"


def _written(path: Sequence[str | int], value: Any, *, flow: bool) -> str:
    """One entry as YAML, without the line break at its end."""
    for key in reversed(path):
        value = {key: value}
    written: str = yaml.safe_dump(
        value, width=10**6, allow_unicode=True, default_flow_style=flow, sort_keys=False
    )
    return written.strip().removeprefix("{").removesuffix("}") if flow else written.rstrip("\n")


def _end(node: yaml.Node) -> int:
    """Index after a node's last character; a block's end mark is the start of the next node."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)


def _removal(
    text: str, parent: yaml.Node, opening: yaml.Node, node: yaml.Node
) -> tuple[int, int, str]:
    """An entry with its line, or with the comma next to it."""
    start, end = opening.start_mark.index, _end(node)
    if not isinstance(parent, yaml.CollectionNode) or not parent.flow_style:
        return text.rfind("\n", 0, start) + 1, _line_end(text, end), ""
    after = re.compile(r"\s*,\s*").match(text, end)
    if after:
        return start, after.end(), ""
    before = re.search(r"\s*,\s*$", text[:start])
    return (before.start() if before else start), end, ""


def _line_end(text: str, place: int) -> int:
    """Index after the line break that ends this line; block scalars end after theirs."""
    if place and text[place - 1] == "\n":
        return place
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _scalar(value: str, quote: str = "") -> str:
    """A text as YAML on one line, in its previous quotes if possible."""
    if quote == '"' and not re.search(r'["\\\n]', value):
        return f'"{value}"'
    if quote == "'" and "\n" not in value:
        return "'" + value.replace("'", "''") + "'"
    # A plain "0," is the text's end in braces alone, and there it is quoted.
    shown = [value] if set(value) & set(",[]{}") else value
    written: str = yaml.safe_dump(shown, width=10**6, allow_unicode=True, default_flow_style=True)
    written = written.removesuffix("\n").removesuffix("\n...")
    return written[1:-1] if isinstance(shown, list) else written


def _require_only(document: Document, edits: Sequence[Edit], text: str) -> None:
    """Check that the new text differs from the old one only by the edits."""
    wanted = []
    for other in parse(document.where, document.text):
        value = other.value
        if other.node.start_mark.index == document.node.start_mark.index:
            value = _edited(deepcopy(value), edits)
        wanted.append(value)
    try:
        found = [other.value for other in parse(document.where, text)]
    except IntentflowError:
        found = []
    if found != wanted:
        raise _cannot_edit(document, edits[0].path if edits else ())


def _edited(value: Any, edits: Sequence[Edit]) -> Any:
    removed: list[tuple[Any, int]] = []
    for edit in edits:
        *outer, last = edit.path
        inner = value
        for key in outer:
            inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
        if edit.value is None and isinstance(inner, list) and isinstance(last, int):
            removed.append((inner, last))
        elif edit.value is None:
            inner.pop(last, None)
        elif isinstance(inner, list) and isinstance(last, int) and last >= len(inner):
            inner.append(edit.value)
        elif edit.part:
            inner[last] = inner[last].replace(edit.part, edit.value)
        else:
            inner[last] = edit.value
    for items, place in sorted(removed, key=lambda pair: -pair[1]):
        del items[place]
    return value


def _cannot_edit(document: Document, path: Sequence[str | int]) -> InputError:
    place = ".".join(str(part) for part in path)
    return InputError(
        f"{document.where}: {place} cannot be changed separately in this file "
        "(an anchor, an empty or a folded value): change it manually once"
    )

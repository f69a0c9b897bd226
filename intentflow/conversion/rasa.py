"""Rasa: NLU training data, as YAML of versions 2 and 3, and as the JSON of version 1.

``nlu: [{intent, examples: "- play [jazz](genre)"}]``. Entities are marked as ``[text](entity)``,
``[text](entity:value)`` or ``[text]{"entity": "city", "role": "from", "value": "…"}``; a role names
the parameter, or else the entity. Other keys (stories, rules, domains, synonyms, lookups) hold no
utterances. Names are read as Rasa reads them, by YAML 1.2: ``intent: yes`` is the text ``yes``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import yaml

from intentflow.conversion.export_format import Format, Row, unrecognised
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import SizeLimits, read_lines
from intentflow.conversion.parameter_order import NamedValue
from intentflow.conversion.phrases import Phrase, as_value, find_items, read
from intentflow.errors import InputError
from intentflow.io.safe_yaml import MAX_YAML_CHARACTERS, yaml_documents

_ENTITY = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(?:\((?P<entity>[^:)]+?)(?::[^)]+)?\)|(?P<properties>\{[^}]+?\}))"
)
_ITEM = re.compile(r"\s*-\s?(.*?)\s*")
_NAMES = ("role", "entity")
_TOP_KEY = re.compile(rb"^nlu\s*:", re.MULTILINE)


def recognises_yaml(content: bytes) -> bool:
    """Whether a YAML file has the key of NLU training data; others of a project do not."""
    return bool(_TOP_KEY.search(content))


def recognises(document: Any) -> bool:
    """Whether a JSON document is version 1's training data."""
    return isinstance(document, dict) and isinstance(document.get("rasa_nlu_data"), dict)


def scan(stream: BinaryIO, path: Path, limits: SizeLimits) -> Iterator[Value]:
    """The examples of a file.

    Raises:
        InputError: The file is not YAML or JSON, or exceeds a limit.
    """
    text = _read_text(stream, path, limits)
    if text.lstrip().startswith("{"):
        yield from map(as_value, _json_phrases(text, path))
        return
    for node, _ in yaml_documents(text, str(path)):
        yield from map(as_value, _yaml_phrases(node))


def _read_text(stream: BinaryIO, path: Path, limits: SizeLimits) -> str:
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="strict", newline="")
    try:
        lines: list[str] = []
        size = 0
        for line in read_lines(text, limits):
            lines.append(line)
            size += len(line)
            if size > MAX_YAML_CHARACTERS:
                raise InputError(f"{path}: more than {MAX_YAML_CHARACTERS} characters; split it")
        return "".join(lines)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start})") from None
    finally:
        text.detach()


def _json_phrases(text: str, path: Path) -> Iterator[Phrase]:
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    data = document.get("rasa_nlu_data") if isinstance(document, dict) else None
    for item in find_items(data, "common_examples"):
        words = item.get("text")
        values = _spans(item, words) if isinstance(words, str) else []
        yield Phrase(words, item.get("intent"), values, raw=item)


def _spans(item: Row, text: str) -> list[NamedValue]:
    values: list[NamedValue] = []
    for entity in find_items(item, "entities"):
        start, end, names = entity.get("start"), entity.get("end"), _names(entity)
        if isinstance(start, int) and isinstance(end, int) and names:
            values.append(NamedValue(names, text[start:end].strip(), start))
    return values


def _yaml_phrases(root: yaml.Node) -> Iterator[Phrase]:
    items = _entry(root, "nlu")
    for item in items.value if isinstance(items, yaml.SequenceNode) else []:
        intent = _entry(item, "intent")
        if isinstance(intent, yaml.ScalarNode):
            for text, line in _examples(_entry(item, "examples")):
                yield read_example(text, intent.value.strip(), line)


def _examples(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """The examples of an intent, each with its line."""
    if isinstance(node, yaml.ScalarNode):
        first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
        for number, line in enumerate(node.value.split("\n"), first):
            if line.strip():
                yield line, number
    for item in node.value if isinstance(node, yaml.SequenceNode) else []:
        text = item if isinstance(item, yaml.ScalarNode) else _entry(item, "text")
        if isinstance(text, yaml.ScalarNode):
            yield _without_dash(text.value), text.start_mark.line + 1


def _without_dash(text: str) -> str:
    words = " ".join(line.strip() for line in text.strip().splitlines())
    return words if words.startswith("-") else f"- {words}"


def read_example(line: str, intent: str, number: int) -> Phrase:
    """The phrase of an example as it stands in the list: ``- play [jazz](genre)``.

    Args:
        line: The example.
        intent: Name of its intent.
        number: Line number in the file, from 1.
    """
    match = _ITEM.fullmatch(line)
    if not match:
        return Phrase(None, intent, raw=line, line=number)
    text = ""
    values: list[NamedValue] = []
    position = 0
    for mark in _ENTITY.finditer(match[1]):
        text += match[1][position : mark.start()]
        if names := _mark_names(mark):
            values.append(NamedValue(names, mark["text"].strip(), len(text)))
        text += mark["text"]
        position = mark.end()
    return Phrase(text + match[1][position:], intent, values, raw=line.strip(), line=number)


def _mark_names(mark: re.Match[str]) -> tuple[str, ...]:
    if mark["entity"]:
        return (mark["entity"].strip(),)
    try:
        properties = json.loads(mark["properties"])
    except ValueError:
        return ()
    return _names(properties)


def _names(properties: Row) -> tuple[str, ...]:
    return tuple(it for key in _NAMES if isinstance(it := properties.get(key), str) and it)


def _entry(node: yaml.Node, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


RASA = Format("rasa", unrecognised, read, layout="document", scan=scan)

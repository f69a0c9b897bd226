"""Records for other tools: chats of trainers (``jsonl-chat``), and training data of Rasa.

A chat is ``{"messages": [user, assistant]}`` per line. Rasa's YAML has the utterances by intent,
with each value marked as ``[value](name)``; a name is the taxonomy's, else ``parameter_1`` and so
on. Several intents of one utterance are joined by ``+``, as Rasa names them. A row whose values do
not stand in its utterance cannot be marked and is rejected.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import orjson
import yaml

from intentflow.calls import Call, CallSyntaxError, parse_calls
from intentflow.conversion import rasa
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, RowRejected
from intentflow.conversion.fullwidth import normalise_syntax
from intentflow.conversion.writers import LazyFile

ParameterNames = Mapping[str, Sequence[str]]
_PLAIN = re.compile(r"[A-Za-z][\w/.+-]*")
_NO_TEXT = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}  # in YAML 1.1
_ENTITY_NAME = re.compile(r"[^:(){}\[\]]+")
_NON_PRINTABLE = yaml.reader.Reader.NON_PRINTABLE


class MarkedExample(NamedTuple):
    """An utterance as an example of Rasa, and the name of its intent."""

    intent: str
    text: str


class ChatWriter:
    """Writes records as chats, one per line.

    Args:
        file: The file to write to.
    """

    def __init__(self, file: LazyFile) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def write(self, lines: bytes, count: int) -> None:
        """Append rows: ``count`` JSON lines, each with its line end."""
        if not count:
            return
        self._digest.update(lines)
        self._file.write(b"".join(map(_chat, lines.split(b"\n")[:count])))

    def finish(self) -> str:
        """The digest of the records."""
        return self._digest.hexdigest()


class RasaWriter:
    """Writes records as training data of Rasa; they wait in memory, to be sorted by intent.

    Args:
        file: The file to write to.
        names: Names of each intent's parameters.
    """

    def __init__(self, file: LazyFile, names: ParameterNames) -> None:
        self._file = file
        self._names = names
        self._digest = hashlib.sha256()
        self._examples: dict[str, list[str]] = {}

    def write(self, lines: bytes, count: int) -> None:
        """Append rows: ``count`` JSON lines, each with its line end."""
        self._digest.update(lines)
        for line in lines.split(b"\n")[:count]:
            record = orjson.loads(line)
            example = mark_values(record["instruction"], record["output"], self._names)
            self._examples.setdefault(example.intent, []).append(example.text)

    def finish(self) -> str:
        """Write the examples.

        Returns:
            The digest of the records.
        """
        if self._examples:
            self._file.write(b'version: "3.1"\nnlu:\n')
        for intent, examples in self._examples.items():
            listed = "".join(f"    - {example}\n" for example in examples)
            self._file.write(f"- intent: {_yaml_name(intent)}\n  examples: |\n{listed}".encode())
        return self._digest.hexdigest()


def as_rasa(form: Format, names: ParameterNames) -> Format:
    """Let a format reject the rows that cannot be marked for Rasa."""
    return replace(
        form,
        read=partial(_read_markable, form, names),
        layouts=None,
        adapt=partial(as_rasa, names=names),
    )


def mark_values(text: str, label: str, names: ParameterNames) -> MarkedExample:
    """Mark the values of a label's calls in an utterance.

    Args:
        text: The utterance.
        label: Label of the utterance; a name without parentheses is an intent without parameters.
        names: Names of each intent's parameters; ``parameter_1`` and so on for the others.

    Raises:
        RowRejected: ``not_markable``.

    Example:
        >>> mark_values("play jazz", "play(jazz)", {"play": ["genre"]})
        MarkedExample(intent='play', text='play [jazz](genre)')
    """
    text = text.strip()
    try:
        calls = parse_calls(label)
    except CallSyntaxError:
        calls = [Call(label.strip())]
    marks: list[tuple[int, int, str]] = []
    for call in calls:
        known = names.get(call.intent, ())
        for index, value in enumerate(call.parameters):
            if value:
                name = known[index] if index < len(known) else f"parameter_{index + 1}"
                marks.append((*_place(text, value, marks), name))
    example = _with_marks(text, sorted(marks))
    _require_same(example, text, len(marks))
    return MarkedExample("+".join(call.intent for call in calls), example)


def _read_markable(form: Format, names: ParameterNames, row: Row, options: Options) -> LabelledRow:
    labelled = form.read(row, options)
    try:
        output = normalise_syntax(labelled.output, labelled.instruction)
        mark_values(labelled.instruction, output, names)
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, labelled.ballot) from None
    return labelled


def _place(text: str, value: str, taken: Sequence[tuple[int, int, str]]) -> tuple[int, int]:
    """Start and end of a value that is not marked yet, as words of its own if possible."""
    plain = re.escape(value)
    for pattern in (rf"(?<!\w){plain}(?!\w)", plain):
        for found in re.finditer(pattern, text):
            if all(found.end() <= start or found.start() >= end for start, end, _ in taken):
                return found.span()
    raise RowRejected("not_markable")


def _with_marks(text: str, marks: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, name in marks:
        is_plain = _ENTITY_NAME.fullmatch(name)
        entity = f"({name})" if is_plain else json.dumps({"entity": name}, ensure_ascii=False)
        pieces += [text[position:start], f"[{text[start:end]}]{entity}"]
        position = end
    return "".join([*pieces, text[position:]])


def _require_same(example: str, text: str, count: int) -> None:
    """Refuse an example that Rasa would read otherwise: with brackets or several lines."""
    if len(text.splitlines()) != 1 or _NON_PRINTABLE.search(text):
        raise RowRejected("not_markable")
    phrase = rasa.read_example(f"- {example}", "", 1)
    if phrase.text != text or len(phrase.values) != count:
        raise RowRejected("not_markable")


def _chat(line: bytes) -> bytes:
    record = orjson.loads(line)
    messages = [
        {"role": "user", "content": record["instruction"]},
        {"role": "assistant", "content": record["output"]},
    ]
    dialogue = {"dialogue": record["dialogue"]} if record.get("dialogue") else {}
    return orjson.dumps({"messages": messages} | dialogue, option=orjson.OPT_APPEND_NEWLINE)


def _yaml_name(name: str) -> str:
    if _PLAIN.fullmatch(name) and name.lower() not in _NO_TEXT:
        return name
    return json.dumps(name, ensure_ascii=False)

"""Dialogues in plain text: ``User: …`` and ``Assistant: …``, in the guide's three languages.

A turn begins at a line's start or, in a line that begins with one, after a blank, as the guide
prints them; a line without a speaker continues the turn before. A dialogue ends at a blank line, or
at a user's turn after the assistant answered with a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from intentflow.conversion.chat import Turn, is_call, label_dialogue
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    unrecognised,
)
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import DEFAULT_LIMITS, SizeLimits

_USER = ("User", "Pengguna", "使用者", "用户", "用戶")
_ASSISTANT = ("Assistant", "Asisten", "助手", "助理")
_TURN_BYTES = 200  # of memory that a turn takes in addition to its text
_SPEAKER = re.compile(rf"(?:^|(?<=\s))({'|'.join(_USER + _ASSISTANT)})\s*[:：]")


def begins_with_speaker(line: str) -> bool:
    """Whether a line starts a turn."""
    return bool(_SPEAKER.match(line.lstrip()))


@dataclass(slots=True)
class _Dialogue:
    """The lines of one dialogue so far."""

    line: int
    raw: list[str] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    characters: int = 0

    def add(self, text: str, turns: list[Turn], limits: SizeLimits) -> None:
        self.characters += len(text) + _TURN_BYTES
        if self.characters > limits.max_line_bytes:
            raise limits.line_exceeded()
        self.raw.append(text)
        _append(self.turns, turns, text)

    def value(self) -> Value:
        return Value(self.line, "\n".join(self.raw), {"turns": self.turns})


def scan_dialogues(lines: Iterable[str], limits: SizeLimits = DEFAULT_LIMITS) -> Iterator[Value]:
    """Parse the dialogues of a text, each with its turns.

    Args:
        lines: The lines.
        limits: The sizes allowed.

    Raises:
        LimitExceeded: A dialogue is longer than allowed.
    """
    current: _Dialogue | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            if current:
                yield current.value()
            current = None
            continue
        turns = _turns_in(text)
        if current and _starts_new_dialogue(current.turns, turns):
            yield current.value()
            current = None
        current = current or _Dialogue(number)
        current.add(text, turns, limits)
    if current:
        yield current.value()


def _turns_in(text: str) -> list[Turn]:
    """The turns of a line; empty if it continues the turn before."""
    if not begins_with_speaker(text):
        return []
    pieces = _SPEAKER.split(text)[1:]
    return [
        Turn("user" if speaker in _USER else "assistant", text.strip())
        for speaker, text in zip(pieces[::2], pieces[1::2], strict=True)
    ]


def _starts_new_dialogue(before: list[Turn], turns: list[Turn]) -> bool:
    if not before or not turns or turns[0].role != "user":
        return False
    return before[-1].role == "assistant" and is_call(before[-1].text)


def _append(turns: list[Turn], found: list[Turn], text: str) -> None:
    if found:
        turns += found
    elif turns:
        turns[-1] = turns[-1]._replace(text=f"{turns[-1].text}\n{text}")


def read(row: Row, _options: Options) -> LabelledRow:
    """Read the dialogue's user turns and its answer.

    Raises:
        RowRejected: The dialogue has no turns, or as in
            :func:`intentflow.conversion.chat.label_dialogue`.
    """
    turns = row.get("turns")
    if not turns:
        raise RowRejected("unknown_shape")
    return label_dialogue(turns)


TRANSCRIPT = Format("transcript", unrecognised, read, layout="transcript")

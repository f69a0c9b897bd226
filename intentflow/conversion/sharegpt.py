"""ShareGPT: turns from ``human`` and ``gpt``, ``{"conversations": [{"from", "value"}]}``.

Trainers write tool calls as turns from ``function_call``, with ``{"name", "arguments"}`` as their
value, and their results as turns from ``observation``. Everything else is as for
:mod:`intentflow.conversion.chat`.
"""

from __future__ import annotations

from typing import Any

from intentflow.conversion.chat import label_messages
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, RowRejected

_LISTS = ("conversations", "conversation")
_USERS = frozenset({"human", "user", "prompter"})
_ASSISTANTS = frozenset({"gpt", "assistant", "model", "chatgpt", "bot", "bard", "bing"})


def recognises(row: Row) -> bool:
    """Whether the row contains a conversation."""
    return any(isinstance(row.get(name), list) for name in _LISTS)


def read(row: Row, options: Options) -> LabelledRow:
    """Read the user's turns and the assistant's last one.

    Raises:
        RowRejected: The conversation has no user, no answer at its end, or several answers.
    """
    turns = next((found for it in _LISTS if isinstance(found := row.get(it), list)), None)
    if turns is None:
        raise RowRejected("unknown_shape")
    return label_messages([_message(turn) for turn in turns], row, options)


def _message(turn: Any) -> Row:
    """The turn as a message of a chat API."""
    if not isinstance(turn, dict):
        raise RowRejected("unknown_shape")
    given, text = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
    speaker = given if isinstance(given, str) else ""
    role = "user" if speaker in _USERS else "assistant" if speaker in _ASSISTANTS else speaker
    return turn | {"role": role, "content": text}


SHAREGPT = Format("sharegpt", recognises, read)

"""Dialogues: the user's turns are the utterance, the assistant's last turn is the label.

``{"messages": [{"role", "content"}]}`` is the format of chat APIs and trainers. Where the
assistant calls tools, those calls are the label; a sentence with them or after their results is
not. As the labelling guide shows, the user's turns are joined and the assistant's questions between
them are left out. A row may have its label under a name of its own, such as ``label``, instead of
the last turn. Calls may be turns of their own (``tool_call``, ``function_call``) or text of the
assistant in ``<tool_call>`` tags; calls one after another are one answer. Design decision: a
dialogue in which an earlier turn of the assistant is a call is rejected, because its last answer
need not be the label of all turns together; so is one that calls a tool after another tool's
result. Turns of other roles are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    find_dialogue,
    find_label,
    find_person,
)
from intentflow.conversion.label_values import label_of
from intentflow.conversion.tool_calls import (
    ToolCall,
    calls_in,
    declared_parameters,
    label_of_calls,
    read_call,
    tagged_calls,
)

_CALL_START = re.compile(r"\s*[^\s(（]+\s*[(（]")


_CALLS = frozenset({"tool_call", "function_call"})
_RESULTS = frozenset({"tool", "function", "tool_response", "observation", "ipython"})


class Turn(NamedTuple):
    """One turn of a dialogue; the results of calls separate them from later ones."""

    role: Literal["user", "assistant", "result"]
    text: str
    calls: tuple[ToolCall, ...] = ()

    @property
    def is_answer(self) -> bool:
        """Whether the assistant answers with calls rather than with a question in words."""
        return self.role == "assistant" and (bool(self.calls) or is_call(self.text))


def recognises(row: Row) -> bool:
    """Whether the row contains messages."""
    return isinstance(row.get("messages"), list)


def read(row: Row, options: Options) -> LabelledRow:
    """Read the user's turns and the assistant's last one.

    Raises:
        RowRejected: The dialogue has no user, no answer at its end, or several answers.
    """
    messages = row.get("messages")
    if not isinstance(messages, list):
        raise RowRejected("unknown_shape")
    return label_messages(messages, row, options)


def label_messages(messages: Sequence[Any], row: Row, options: Options) -> LabelledRow:
    """The label of a row's messages, each ``{"role", "content", "tool_calls"}``.

    Raises:
        RowRejected: The dialogue has no user, no answer at its end, or several answers.
    """
    turns = _merged_calls([turn for item in messages if (turn := _turn(item))])
    if any(turn.calls for turn in turns):
        labelled = _label_tool_calls(turns, declared_parameters(row), options)
    else:
        label = find_label(row, options)
        if label is not None and not (turns and is_call(turns[-1].text)):
            turns.append(Turn("assistant", label_of(label, options.order)))
        labelled = label_dialogue(turns)
    return labelled._replace(dialogue=find_dialogue(row), person=find_person(row, options))


def _merged_calls(turns: Sequence[Turn]) -> list[Turn]:
    """The turns; calls in turns that follow each other, without a result between, are one turn."""
    merged: list[Turn] = []
    for turn in turns:
        if turn.calls and merged and merged[-1].calls:
            merged[-1] = merged[-1]._replace(calls=(*merged[-1].calls, *turn.calls))
        elif turn.role != "result" or (merged and merged[-1].calls):
            merged.append(turn)
    return [turn for turn in merged if turn.role != "result"]


def _label_tool_calls(
    turns: Sequence[Turn], declared: dict[str, list[str]], options: Options
) -> LabelledRow:
    """The user turns, labelled with the only turn of the assistant that calls."""
    answers = [position for position, turn in enumerate(turns) if turn.is_answer]
    last = answers[-1]
    if len(answers) > 1 or any(turn.role == "user" for turn in turns[last:]):
        raise RowRejected("several_answers")
    label = label_of_calls(turns[last].calls, declared, options.order)
    return _unlabelled(turns)._replace(output=label)


def label_dialogue(turns: Sequence[Turn]) -> LabelledRow:
    """The joined user turns, labelled with the last turn.

    Raises:
        RowRejected: ``no_text``, ``no_label``, ``blank_answer``, ``several_answers``.
    """
    unlabelled = _unlabelled(turns)
    if turns[-1].role != "assistant":
        raise RowRejected("no_label")
    label = turns[-1].text.strip()
    if not label:
        raise RowRejected("blank_answer")
    if any(turn.is_answer for turn in turns[:-1]):
        raise RowRejected("several_answers")
    return unlabelled._replace(output=label)


def _unlabelled(turns: Sequence[Turn]) -> LabelledRow:
    """The joined user turns, without a label."""
    rounds = [turn.text.strip() for turn in turns if turn.role == "user" and turn.text.strip()]
    if not rounds:
        raise RowRejected("no_text")
    from intentflow.prompts import join_rounds  # takes 0.1 s to import

    return LabelledRow(join_rounds(rounds), "", rounds=len(rounds))


def round_of(user: str, assistant: str) -> tuple[Turn, Turn]:
    """The turns of one round."""
    return Turn("user", user), Turn("assistant", assistant)


def is_call(text: str) -> bool:
    """Whether a turn is an answer in the call language rather than a question in words."""
    if not _CALL_START.match(text):
        return False
    try:
        return bool(parse_calls(text.translate(_ASCII)))
    except CallSyntaxError:
        return False


_ASCII = str.maketrans("（），；", "(),;")


def _turn(message: Any) -> Turn | None:
    if not isinstance(message, dict):
        raise RowRejected("unknown_shape")
    role = message.get("role")
    if not isinstance(role, str):
        return None
    if role in _RESULTS:
        return Turn("result", "")
    if role in _CALLS:
        return Turn("assistant", "", read_call(message.get("content")))
    if role == "user":
        return Turn("user", _content(message.get("content")))
    if role != "assistant":
        return None
    text = _content(message.get("content"))
    return Turn("assistant", text, calls_in(message) or tagged_calls(text))


def _content(content: Any) -> str:
    """The text of a message, or of its parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise RowRejected("not_text")
    return content


MESSAGES = Format("messages", recognises, read)

"""Dialogues in a field of a row: ``[{"author": "Customer", "text": "…"}, …]``.

Label Studio's Paragraphs shows such an array. The utterance is what the user says, its rounds
joined as the labelling guide shows. Design decision: the user is the speaker with a known name
(``customer``, ``user``), otherwise the one without a known name of an agent, otherwise the first
of two speakers; where none of these holds, the row is rejected.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from intentflow.conversion.export_format import (
    LabelledRow,
    Options,
    Row,
    RowRejected,
    find_dialogue,
    find_person,
    label_text,
)

_SPEAKERS = ("author", "speaker", "role", "from", "sender", "name")
_TEXTS = ("text", "content", "value", "utterance", "message")
_USERS = {"user", "customer", "client", "caller", "human", "visitor", "guest", "usr"}
_AGENTS = {"agent", "assistant", "bot", "system", "operator", "support", "advisor", "ai", "gpt"}
_AGENTS |= {"chatbot", "robot", "representative", "rep", "service", "sys", "ivr"}


class SpokenTurn(NamedTuple):
    """A turn: who speaks, in lower case, and what."""

    speaker: str
    text: str


def find_utterance(fields: Row, options: Options) -> str:
    """The utterance among a row's fields: a text, or the user's turns of a dialogue.

    Args:
        fields: The row's fields.
        options: The user's options; they may name the field.

    Raises:
        RowRejected: ``dialogue`` if it is not clear who the user is; ``no_text``, ``not_text`` or
            ``blank_text``.

    Example:
        >>> turns = [{"author": "Agent", "text": "Hi"}, {"author": "Customer", "text": "My card"}]
        >>> find_utterance({"turns": turns}, Options())
        'My card'
    """
    return find_labelled(fields, options, "").instruction


def find_labelled(fields: Row, options: Options, output: str) -> LabelledRow:
    """The utterance of :func:`find_utterance` with its label, dialogue and number of rounds.

    Raises:
        RowRejected: The reason is one of those of :func:`find_utterance`.
    """
    try:
        return label_text(fields, options, output)
    except RowRejected as rejected:
        if rejected.reason not in ("no_text", "not_text"):
            raise
        candidates = [fields.get(options.field)] if options.field else list(fields.values())
        dialogues = [turns for value in candidates if (turns := turns_in(value))]
        if len(dialogues) != 1:
            raise
    from intentflow.prompts import join_rounds  # takes 0.1 s to import

    rounds = _user_rounds(dialogues[0])
    return LabelledRow(
        join_rounds(rounds),
        output,
        find_dialogue(fields),
        rounds=len(rounds),
        person=find_person(fields, options),
    )


def turns_in(value: Any) -> list[SpokenTurn]:
    """The turns of a dialogue; empty if the value is not one."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return []
    turns = [SpokenTurn(_first(item, _SPEAKERS), _first(item, _TEXTS)) for item in value]
    return turns if all(turn.speaker for turn in turns) else []


def _user_rounds(turns: list[SpokenTurn]) -> list[str]:
    turns = [turn._replace(speaker=turn.speaker.strip().lower()) for turn in turns]
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    users = [it for it in speakers if it in _USERS]
    users = users or _others(speakers)
    rounds = [turn.text.strip() for turn in turns if turn.speaker in users and turn.text.strip()]
    if not users:
        raise RowRejected("dialogue")
    if not rounds:
        raise RowRejected("blank_text")
    return rounds


def _others(speakers: list[str]) -> list[str]:
    """The speakers who are not agents; the first of two if none has an agent's name."""
    others = [it for it in speakers if it not in _AGENTS]
    if len(others) < len(speakers):
        return others if len(others) == 1 else []
    return others[:1] if len(others) <= 2 else []


def _first(item: Row, names: tuple[str, ...]) -> str:
    return next((found for name in names if isinstance(found := item.get(name), str)), "")

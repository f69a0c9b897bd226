"""Rows of an utterance and a label, as an array (``json``) or JSON lines (``jsonl``).

The fields are those that :mod:`intentflow.conversion.column_choice` found in the file. Alpaca's
``history``, pairs of an earlier utterance and its answer, is the dialogue before: its utterances
are joined with the row's, as :mod:`intentflow.conversion.chat` joins rounds.
"""

from __future__ import annotations

from typing import Any

from intentflow.conversion.chat import Turn, is_call, label_dialogue, round_of
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    field_value,
    find_dialogue,
    find_label,
    find_person,
    find_text,
    label_text,
)
from intentflow.conversion.label_values import label_of, with_slots
from intentflow.conversion.parameters import entity_span, labels_with_spans


def recognises(row: Row) -> bool:
    """Whether the row has an ``output``."""
    return "output" in row


def is_flat(row: Row, options: Options) -> bool:
    """Whether the row has both an utterance and a label under names that were found."""
    return any(_has(row, name) for name in options.texts) and any(
        _has(row, name) for name in options.labels
    )


def _has(row: Row, name: str) -> bool:
    return name in row or field_value(row, name) is not None


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's utterance and label.

    Raises:
        RowRejected: A field is missing, blank or not text.
    """
    instruction = find_text(row, options)
    label = label_of(find_label(row, options), options.order)
    output = with_slots(_with_entities(label, row, instruction, options), row, options.order)
    if row.get("history"):
        turns = [*_earlier_turns(row), *round_of(instruction, output)]
        return label_dialogue(turns)._replace(
            dialogue=find_dialogue(row), person=find_person(row, options)
        )
    return label_text(row, options, output)


def _with_entities(label: str, row: Row, instruction: str, options: Options) -> str:
    """The label with the marked values of the row's ``entities``, if they are asked for."""
    entities = row.get("entities")
    if not options.spans or not isinstance(entities, list) or is_call(label):
        return label
    spans = [span for item in entities if (span := entity_span(item, instruction))]
    if len(spans) < len(entities):
        raise RowRejected("spans")
    return "; ".join(labels_with_spans([label], spans, options.order)) if spans else label


def _earlier_turns(row: Row) -> list[Turn]:
    history = row["history"]
    if not isinstance(history, list) or not all(map(_is_round, history)):
        raise RowRejected("not_text")
    return [turn for user, assistant in history for turn in round_of(user, assistant)]


def _is_round(item: Any) -> bool:
    return isinstance(item, list) and [type(text) for text in item] == [str, str]


JSON = Format("json", recognises, read, layout="values")
JSONL = Format("jsonl", recognises, read, layout="lines")

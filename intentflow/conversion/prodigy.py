"""Prodigy: JSON lines of its database, with an ``answer`` of each annotator.

``{"text", "label", "answer"}`` asks about one label, ``{"text", "options", "accept", "answer"}``
lets choose among several, ``user_input`` is typed. Only rows with the answer ``accept`` are
labelled: ``reject`` means that the label is wrong, not which one is right; ``ignore`` skips. Spans
(``ner``, ``spans``) do not define a call, but can be parameters. Design decision: several accepted
options are several intents; the rows of one ``_input_hash`` are votes, of one session the latest;
two labels that are accepted one by one for the same text are a tie.
"""

from __future__ import annotations

from typing import Any

from intentflow.conversion.agreement import join_labels
from intentflow.conversion.export_format import (
    Ballot,
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    label_text,
)
from intentflow.conversion.parameter_order import NamedValue
from intentflow.conversion.parameters import labels_with_spans

_ANSWERS = frozenset({"accept", "reject", "ignore"})
_MARKS = frozenset({"_input_hash", "_task_hash", "_view_id", "_session_id", "_annotator_id"})
_MARKS |= {"accept", "options", "label", "spans", "user_input"}


def recognises(row: Row) -> bool:
    """Whether the row has one of Prodigy's answers and another of its keys."""
    answer = row.get("answer")
    is_answer = isinstance(answer, str) and answer in _ANSWERS
    return is_answer and bool(_MARKS & row.keys())


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's text and the accepted label.

    Raises:
        RowRejected: The annotator rejected or ignored the row, or it has no label.
    """
    answer = row.get("answer", "accept")
    if answer != "accept":
        raise RowRejected("rejected" if answer == "reject" else "abandoned")
    labels = _labels(row)
    text = label_text(row, options, "")
    spans = _spans(row, text.instruction)
    if not labels:
        raise RowRejected("spans" if spans else "no_label")
    if options.spans:
        labels = labels_with_spans(labels, spans, options.order)
    return text._replace(output=join_labels(labels), ballot=_ballot(row))


def _labels(row: Row) -> list[str]:
    accepted = row.get("accept")
    if accepted is None and "options" not in row:
        found = [row.get("user_input") or row.get("label")]
    else:
        options = _dicts(row.get("options"))
        names = {item.get("id"): item for item in options if _is_key(item.get("id"))}
        chosen = accepted if isinstance(accepted, list) else [accepted]
        found = [_option_name(item, names) for item in chosen if _is_key(item)]
    labels = [label for label in found if label is not None]
    if not all(isinstance(label, str) for label in labels):
        raise RowRejected("not_text")
    return [label for label in labels if label.strip()]


def _option_name(chosen: Any, options: dict[Any, Row]) -> Any:
    """The id of an option; its text if the ids are numbers."""
    return chosen if isinstance(chosen, str) else options.get(chosen, {}).get("text", chosen)


def _is_key(value: Any) -> bool:
    return isinstance(value, (str, int))


def _spans(row: Row, text: str) -> list[NamedValue]:
    spans: list[NamedValue] = []
    for item in _dicts(row.get("spans")):
        start, end, label = item.get("start"), item.get("end"), item.get("label")
        if isinstance(start, int) and isinstance(end, int) and isinstance(label, str):
            spans.append(NamedValue((label,), text[start:end], start))
    return spans


def _dicts(value: Any) -> list[Row]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _ballot(row: Row) -> Ballot | None:
    """The input that annotators share; a question about one label is a vote of its own."""
    item = row.get("_input_hash")
    if item is None:
        return None
    who = str(row.get("_annotator_id") or row.get("_session_id") or "")
    asked = "" if "options" in row or not who else f"\0{row.get('label')}"
    return Ballot(f"prodigy {item}", f"{who}{asked}", str(row.get("_timestamp") or ""))


PRODIGY = Format("prodigy", recognises, read)

"""Targets of a conversion, and tasks for a labelling tool with predictions as pre-labels.

iTAG takes a manifest, ``{"data": {"instruction", "output"}}`` per line: ``output`` is the pre-label
column, to be mapped to the question of that name. Label Studio takes an array of tasks whose
prediction fills the text area ``output`` of the text ``instruction``. doccano takes JSON lines,
``{"text", "label": ["…"]}``, with a label for each call. The pre-label is the row's
``prediction``, as ``intentflow evaluate --predictions`` writes it, otherwise its label; a row
without either is a task without pre-label. A prediction comes back with the export: Label Studio
keeps its own, and for the other tools it is a column of that name, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import orjson

from intentflow.calls import format_calls, parse_calls
from intentflow.conversion import doccano
from intentflow.conversion.dialogue_turns import find_labelled
from intentflow.conversion.export_format import (
    PREDICTION_FIELD,
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    label_text,
)
from intentflow.errors import InputError

Target = Literal["itag", "label-studio", "doccano", "rasa", "jsonl-chat"]
TASKS = ("itag", "label-studio", "doccano")
"""Targets whose rows need no label; the others are exports of records."""
_SUFFIXES: dict[str, tuple[str, ...]] = {
    "itag": (".manifest", ".jsonl"),
    "label-studio": (".json",),
    "doccano": (".jsonl",),
    "rasa": (".yml", ".yaml"),
    "jsonl-chat": (".jsonl",),
}
_WITHOUT_LABEL = frozenset({"no_label", "no_answer", "empty_result", "blank_answer"})
_WITHOUT_LABEL |= {"unknown_shape", "abandoned", "tie", "conflict", "not_verified"}
_WITHOUT_LABEL |= {"rejected", "spans", "unnamed_intent"}


def check_target(target: str, out: Path) -> None:
    """Refuse an unknown tool, or a file type that it does not import.

    Raises:
        InputError: The tool is unknown, or the file has another suffix.
    """
    if target not in get_args(Target):
        raise InputError(f"unknown target {target}; choose one of: {', '.join(get_args(Target))}")
    if out.suffix not in _SUFFIXES[target]:
        allowed = " or ".join(_SUFFIXES[target])
        what = f"tasks for {target}" if target in TASKS else target
        raise InputError(f"{out}: the file name of {what} must end in {allowed}")


def as_tasks(form: Format, target: Target) -> Format:
    """Let a format write its rows as tasks for labellers; ``target`` is one of :data:`TASKS`."""
    return replace(
        form,
        read=partial(_read_task, form),
        encode=_ENCODERS[target],
        layouts=None,
        needs_label=False,
        adapt=partial(as_tasks, target=target),
    )


def _read_task(form: Format, row: Row, options: Options) -> LabelledRow:
    """Read the row's utterance and pre-label; rows without a label are valid tasks."""
    row = doccano.with_text(row)
    prediction = row.get("prediction")
    if isinstance(prediction, str):
        return label_text(row, options, prediction)
    try:
        return form.read(row, options)
    except RowRejected as rejected:
        if rejected.reason not in _WITHOUT_LABEL:
            raise
        ballot = rejected.ballot
    data = row.get("data")
    fields = data if isinstance(data, dict) else row
    return find_labelled(fields, options, "")._replace(ballot=ballot)


def encode_itag(row: LabelledRow) -> bytes:
    """The task as a line of an iTAG manifest."""
    data = _data(row) | ({"output": row.output} if row.output else {}) | _prediction(row)
    return orjson.dumps({"data": data})


def encode_label_studio(row: LabelledRow) -> bytes:
    """The task as an element of a Label Studio import."""
    result = {
        "from_name": "output",
        "to_name": "instruction",
        "type": "textarea",
        "value": {"text": [row.output]},
    }
    predictions = [{"model_version": "intentflow", "result": [result]}] if row.output else []
    return orjson.dumps({"data": _data(row), "predictions": predictions})


def encode_doccano(row: LabelledRow) -> bytes:
    """The task as a line of doccano's import, with a label for each call."""
    try:
        labels = [format_calls([call]) for call in parse_calls(row.output)]
    except ValueError:
        labels = [row.output] if row.output else []
    data = _data(row)
    return orjson.dumps(
        {"text": data.pop("instruction"), "label": labels} | data | _prediction(row)
    )


def _data(row: LabelledRow) -> dict[str, str | int]:
    """The data that labellers see; the dialogue's id and rounds return with the export."""
    data: dict[str, str | int] = {"instruction": row.instruction}
    if row.dialogue:
        data["dialogue"] = row.dialogue
    if row.rounds > 1:
        data["rounds"] = row.rounds
    return data


def _prediction(row: LabelledRow) -> dict[str, str]:
    """The column that exports return as it is, whatever becomes of the label."""
    return {PREDICTION_FIELD: row.prediction} if row.prediction else {}


_ENCODERS: dict[str, Callable[[LabelledRow], bytes]] = {
    "itag": encode_itag,
    "label-studio": encode_label_studio,
    "doccano": encode_doccano,
}

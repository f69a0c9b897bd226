"""The labelling tools whose exports can be read: one module each, registered here."""

from __future__ import annotations

from intentflow.convert import itag, plain
from intentflow.convert.shape import Format, Labelled, Options, Row, RowRejected
from intentflow.errors import IntentflowError

# In ``auto`` they are asked in this order.
FORMATS = {form.name: form for form in (itag.ITAG, plain.JSON, plain.JSONL)}


def find_format(name: str) -> Format:
    """The format of that name; ``auto`` asks every row which one it is.

    Raises:
        IntentflowError: There is no such format.
    """
    if name == "auto":
        return Format("auto", lambda _row: True, _read_any)
    if name not in FORMATS:
        raise IntentflowError(f"unknown format {name}; known: auto, {', '.join(FORMATS)}")
    return FORMATS[name]


def _read_any(row: Row, options: Options) -> Labelled:
    for form in FORMATS.values():
        if form.recognises(row):
            return form.read(row, options)
    raise RowRejected("unknown_shape")

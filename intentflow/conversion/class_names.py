"""Labels that are not calls yet: plain class names.

``refund`` or ``card_arrival`` as a label is what most tables have. Such a label becomes a call
without parameters, ``refund()``, if the name occurs in several rows or in the taxonomy: free text
mostly occurs once, and stays as labelled. This is known after the last row only, so rows wait in a
temporary file from the first label on that is no call.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from tempfile import SpooledTemporaryFile

import orjson

from intentflow.calls import CallSyntaxError, name_fault, parse_calls
from intentflow.conversion.writers import RowsWriter

_ENDS_AS_CALL = b')"}\n'
_PREDICTION = b'", "prediction": "'  # stands behind the label
_OUTPUT = re.compile(rb'"output": ("(?:[^"\\]|\\.)*+")')
_SEPARATOR = re.compile("[;；]")
_SENTENCE_END = (".", "!", "。", "！", "…", ":")
_MEMORY_BYTES = 64 << 20
_AT_ONCE_BYTES = 1 << 20
_MIN_ROWS = 2


class CallWriter:
    """Writes records whose labels are calls, as far as they can be read as such.

    Args:
        writer: The writer of the records.
        known: Names of intents that are recognised even in a single row.

    Attributes:
        class_names: Number of rows whose label held class names.
    """

    def __init__(self, writer: RowsWriter, known: Collection[str] = ()) -> None:
        self._writer = writer
        self._known = frozenset(known)
        self._rows: Counter[str] = Counter()
        self._waiting: SpooledTemporaryFile[bytes] | None = None
        self.class_names = 0

    def write(self, lines: bytes, count: int) -> None:
        """Append rows: ``count`` JSON lines, each with its line end."""
        ends = lines.count(_ENDS_AS_CALL) == count and _PREDICTION not in lines
        if self._waiting is None and ends:
            self._writer.write(lines, count)
            return
        if self._waiting is None:
            self._waiting = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - see finish
        for label in _OUTPUT.findall(lines):
            if not _is_plainly_calls(label):
                self._rows.update(set(_class_names(label)))
        self._waiting.write(lines)

    def finish(self) -> str:
        """Write the rows that wait for their labels, and finish the records.

        Returns:
            The digest of the rows written.
        """
        if self._waiting is not None:
            with self._waiting as waiting:
                waiting.seek(0)
                while lines := waiting.readlines(_AT_ONCE_BYTES):
                    self._writer.write(b"".join(map(self._with_calls, lines)), len(lines))
        return self._writer.finish()

    def _with_calls(self, line: bytes) -> bytes:
        found = _OUTPUT.search(line)
        if found is None or _is_plainly_calls(found[1]):
            return line
        label = self._as_calls(found[1])
        return line if label is None else line[: found.start(1)] + label + line[found.end(1) :]

    def _as_calls(self, label: bytes) -> bytes | None:
        """The label in the notation of calls, as JSON; None if it stays as it is."""
        names = _class_names(label)
        if not names or not all(it in self._known or self._rows[it] >= _MIN_ROWS for it in names):
            return None
        self.class_names += 1
        pieces = _pieces(orjson.loads(label))
        return orjson.dumps("; ".join(it if _is_call(it) else f"{it}()" for it in pieces))


def _is_plainly_calls(label: bytes) -> bool:
    return label.endswith(b')"') and b";" not in label


@lru_cache(maxsize=4096)
def _class_names(label: bytes) -> tuple[str, ...]:
    """The class names of a label, a JSON string; empty if other parts are no calls."""
    pieces = _pieces(orjson.loads(label))
    names = tuple(it for it in pieces if not _is_call(it))
    return names if all(map(_is_class_name, names)) else ()


def _pieces(label: str) -> list[str]:
    return [piece.strip() for piece in _SEPARATOR.split(label) if piece.strip()]


def _is_class_name(text: str) -> bool:
    is_sentence = text.endswith(_SENTENCE_END)
    return not is_sentence and any(map(str.isalpha, text)) and name_fault(text) is None


def _is_call(text: str) -> bool:
    try:
        return bool(parse_calls(text))
    except CallSyntaxError:
        return False

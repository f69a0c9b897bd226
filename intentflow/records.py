"""Records: labelled utterances, the files that hold them and their content digest."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeGuard

from intentflow.errors import InputError
from intentflow.io.files import atomic_file
from intentflow.persons import is_person_hash

MAX_ROW_BYTES = 32_000_000
"""Bytes of a row; real ones have thousands."""

_TO_CONVERT = (".gz", ".csv", ".tsv", ".manifest", ".transcript")
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled utterance.

    Attributes:
        instruction: The user's utterance.
        output: The label, as written by the labeller.
        synthetic: Whether the row was generated; such rows stay out of validation and test.
        dialogue: Id of the dialogue that the row is from; a split keeps a dialogue's rows together.
        rounds: Number of the user's turns that the utterance joins.
        person: Keyed hash of the person whose utterance it is, see :mod:`intentflow.persons`.
        prediction: A model's answer, which the labeller saw as pre-label or has corrected; only
            preference tuning learns from it.
    """

    instruction: str
    output: str
    synthetic: bool = False
    dialogue: str | None = None
    rounds: int = 1
    person: str | None = None
    prediction: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row as it is written to a file."""
        row: dict[str, Any] = {"instruction": self.instruction, "output": self.output}
        if self.synthetic:
            row["synthetic"] = True
        if self.dialogue:
            row["dialogue"] = self.dialogue
        if self.rounds > 1:
            row["rounds"] = self.rounds
        if self.person:
            row["person"] = self.person
        if self.prediction:
            row["prediction"] = self.prediction
        return row


def read_records(path: str | Path) -> list[Example]:
    """Read a data set: a JSON array (a trailing comma is accepted) or JSON lines.

    Raises:
        InputError: The file is missing, empty or not UTF-8, or a row lacks one of the two
            text fields or is too long; the message names the file and the row.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = [Example("play some jazz", "play_music(jazz)")]
        ...     digest = write_records(f"{folder}/rows.jsonl", rows)
        ...     read_records(f"{folder}/rows.jsonl") == rows
        True
    """
    return [example for _, example in read_numbered_records(path)]


def read_numbered_records(path: str | Path) -> list[tuple[int, Example]]:
    r"""Read a data set, each row with its place in the file, for lists that name rows.

    Args:
        path: A local file or an ``s3://`` object.

    Returns:
        Each row with its line, from 1, or in a JSON array with its number.

    Raises:
        InputError: The file is missing, empty or not UTF-8, or a row lacks one of the two
            text fields or is too long; the message names the file and the row.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "rows.jsonl")
        ...     row = '{"instruction": "stop", "output": "stop()"}\n'
        ...     _ = path.write_text(row + "\n" + row)
        ...     [number for number, _ in read_numbered_records(path)]
        [1, 3]
    """
    hint = _hint(path)
    rows = [(at.number, _example(row, f"{path}: {at}", hint)) for at, row in read_rows(path)]
    if not rows:
        raise InputError(f"{path}: the file contains no rows")
    return rows


class Position(NamedTuple):
    """Place of a row in its file.

    Attributes:
        unit: ``line`` of JSON lines, ``row`` of a JSON array, in which rows may share a line.
        number: Number of the line or row, from 1.
    """

    unit: Literal["line", "row"]
    number: int

    def __str__(self) -> str:
        return f"{self.unit} {self.number}"


def read_rows(path: str | Path) -> Iterator[tuple[Position, Any]]:
    """The parsed rows of a JSON array or of JSON lines, each with its position in the file.

    Args:
        path: A local file or an ``s3://`` object.

    Raises:
        InputError: The file is missing, empty or not UTF-8, or a row is not JSON or too long.
    """
    text = _fetch_text(str(path)) if str(path).startswith("s3://") else _read_text(Path(path))
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    return _array_rows(text, path) if text.lstrip()[0] == "[" else _line_rows(text, path)


def write_records(path: str | Path, examples: Iterable[Example]) -> str:
    """Write a data set: an array if the name ends in ``.json``, otherwise JSON lines.

    Returns:
        The content digest of the rows, see :func:`content_digest`.
    """
    digest = hashlib.sha256()
    as_array = str(path).endswith(".json")
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.write("[" if as_array else "")
        for index, example in enumerate(examples):
            digest.update(_canonical(example))
            stream.write(array_separator(index) if as_array else "")
            stream.write(json.dumps(example.as_dict(), ensure_ascii=False))
            stream.write("" if as_array else "\n")
        stream.write("\n]\n" if as_array else "")
    return digest.hexdigest()


def array_separator(index: int) -> str:
    """The separator before row ``index`` (from 0) of a JSON array written row by row."""
    return "\n" if index == 0 else ",\n"


def content_digest(examples: Sequence[Example]) -> str:
    """SHA-256 of the rows in order, independent of the file format."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(_canonical(example))
    return digest.hexdigest()


def _canonical(example: Example) -> bytes:
    row = json.dumps(example.as_dict(), ensure_ascii=False, sort_keys=True)
    return row.encode("utf-8", "surrogatepass") + b"\n"


def _fetch_text(uri: str) -> str:
    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as directory:
        return _read_text(fetch(uri, Path(directory)))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        hint = _hint(path, is_other=bytes(error.object).startswith(_GZIP_MAGIC))
        raise InputError(f"{path}: not UTF-8 (byte {error.start}){hint}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected a data file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _array_rows(text: str, path: str | Path) -> Iterator[tuple[Position, Any]]:
    try:
        rows = json.loads(re.sub(r",\s*\]\s*$", "]", text))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise InputError(f"{path} line {line}: not JSON{_hint(path, is_other=line == 1)}") from None
    return ((Position("row", number), row) for number, row in enumerate(rows, 1))


def _line_rows(text: str, path: str | Path) -> Iterator[tuple[Position, Any]]:
    is_first = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        _require_size(line, f"{path} line {number}")
        try:
            yield Position("line", number), json.loads(line)
        except (ValueError, RecursionError):
            hint = _hint(path, is_other=is_first)
            raise InputError(f"{path} line {number}: not JSON{hint}") from None
        is_first = False


def _require_size(text: str, where: str) -> None:
    if len(text) > MAX_ROW_BYTES // 4 and len(text.encode("utf-8", "replace")) > MAX_ROW_BYTES:
        raise InputError(f"{where}: the row has more than {MAX_ROW_BYTES:,} bytes; leave it out")


def _hint(path: str | Path, *, is_other: bool = False) -> str:
    """Advice for a file that does not hold records; empty for one that may."""
    if is_other or str(path).endswith(_TO_CONVERT):
        return f"; convert it first: intentflow convert {shlex.quote(str(path))} -o records.jsonl"
    return ""


def _example(row: Any, where: str, hint: str) -> Example:
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected an object with instruction and output{hint}")
    for key in ("instruction", "output"):
        if not isinstance(row.get(key), str):
            raise InputError(f"{where}: {key} is missing or not text{hint}")
        _require_characters(row[key], f"{where}: {key}")
    _require_size(row["instruction"] + row["output"], where)
    dialogue = row.get("dialogue") or None
    if dialogue is not None and not isinstance(dialogue, str):
        raise InputError(f"{where}: dialogue is not text; write the dialogue's id in quotes")
    _require_characters(dialogue or "", f"{where}: dialogue")
    rounds = row.get("rounds", 1)
    if not is_round_count(rounds):
        raise InputError(f"{where}: rounds is not a number of user turns, from 1")
    person = row.get("person") or None
    if person is not None and not is_person_hash(person):
        raise InputError(
            f"{where}: person is no keyed hash; intentflow convert --person-field person makes it "
            "one"
        )
    synthetic = bool(row.get("synthetic", False))
    prediction = row.get("prediction") or None
    if prediction is not None and not isinstance(prediction, str):
        raise InputError(f"{where}: prediction is not text")
    _require_characters(prediction or "", f"{where}: prediction")
    return Example(
        row["instruction"], row["output"], synthetic, dialogue, rounds, person, prediction
    )


def is_round_count(value: Any) -> TypeGuard[int]:
    """Whether a value can be the number of a dialogue's rounds."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _require_characters(text: str, where: str) -> None:
    """Refuse an escape of half a character, which can be neither written nor tokenized."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):x}"
        raise InputError(
            f"{where} contains half of a surrogate pair ({half}), which is not a character: "
            "correct the text"
        ) from None

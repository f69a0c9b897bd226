"""The journal of a synthesis: requests, answers and rows, one durable line each.

A killed run resumes from its journal: the same requests come up in the same order, and answers in
the journal are read instead of requested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from intentflow.errors import InputError
from intentflow.io.journal import JournalFile
from intentflow.records import Example

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the teacher.

    Attributes:
        text: The answer.
        tokens: Tokens of the prompt and the answer.
        detached_copies: Whether the answer was cut off at its token limit.
    """

    text: str
    tokens: int
    detached_copies: bool = False


@dataclass
class SynthesisJournal:
    """The work of earlier runs of the same synthesis, and the file that this run appends to.

    Attributes:
        path: The file; None keeps everything in memory.
        replies: Answers by the key of their request.
        waves: Number of requests that were started together, wave by wave.
        rows: Generated rows.
        requests: Number of requests that earlier runs sent.
        tokens: Tokens that they cost; a request without a recorded outcome counts with its upper
            bound.
    """

    path: Path | None = None
    replies: dict[str, Reply] = field(default_factory=dict)
    waves: list[int] = field(default_factory=list)
    rows: set[tuple[str, str]] = field(default_factory=set)
    requests: int = 0
    tokens: int = 0
    _sent: int = 0
    _open: dict[int, int] = field(default_factory=dict)
    _file: JournalFile | None = None

    @classmethod
    def open(cls, path: Path | None, identity: Mapping[str, str | int]) -> Self:
        """Start a journal or resume an existing one.

        Args:
            path: The file; None keeps everything in memory.
            identity: Inputs that the answers depend on; a journal of other inputs is refused.

        Raises:
            InputError: The file is not a journal, belongs to other inputs, is being written
                by another run, or cannot be written.
        """
        journal = cls(path)
        if path is not None:
            try:
                journal._open_file(path, {"kind": "synthesis", "version": _VERSION, **identity})
            except BaseException:
                journal.close()
                raise
        return journal

    def close(self) -> None:
        """Close the file and release its lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, tokens: int) -> int:
        """Record that a request of at most ``tokens`` tokens is about to be sent.

        Returns:
            The number of the request.
        """
        self._sent += 1
        self._append({"kind": "sent", "number": self._sent, "tokens": tokens})
        return self._sent

    def fail(self, number: int, tokens: int) -> None:
        """Record that a request failed, and its cost."""
        self._append({"kind": "failed", "number": number, "tokens": tokens})

    def answer(self, number: int, key: str, reply: Reply) -> None:
        """Record an answer."""
        self.replies[key] = reply
        entry = {"text": reply.text, "tokens": reply.tokens, "cut_off": reply.detached_copies}
        self._append({"kind": "answered", "number": number, "key": key, **entry})

    def begin_wave(self, size: int) -> None:
        """Record the number of requests that are started together."""
        self.waves.append(size)
        self._append({"kind": "wave", "size": size})

    def keep(self, example: Example) -> None:
        """Record a generated row, once."""
        row = (example.instruction, example.output)
        if row not in self.rows:
            self.rows.add(row)
            self._append({"kind": "row", **example.as_dict()})

    def kept(self) -> str:
        """The place of the rows generated so far, as a part of an error message."""
        count = f"{len(self.rows)} row{'' if len(self.rows) == 1 else 's'}"
        return f"{count} generated so far are in {self.path}; run the same command to continue"

    def _open_file(self, path: Path, header: dict[str, Any]) -> None:
        self._file = JournalFile.open(path, "synthesis")
        lines = self._file.lines
        if not lines:
            self._append(header)
            return
        entries = [_entry(line, path, number) for number, line in enumerate(lines, 1)]
        _check_identity(entries[0], header, path, entries)
        for number, entry in enumerate(entries[1:], 2):
            self._recall(entry, number)
        self.tokens += sum(self._open.values())

    def _recall(self, entry: dict[str, Any], line: int) -> None:
        """Apply one line of an earlier run."""
        try:
            self._take(entry)
        except (KeyError, TypeError, ValueError):
            raise _broken(self.path, line) from None

    def _take(self, entry: dict[str, Any]) -> None:
        match entry["kind"]:
            case "sent":
                self._sent = int(entry["number"])
                self._open[self._sent] = int(entry["tokens"])
                self.requests += 1
            case "failed" | "answered":
                del self._open[entry["number"]]
                self.tokens += int(entry["tokens"])
                if entry["kind"] == "answered":
                    reply = Reply(str(entry["text"]), int(entry["tokens"]), bool(entry["cut_off"]))
                    self.replies[entry["key"]] = reply
            case "wave":
                self.waves.append(int(entry["size"]))
            case "row":
                self.rows.add((entry["instruction"], entry["output"]))
            case _:
                raise ValueError(entry["kind"])

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.append(entry, durable=True)


def _entry(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        raise _broken(path, number)
    return entry


def _broken(path: Path | None, line: int) -> InputError:
    return InputError(
        f"{path} line {line}: not a line of a synthesis journal; move the file away to start again"
    )


def _check_identity(
    found: dict[str, Any], header: dict[str, Any], path: Path, entries: list[dict[str, Any]]
) -> None:
    if found == header:
        return
    if found["kind"] != "synthesis":
        raise _broken(path, 1)
    other = [name for name in header if found.get(name) != header[name]]
    made = sum(entry["kind"] == "row" for entry in entries)
    raise InputError(
        f"{path}: journal of another synthesis (other {', '.join(other)}), with {made} rows; "
        "run the command with the original inputs, or move the file away to start again"
    )

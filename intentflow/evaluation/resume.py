"""The journal of an evaluation: answers as they come, so that one that ended early can go on."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from intentflow.errors import IntentflowError
from intentflow.inference.engines import Answer
from intentflow.io.journal import JournalFile

log = logging.getLogger(__name__)

_VERSION = 1
_KIND = "answers"
_START = f'{{"kind": "{_KIND}"'.encode()


@dataclass
class AnswerJournal:
    """Answers of this and of earlier runs of the same evaluation.

    Attributes:
        path: The file; None keeps nothing.
        answers: By the place of their rows.
        seconds: Wall time that earlier runs took for theirs.
    """

    path: Path | None = None
    answers: dict[int, Answer] = field(default_factory=dict)
    seconds: float = 0.0
    _file: JournalFile | None = None
    _started: float = field(default_factory=time.perf_counter)

    @classmethod
    def open(cls, output: Path | None, identity: Mapping[str, Any]) -> Self:
        """Begin a journal or go on with the one that is there.

        Its name holds a digest of what the answers depend on: one of another model or of other
        rows is never read, only pointed out.

        Args:
            output: File that the evaluation will write; the journal is kept in its folder. None
                keeps no journal.
            identity: Everything that the answers depend on.

        Raises:
            IntentflowError: Another run writes it, it is none, or the place cannot be written.
        """
        if output is None:
            return cls()
        text = json.dumps({"version": _VERSION, **identity}, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        journal = cls(output.with_name(f".{output.name}.{name}.answers"))
        try:
            journal._open_file(dict(identity))
        except BaseException:
            journal._release()  # the file may be another's: it stays
            raise
        journal._log_state(output)
        return journal

    def keep(self, place: int, answer: Answer) -> None:
        """Note the answer to a row; one whose request failed is asked again next time."""
        self.answers[place] = answer
        if not answer.failed:
            took = time.perf_counter() - self._started
            self._append({"kind": "answer", "place": place, "at": took, **asdict(answer)})

    def start_clock(self) -> None:
        """Begin to count the time of this run."""
        self._started = time.perf_counter()

    def kept(self, rows: int) -> str:
        """Where the answers are, as a part of an error message; empty where there are none."""
        if self.path is None or not self.answers:
            return ""
        return (
            f"; {len(self.answers):,} of {rows:,} answers are kept in {self.path}: "
            "the same command goes on from there"
        )

    def remove(self) -> None:
        """Take the file away: what it was for is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the file, which stays where it holds answers."""
        if self._file is not None and self.path is not None and not self.answers:
            self.path.unlink(missing_ok=True)
        self._release()

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_file(self, identity: dict[str, Any]) -> None:
        assert self.path is not None
        self._file = JournalFile.open(self.path, _KIND)
        if self._file.lines and not self._file.lines[0].startswith(_START):
            raise IntentflowError(f"{self.path} holds no answers of an evaluation: move it away")
        runs = [0.0]
        for number, line in enumerate(self._file.lines, 1):
            self._recall(line, number, runs)
        self.seconds = sum(runs)
        self._append({"kind": _KIND, **identity})

    def _recall(self, line: bytes, number: int, runs: list[float]) -> None:
        """Take one line of an earlier run into account; ``runs`` are their seconds."""
        try:
            entry = json.loads(line)
            if entry["kind"] == _KIND:
                runs.append(0.0)
                return
            fields = (entry["text"], entry["seconds"], entry["confidence"])
            self.answers[int(entry["place"])] = Answer(*fields)
            runs[-1] = float(entry["at"])
        except (KeyError, TypeError, ValueError, RecursionError):
            raise IntentflowError(
                f"{self.path} line {number}: no line of an evaluation's answers; "
                "remove the file to begin again"
            ) from None

    def _log_state(self, output: Path) -> None:
        """Log which answers are reused, and which files hold answers of another model or rows."""
        if self.answers:
            count = f"{len(self.answers):,} answer{'' if len(self.answers) == 1 else 's'}"
            log.info("going on: %s of an earlier run are in %s", count, self.path)
        for other in sorted(output.parent.glob(f".{output.name}.*.answers")):
            if other != self.path:
                log.warning(
                    "%s holds answers of another model, of other rows or to other settings; "
                    "they are not used",
                    other,
                )

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.append(entry)

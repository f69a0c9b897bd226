"""The journal of an evaluation: records answers, so that an interrupted one can be resumed."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from intentflow.errors import InputError
from intentflow.inference.engines import Answer, TokenUsage
from intentflow.io.journal import JournalFile

log = logging.getLogger(__name__)

_VERSION = 3
_KIND = "answers"
_START = f'{{"kind": "{_KIND}"'.encode()


@dataclass
class AnswerJournal:
    """Answers of this and of earlier runs of the same evaluation.

    Attributes:
        path: The file; None records nothing.
        answers: Answers by the index of their row.
        seconds: Wall time that earlier runs took for their answers.
    """

    path: Path | None = None
    answers: dict[int, Answer] = field(default_factory=dict)
    seconds: float = 0.0
    _file: JournalFile | None = None
    _started: float = field(default_factory=time.perf_counter)

    @classmethod
    def open(cls, output: Path | None, identity: Mapping[str, Any]) -> Self:
        """Start a journal or resume an existing one.

        Its name contains a digest of everything that the answers depend on: a journal of another
        model or of other rows is never read, only reported.

        Args:
            output: File that the evaluation will write; the journal is kept in its folder. None
                keeps no journal.
            identity: Everything that the answers depend on.

        Raises:
            InputError: Another run writes it, it is not a journal, or it cannot be written.
        """
        if output is None:
            return cls()
        text = json.dumps({"version": _VERSION, **identity}, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        journal = cls(output.with_name(f".{output.name}.{name}.answers"))
        try:
            journal._open_file(dict(identity))
        except BaseException:
            journal._release()  # the file may belong to another process, so it stays
            raise
        journal._log_state(output)
        return journal

    def keep(self, place: int, answer: Answer) -> None:
        """Record the answer to a row; a failed request is repeated by the next run."""
        self.answers[place] = answer
        if not answer.failed:
            took = time.perf_counter() - self._started
            self._append({"kind": "answer", "place": place, "at": took, **asdict(answer)})

    def start_clock(self) -> None:
        """Start to measure the time of this run."""
        self._started = time.perf_counter()

    def kept(self, rows: int) -> str:
        """The place of the answers, as a part of an error message; empty if there are none."""
        if self.path is None or not self.answers:
            return ""
        return (
            f"; {len(self.answers):,} of {rows:,} answers are in {self.path}: "
            "run the same command to continue"
        )

    def remove(self) -> None:
        """Delete the file once the results are written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the file, which stays if it contains answers."""
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
            raise InputError(f"{self.path} is not a journal of an evaluation: move it away")
        runs = [0.0]
        for number, line in enumerate(self._file.lines, 1):
            self._recall(line, number, runs)
        self.seconds = sum(runs)
        self._append({"kind": _KIND, **identity})

    def _recall(self, line: bytes, number: int, runs: list[float]) -> None:
        """Apply one line of an earlier run; ``runs`` are the runs' seconds."""
        try:
            entry = json.loads(line)
            if entry["kind"] == _KIND:
                runs.append(0.0)
                return
            fields = (entry["text"], entry["seconds"], entry["confidence"])
            facts = {name: entry[name] for name in ("margin", "ranking", "own_intent")}
            usage = None if entry["usage"] is None else TokenUsage(*entry["usage"])
            self.answers[int(entry["place"])] = Answer(*fields, **facts, usage=usage)
            runs[-1] = float(entry["at"])
        except (KeyError, TypeError, ValueError, RecursionError):
            raise InputError(
                f"{self.path} line {number}: not a line of an evaluation's journal; "
                "remove the file to start again"
            ) from None

    def _log_state(self, output: Path) -> None:
        """Log the answers that are reused, and journals of another model or other rows."""
        if self.answers:
            count = f"{len(self.answers):,} answer{'' if len(self.answers) == 1 else 's'}"
            log.info("resuming with %s of an earlier run from %s", count, self.path)
        for other in sorted(output.parent.glob(f".{output.name}.*.answers")):
            if other != self.path:
                log.warning(
                    "%s contains answers of another model, for other rows or with other settings; "
                    "they are not used",
                    other,
                )

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.append(entry)

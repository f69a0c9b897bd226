"""Output of a local run: everything to a file, messages for the user to the log."""

from __future__ import annotations

import io
import json
import logging
import re
from pathlib import Path

from intentflow.logs import with_level
from intentflow.printable import printable

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '([\w-]+)'")
_ENDED = re.compile(r"Task '([\w-]+)' finished with status (\w+)")
_CACHED = re.compile(r"Task ([\w-]+) cache hit")
_UNRESOLVED = "Could not resolve"  # kfp's only sign of a condition that silently became false
_INDENT = "    "  # before each line of a step

log = logging.getLogger(__name__)


class RunLog(io.TextIOBase):
    """A stream for the output of kfp's local runner.

    The runner's own log reports the start and end of each step; between them are the step's lines,
    indented: log records as JSON, output of libraries, and long listings of the step's inputs,
    which only go to the file.

    Args:
        path: The file that gets everything.
        verbose: Whether to log everything, too.

    Attributes:
        unresolved: The runner's warning about a condition that it could not evaluate, if any.
    """

    def __init__(self, path: Path, *, verbose: bool = False) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._verbose = verbose
        self._line = ""
        self._in_listing = False
        self._step: str | None = None
        self.unresolved: str | None = None

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, text: str) -> int:
        """Accept text in any pieces; complete lines are passed on."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._pass_on(line)
        return len(text)

    def flush(self) -> None:
        """Flush the file."""
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.write(self._line)
        self._line = ""
        self._file.close()
        super().close()

    def _pass_on(self, line: str) -> None:
        record = _record(line)
        text = _INDENT + with_level(record) if record else line
        self._file.write(text + "\n")
        shown = _COLOUR.sub("", text)
        if _UNRESOLVED in shown:
            self.unresolved = shown
        if self._verbose:
            log.info("%s", shown)
        elif shown.startswith(_INDENT):
            own = _COLOUR.sub("", record.getMessage()) if record else shown
            self._log_step_line(own.strip(), record)
        elif short := self._shorten(shown):
            log.info("%s", short)

    def _log_step_line(self, line: str, record: logging.LogRecord | None) -> None:
        if self._step is None or not (record or self._is_wanted(line)):
            return
        logger = logging.getLogger(record.name) if record else log
        level = record.levelno if record else logging.INFO
        logger.log(level, "%s", line, extra={"step": self._step})

    def _shorten(self, line: str) -> str | None:
        if found := _CACHED.search(line):
            return f"[{found[1]}] unchanged, not run again"
        if found := _STARTED.search(line):
            self._step, self._in_listing = found[1], False
            return f"[{found[1]}]"
        if found := _ENDED.search(line):
            self._step = None
            return f"[{found[1]}] failed" if found[2] == "FAILURE" else None
        return None

    def _is_wanted(self, line: str) -> bool:
        """Whether a library's line within a step is of interest to the user."""
        if line.startswith("[KFP Executor"):
            self._in_listing = line.endswith("executor_input:")
            return False
        if self._in_listing and line[:1] in {"", *'{}[]"'}:
            return False
        self._in_listing = False
        noise = any(word in line for word in ("FutureWarning", "RuntimeWarning", "warnings.warn("))
        return bool(line) and not noise


def _record(line: str) -> logging.LogRecord | None:
    """The log record in a step's line; None if it is not one of ours."""
    if not line.startswith(_INDENT + '{"time": '):
        return None
    try:
        fields = json.loads(line)
        level = logging.getLevelNamesMapping()[fields["level"].upper()]
        name, message = str(fields["logger"]), str(fields["message"])
    except (ValueError, KeyError, AttributeError):
        return None
    text = "\n".join([*([fields["trace"]] if "trace" in fields else []), message])
    return logging.LogRecord(name, level, "", 0, printable(text, lines=True), None, None)

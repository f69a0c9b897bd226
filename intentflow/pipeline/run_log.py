"""What a local run prints: everything to a file, what a person wants to see to the terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TextIO

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '([\w-]+)'")
_ENDED = re.compile(r"Task '([\w-]+)' finished with status (\w+)")
_CACHED = re.compile(r"Task ([\w-]+) cache hit")
_UNRESOLVED = "Could not resolve"  # kfp's only sign that a condition was silently taken as false


class RunLog(io.TextIOBase):
    """A stream for kfp's local runner to print to.

    The runner's own log tells which step starts and ends; between the two come the step's lines,
    indented, with long listings of its inputs among them that only the file gets.

    Attributes:
        unresolved: The runner's warning about a condition that it could not evaluate, if any.
    """

    def __init__(self, path: Path, terminal: TextIO, *, verbose: bool = False) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._terminal = terminal
        self._verbose = verbose
        self._line = ""
        self._in_listing = False
        self._in_step = False
        self.unresolved: str | None = None

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take text as it comes; whole lines are passed on."""
        self._file.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._pass_on(_COLOUR.sub("", line))
        return len(text)

    def flush(self) -> None:
        """Flush the file."""
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Close the file; the terminal stays open."""
        self._file.close()
        super().close()

    def _pass_on(self, line: str) -> None:
        if _UNRESOLVED in line:
            self.unresolved = line
        shown = line if self._verbose else self._shorten(line)
        if shown:
            print(shown, file=self._terminal, flush=True)

    def _shorten(self, line: str) -> str | None:
        if line.startswith("    "):
            return self._step_line(line.strip()) if self._in_step else None
        if found := _CACHED.search(line):
            return f"[{found[1]}] unchanged, not run again"
        if found := _STARTED.search(line):
            self._in_step, self._in_listing = True, False
            return f"[{found[1]}]"
        if found := _ENDED.search(line):
            self._in_step = False
            return f"[{found[1]}] failed" if found[2] == "FAILURE" else None
        return None

    def _step_line(self, line: str) -> str | None:
        if line.startswith("[KFP Executor"):
            self._in_listing = line.endswith("executor_input:")
            return None
        if self._in_listing and line[:1] in {"", *'{}[]"'}:
            return None
        self._in_listing = False
        noise = any(word in line for word in ("FutureWarning", "RuntimeWarning", "warnings.warn("))
        return None if noise or not line else f"  {line}"

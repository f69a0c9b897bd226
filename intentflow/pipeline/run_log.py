"""Output of a local run: a line a step in ``run.log``, everything in a file of the runner's."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.io.progress import RUNNER_SHOWS
from intentflow.logs import with_level
from intentflow.pipeline.step_outputs import StepEnd
from intentflow.printable import printable

if TYPE_CHECKING:
    from tqdm import tqdm

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '([\w-]+)'")
_ENDED = re.compile(r"Task '([\w-]+)' finished with status (\w+)")
_CACHED = re.compile(r"Task ([\w-]+) cache hit")
_UNRESOLVED = "Could not resolve"  # kfp's only sign of a condition that silently became false
_INDENT = "    "  # before each line of a step

log = logging.getLogger(__name__)


class RunLog(io.TextIOBase):
    r"""A stream for the output of kfp's local runner, and the log of the run.

    The log has a line for each step, with its counts, below the step's warnings and errors.

    On a terminal the present state of a step's progress is below what is shown.

    The runner's own log reports the start and end of each step; between them are the step's lines,
    indented: log records as JSON, output of libraries, and long listings of the step's inputs,
    which only go to the file.

    Args:
        path: The log of the run.
        complete: The file that gets everything.
        verbose: Whether to show everything, too.

    Attributes:
        unresolved: The runner's warning about a condition that it could not evaluate, if any.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> with RunLog(folder / "run.log", folder / "runner.log") as run_log:
        ...     run_log.end_step(StepEnd("check", 0.25, {}, succeeded=True))
        >>> (folder / "run.log").read_text().partition(" UTC ")[2]
        'check      0.2 s\n'
    """

    def __init__(self, path: Path, complete: Path, *, verbose: bool = False) -> None:
        self._file = complete.open("w", encoding="utf-8")
        self._summary = path.open("w", encoding="utf-8")
        self._verbose = verbose
        self._line = ""
        self._in_listing = False
        self._step: str | None = None
        self._unchanged: set[str] = set()
        self._status: tqdm[Any] | None = None
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
        """Flush the files."""
        for file in (self._file, self._summary):
            if not file.closed:
                file.flush()

    def close(self) -> None:
        """Close the files."""
        self._clear_status()
        self._file.write(self._line)
        self._line = ""
        self._file.close()
        self._summary.close()
        super().close()

    def end_step(self, end: StepEnd) -> None:
        """Write a step's line into the log of the run."""
        if end.name in self._unchanged:
            outcome = "unchanged, not run again"
        else:
            outcome = f"{'' if end.succeeded else 'failed after '}{end.seconds:.1f} s"
        self._note(end.name, "  ".join(filter(None, (outcome, counts_text(end.outputs)))))

    def _note(self, step: str, text: str) -> None:
        now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        for line in text.splitlines():
            self._summary.write(f"{now} {step:<10} {line}\n")
        self._summary.flush()

    def _pass_on(self, line: str) -> None:
        record = _record(line)
        if record is not None and getattr(record, "progress", False) and RUNNER_SHOWS in os.environ:
            self._show_status(record.getMessage())
            return
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

    def _show_status(self, text: str) -> None:
        """Show the state of a step's progress in place of its former one."""
        from tqdm import tqdm

        if self._status is None:
            self._status = tqdm(bar_format="{desc}", leave=False, dynamic_ncols=True)
        self._status.set_description_str(f"  {text}")

    def _clear_status(self) -> None:
        if self._status is not None:
            self._status.close()
            self._status = None

    def _log_step_line(self, line: str, record: logging.LogRecord | None) -> None:
        if self._step is None or not (record or self._is_wanted(line)):
            return
        logger = logging.getLogger(record.name) if record else log
        level = record.levelno if record else logging.INFO
        logger.log(level, "%s", line, extra={"step": self._step})
        if record and level >= logging.WARNING:
            self._note(self._step, with_level(record))

    def _shorten(self, line: str) -> str | None:
        if found := _CACHED.search(line):
            self._unchanged.add(found[1])
            return f"[{found[1]}] unchanged, not run again"
        if found := _STARTED.search(line):
            self._step, self._in_listing = found[1], False
            self._clear_status()
            return f"[{found[1]}]"
        if found := _ENDED.search(line):
            self._step = None
            self._clear_status()
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


def counts_text(outputs: Mapping[str, Any]) -> str:
    """The numbers of a step: its metrics, or else the rows of its outputs that are not 0.

    Args:
        outputs: Outputs of the step by name, of which artifacts have metadata.

    Example:
        >>> from types import SimpleNamespace
        >>> rows = {"train_set": SimpleNamespace(metadata={"rows": 1200.0})}
        >>> counts_text(rows)
        'train set 1,200'
    """
    artifacts = {name: one for name, one in outputs.items() if hasattr(one, "metadata")}
    metrics = [one for one in artifacts.values() if _is_metrics(one)]
    if metrics:
        found = [(key, value) for one in metrics for key, value in one.metadata.items()]
    else:
        found = [
            (name if key == "rows" else key, value)
            for name, one in artifacts.items()
            for key, value in one.metadata.items()
            if value
        ]
    return ", ".join(
        f"{key.replace('_', ' ')} {_number(value)}"
        for key, value in found
        if isinstance(value, int | float)
    )


def _is_metrics(artifact: Any) -> bool:
    return getattr(artifact, "schema_title", "") == "system.Metrics"


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if value == int(value) and abs(value) != 1 else f"{value:.4g}"


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
    record = logging.LogRecord(name, level, "", 0, printable(text, lines=True), None, None)
    record.progress = bool(fields.get("progress"))
    return record

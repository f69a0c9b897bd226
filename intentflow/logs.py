"""Records of the ``intentflow`` loggers on standard error, as text or as JSON lines.

Modules log with ``logging.getLogger(__name__)``; the entry points (the command line, the steps of
a pipeline, the transformer) decide here what of it is shown, and how.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TextIO, cast, get_args

from intentflow.environment import environment_variables
from intentflow.errors import InputError
from intentflow.printable import json_text, printable

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
Colour = Literal["green", "yellow", "red"]

FORMAT = "INTENTFLOW_LOG_FORMAT"
"""Environment variable: ``text`` or ``json``."""
LEVEL = "INTENTFLOW_LOG_LEVEL"
"""Environment variable: ``debug``, ``info``, ``warning`` or ``error``."""

NO_COLOUR = "NO_COLOR"
"""Environment variable: any value but an empty one means that a terminal gets no colours."""

_ROOT = "intentflow"
_COLOURS: dict[int, Colour] = {logging.WARNING: "yellow", logging.ERROR: "red"}
_CODES: dict[Colour, int] = {"green": 32, "yellow": 33, "red": 31}
_NO_BARS = "TQDM_DISABLE"  # the library's own variable: bars of other libraries heed it too


@dataclass(frozen=True)
class LogSettings:
    """Level, format and progress bars of the log.

    Attributes:
        level: The least that is shown.
        format: ``text``: the message, behind ``warning:`` if it is one, and behind time, level and
            logger where ``level`` is ``debug``; ``json``: one object a line with ``time``,
            ``level``, ``logger`` and ``message``.
        progress_bars: Whether bars may stand between the lines.
    """

    level: LogLevel = "info"
    format: LogFormat = "text"
    progress_bars: bool = True

    @classmethod
    def from_environment(cls) -> LogSettings:
        """Settings from ``INTENTFLOW_LOG_LEVEL`` and ``INTENTFLOW_LOG_FORMAT``.

        Raises:
            InputError: One of them has a value that is not known.
        """
        return cls(
            cast(LogLevel, _chosen(LEVEL, get_args(LogLevel), cls.level)),
            cast(LogFormat, _chosen(FORMAT, get_args(LogFormat), cls.format)),
        )


@contextmanager
def logging_to_stderr(settings: LogSettings) -> Iterator[None]:
    """Show the log on stderr within the block, also that of processes started in it."""
    logger = logging.getLogger(_ROOT)
    former = logger.handlers, logger.level, logger.propagate
    handler = _StderrHandler()
    handler.setFormatter(_formatter(settings))
    inherited: dict[str, str] = {LEVEL: settings.level, FORMAT: settings.format}
    if not settings.progress_bars:
        inherited[_NO_BARS] = "1"
    try:
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(settings.level.upper())
        with environment_variables(inherited):
            yield
    finally:
        logger.handlers, level, logger.propagate = former
        logger.setLevel(level)


def with_level(record: logging.LogRecord) -> str:
    """The message for a reader who sees no level: a warning is called one.

    Errors name the command, and that they are errors, themselves.
    """
    message = record.getMessage()
    return f"warning: {message}" if record.levelno == logging.WARNING else message


def shows_progress() -> bool:
    """Whether progress bars may stand on stderr."""
    return _NO_BARS not in os.environ


def _chosen(variable: str, known: tuple[str, ...], default: str) -> str:
    value = os.environ.get(variable) or default
    if value not in known:
        raise InputError(f"{variable} is {value!r}: expected {', '.join(known)}")
    return value


class _StderrHandler(logging.Handler):
    """Writes to what is ``sys.stderr`` at that moment, above a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if "tqdm" in sys.modules:  # otherwise there is no bar, and no reason to import it
            from tqdm import tqdm

            tqdm.write(text, file=sys.stderr)
            sys.stderr.flush()
        else:  # not print: kfp's runner replaces it by one that indents the run's log
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


def _formatter(settings: LogSettings) -> logging.Formatter:
    if settings.format == "json":
        return JsonFormatter()
    return _TextFormatter(detailed=settings.level == "debug", coloured=shows_colours(sys.stderr))


def shows_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user has not asked for plain text."""
    return stream.isatty() and not os.environ.get(NO_COLOUR)


def coloured(text: str, colour: Colour) -> str:
    r"""A text in a terminal's colour.

    Example:
        >>> coloured("failed", "red")
        '\x1b[31mfailed\x1b[0m'
    """
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


class _TextFormatter(logging.Formatter):
    """An exception's trace stands before the message; a pipeline step's lines are indented.

    Nothing in a record controls the terminal, and no message looks like another record.

    Args:
        detailed: Whether time, level and logger come before the message.
        coloured: Whether warnings and errors have a colour.
    """

    def __init__(self, *, detailed: bool, coloured: bool = False) -> None:
        self._colours = _COLOURS if coloured else {}
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s" if detailed else None)
        self._text = logging.LogRecord.getMessage if detailed else with_level

    def format(self, record: logging.LogRecord) -> str:
        is_step = hasattr(record, "step")
        record.message = printable(self._text(record), lines=is_step)
        record.asctime = self.formatTime(record)
        trace = [self.formatException(record.exc_info)] if record.exc_info else []
        message = self.formatMessage(record)
        message = "  " + message.replace("\n", "\n  ") if is_step else message
        if colour := self._colours.get(record.levelno):
            message = coloured(message, colour)
        return "\n".join([*(printable(text, lines=True) for text in trace), message])


class JsonFormatter(logging.Formatter):
    """One JSON object a line; ``step``, ``progress`` and ``trace`` where a record has them."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if step := getattr(record, "step", None):
            fields["step"] = step
        if getattr(record, "progress", False):
            fields["progress"] = True
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json_text(fields)

"""Logging options of all commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from intentflow.logs import LogFormat, LogSettings


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--verbose``, ``--quiet`` and ``--log-format``."""
    level = parser.add_mutually_exclusive_group()
    level.add_argument(
        "-v", "--verbose", action="store_true", help="log more, each line with time and logger"
    )
    level.add_argument(
        "-q", "--quiet", action="store_true", help="log only warnings and errors, without progress"
    )
    parser.add_argument(
        "--log-format",
        choices=get_args(LogFormat),
        help="format of lines on stderr (default: text)",
    )


def log_settings(arguments: Sequence[str]) -> LogSettings:
    """Logging settings of a command line, which override those of the environment.

    They are needed before the command's own parser, whose errors are logged, too.

    Raises:
        InputError: A variable of the environment has an unknown value.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    add_log_options(parser)
    settings = LogSettings.from_environment()
    try:
        options, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:  # reported by the command's parser
        return settings
    if options.verbose or options.quiet:
        settings = replace(settings, level="debug" if options.verbose else "warning")
    if options.log_format:
        settings = replace(settings, format=options.log_format)
    quiet = settings.level in ("warning", "error")
    return replace(settings, progress_bars=settings.format == "text" and not quiet)

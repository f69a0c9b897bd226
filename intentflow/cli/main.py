"""Entry point: finds and runs the subcommand, and turns errors into one line and an exit status."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from intentflow.cli.examples import epilog
from intentflow.cli.extras import install_hint
from intentflow.cli.log_options import log_settings
from intentflow.cli.outcome import Outcome
from intentflow.cli.paths import refuse_empty_outputs, refuse_overwriting
from intentflow.cli.verbs import VERBS, add_options, verb_first, verb_module
from intentflow.errors import STOPPED, InputError, IntentflowError, UsageError, one_line
from intentflow.logs import Colour, LogSettings, coloured, logging_to_stderr, shows_colours
from intentflow.printable import json_text, printable
from intentflow.version import __version__

log = logging.getLogger("intentflow.cli.main")  # also if it runs as __main__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0, 1 or 2)."""
    arguments = verb_first(sys.argv[1:] if argv is None else argv)
    verb = arguments[0] if arguments else ""
    if verb in ("", "-h", "--help", "help"):
        return _show(_overview(), 0 if verb else 2)
    if verb == "--version":
        return _show(f"intentflow {__version__}", 0)
    try:
        settings, unusable = log_settings(arguments), None
    except IntentflowError as error:
        settings, unusable = LogSettings(), error
    with logging_to_stderr(settings):
        if unusable:
            return _fail(verb, unusable, arguments)
        if verb not in VERBS:
            return _fail("", _unknown(verb), arguments)
        return _run_verb(verb, arguments[1:])


def _show(text: str, code: int) -> int:
    """Print a text that is no command's result; returns the exit status."""
    try:
        _write(text)
    except InputError as error:
        with logging_to_stderr(LogSettings()):
            return _fail("", error, ())
    return code


def _unknown(verb: str) -> UsageError:
    if verb.startswith("-"):
        return UsageError(
            f"{verb} is not an option of all commands: write it after the command; "
            "see intentflow --help"
        )
    from intentflow.config import nearest  # takes 0.1 s to import

    guess = nearest(verb, [*VERBS, "help"])
    hint = f"did you mean {guess}?" if guess else "see intentflow --help"
    return UsageError(f"unknown command {verb}; {hint}")


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}{self._hint(message)} (see {self.prog} --help)")

    def destinations(self) -> dict[str, str]:
        """The name of the argument that each option sets."""
        return {option: action.dest for option, action in self._option_string_actions.items()}

    def _hint(self, message: str) -> str:
        """The option whose name is near the first unknown one."""
        _, found, unknown = message.partition("unrecognized arguments: ")
        first = unknown.partition(" ")[0].partition("=")[0]
        if not found or not first.startswith("-"):
            return ""
        from intentflow.config import nearest  # takes 0.1 s to import

        guess = nearest(first, self.destinations())
        return f"; did you mean {guess}?" if guess else ""


def _run_verb(verb: str, arguments: list[str]) -> int:
    try:
        module = verb_module(verb)
        parser = _Parser(
            prog=f"intentflow {verb}",
            description=VERBS[verb],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        add_options(parser, module)
        parser.epilog = "\n\n".join(filter(None, (parser.epilog, epilog(verb))))
        args = parser.parse_args(arguments)
        refuse_empty_outputs(arguments, verb, parser.destinations())
        refuse_overwriting(args, verb)
        started = time.monotonic()
        outcome: Outcome = module.run(args)
        log.debug("%s took %.1f s", verb, time.monotonic() - started)
        _print(outcome, as_json="--json" in arguments)
    except SystemExit as stop:  # --help: already printed
        return int(stop.code or 0)
    except (Exception, KeyboardInterrupt) as error:
        return _fail(verb, error, arguments)
    return outcome.exit_code


def _print(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        _write(json_text(outcome.summary))
    elif outcome.text is not None:
        _write(outcome.text, outcome.colours)
    else:
        from intentflow.cli.summary_text import summary_text

        _write(summary_text(outcome.summary), outcome.colours)


def _write(text: str, colours: Mapping[str, Colour] | None = None) -> None:
    """Print what is printable; a reader that stops early, such as head, is not an error.

    After a failure nothing more is printed.

    Args:
        text: The text.
        colours: Colours of lines on a terminal, by their beginnings.

    Raises:
        InputError: The output cannot be written, as on a full disk.
    """
    shown = printable(text, lines=True)
    if colours and shows_colours(sys.stdout):
        shown = "\n".join(_coloured_line(line, colours) for line in shown.split("\n"))
    try:
        print(shown, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise InputError(f"cannot write to stdout: {error.strerror}") from None


def _coloured_line(line: str, colours: Mapping[str, Colour]) -> str:
    start = line.lstrip()
    found = (colour for beginning, colour in colours.items() if start.startswith(beginning))
    colour = next(found, None)
    return coloured(line, colour) if colour else line


def _fail(verb: str, error: BaseException, arguments: Sequence[str]) -> int:
    """Log the error, and print it as JSON with --json; returns the exit status."""
    code = error.exit_code if isinstance(error, IntentflowError) else 2
    message = _message(error, verb)
    if "--json" in arguments:
        _write(json_text({"error": message, "exit_code": code}))
    trace = error if "--debug" in arguments else None
    command = f"intentflow {verb}".strip()
    log.error("%s: error: %s", command, message, exc_info=trace)
    return code


def _message(error: BaseException, verb: str) -> str:
    if isinstance(error, IntentflowError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return str(error) or STOPPED
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        return f"the package {package} is not installed{install_hint(package, verb)}"
    return f"{one_line(error)} (--debug shows the trace)"


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {text}" for verb, text in VERBS.items()]
    return "\n".join(
        [
            "usage: intentflow COMMAND …   (intentflow help COMMAND for one command)",
            "",
            *lines,
            "",
            "Exit status: 0 success, 1 a check or the gate failed, 2 invalid usage or input.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

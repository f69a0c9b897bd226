"""``--set KEY=VALUE``, for keys of a configuration without their own flag."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable

from intentflow.cli.config_flags import help_text
from intentflow.config import StrictModel

_INDENT, _WIDTH = " " * 24, 78


def add_set_flag(
    parser: argparse.ArgumentParser,
    config: type[StrictModel],
    text: str,
    leave_out: Iterable[str] = (),
) -> None:
    """Declare the flag, and list the keys at the end of ``--help``.

    Args:
        parser: Parser of the subcommand.
        config: Configuration whose keys are set.
        text: Help of the flag.
        leave_out: Keys with their own flag.
    """
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=text)
    keys = [name for name in config.model_fields if name not in leave_out]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        ["keys of --set:", *(_entry(name, config.model_fields[name].description) for name in keys)]
    )


def _entry(name: str, description: str | None) -> str:
    head, text = f"  {name}", help_text(description)
    if len(head) >= len(_INDENT):  # on a separate line, like argparse
        return "\n".join([head, *_wrapped(text, _INDENT)])
    return "\n".join(_wrapped(text, head.ljust(len(_INDENT)))) or head


def _wrapped(text: str, start: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=_INDENT)

"""The commands, as their own help has them."""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from intentflow.cli.main import main
from intentflow.cli.verbs import VERBS, add_options, verb_module
from intentflow.serving.transformer.settings import transformer_parser

_COLUMNS = "96"


def commands_page() -> str:
    """The page with every command's help."""
    parts = [
        "# Commands\n",
        "Inputs and outputs are local paths or `s3://bucket/key`. "
        "[Exit status](index.md#exit-status) is the same for all.\n",
        "| command | what it does |\n|---|---|",
        *(f"| [`{verb}`](#{verb}) | {text} |" for verb, text in VERBS.items()),
        "",
    ]
    for verb in VERBS:
        parts.append(f"## {verb}\n\n```text\n{help_text(verb)}\n```\n")
    parts.append(
        "## The transformer\n\nThe service in front of vLLM in a cluster; the manifests set its "
        f"arguments.\n\n```text\n{transformer_help()}\n```\n"
    )
    return "\n".join(parts)


def transformer_help() -> str:
    """What ``python -m intentflow.serving.transformer --help`` prints."""
    with _columns(_COLUMNS):
        return transformer_parser().format_help().rstrip()


def help_text(verb: str) -> str:
    """What ``intentflow VERB --help`` prints."""
    with _columns(_COLUMNS):
        return _output([verb, "--help"]).rstrip()


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The parser of a command's own arguments."""
    parser = argparse.ArgumentParser(prog=f"intentflow {verb}", allow_abbrev=False)
    add_options(parser, verb_module(verb))
    return parser


def _output(arguments: Sequence[str]) -> str:
    """What a command prints.

    Raises:
        RuntimeError: The command ends with another exit status than 0.
    """
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = main(list(arguments))
    if status:
        raise RuntimeError(f"intentflow {' '.join(arguments)} ended with exit status {status}")
    return printed.getvalue()


@contextmanager
def _columns(columns: str) -> Iterator[None]:
    """argparse breaks lines by this variable."""
    former = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = columns
    try:
        yield
    finally:
        if former is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = former

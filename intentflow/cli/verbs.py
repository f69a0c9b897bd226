"""The subcommands, and the options that all of them have."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from types import ModuleType

from intentflow.cli.log_options import add_log_options

# Subcommand: description. The module of the same name has ``configure(parser)`` and ``run(args)``;
# it is imported only when its subcommand is used, so that `convert` starts without torch.
VERBS = {
    "init": "write commented configuration files for your own data",
    "run": "run the complete finetune graph locally, or a retraining",
    "convert": "turn labelling exports into records",
    "taxonomy": "list the intents of labelled rows in a file to complete",
    "curate": "redact, deduplicate and balance records",
    "validate": "check records and advise on hyper-parameters",
    "split": "split records into training, validation and test sets",
    "train": "fine-tune a model by a recipe",
    "quantize": "make a 4-bit copy of a model",
    "calibrate": "fit a model's confidences on validation rows",
    "evaluate": "score a model, an endpoint or given predictions",
    "behave": "test a model's answers to edited rows: typos, negation, other values, …",
    "baseline": "score simpler models on the same rows",
    "gate": "decide by policy whether scores are good enough",
    "publish": "upload a model or a data set under its digest",
    "deploy": "render, apply or commit the InferenceService",
    "promote": "give a canary's model all requests",
    "rollback": "restore the previous model, in the cluster or by a revert",
    "verify": "wait until a service answers with a model, and compare its answers",
    "feedback": "turn a service's log into labels, preference pairs and a review queue",
    "review": "export the review queue for a labelling tool, or serve it in Label Studio",
    "drift": "compare live requests with training rows",
    "backtest": "replay retraining policies on dated rows",
    "history": "list data sets, models and deployments, with their lineage and verdicts",
    "erase": "remove a person's rows from data sets and logs",
    "permissions": "print the Role that a pipeline's account needs to deploy a service",
    "endpoint": "print a service's URL and the command that reads its token",
    "serve": "serve a model locally with the OpenAI API",
    "predict": "get typed calls from an endpoint or a model",
    "compile": "compile a pipeline for Kubeflow",
    "submit": "upload a pipeline to Kubeflow and start a run",
    "schema": "print the JSON Schema of a configuration file",
    "completion": "print a shell's completion of these commands",
}


def verb_module(verb: str) -> ModuleType:
    """The module of a subcommand.

    Raises:
        ModuleNotFoundError: The module needs a package that is not installed.
    """
    return importlib.import_module(f"intentflow.cli.{verb}")


def add_options(parser: argparse.ArgumentParser, module: ModuleType) -> None:
    """Declare the options of a subcommand, and those that all of them have."""
    module.configure(parser)
    _add_common_options(parser)


def verb_first(arguments: Sequence[str]) -> list[str]:
    """Move the common options behind the subcommand, and read ``help VERB`` as ``VERB --help``.

    Args:
        arguments: The command line, without the program's name.

    Example:
        >>> verb_first(["-v", "--log-format", "json", "split", "rows.jsonl"])
        ['split', '-v', '--log-format', 'json', 'rows.jsonl']
        >>> verb_first(["help", "split"])
        ['split', '--help']
    """
    end = 0
    while end < len(arguments) and (length := _common_option_length(arguments[end])):
        end += length
    common, rest = list(arguments[:end]), list(arguments[end:])
    if rest[:1] == ["help"] and rest[1:]:
        rest = [rest[1], "--help"]
    return [*rest[:1], *common, *rest[1:]]


def _common_option_length(argument: str) -> int:
    """Number of arguments that an option of all commands takes, itself included; 0 for others."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    _add_common_options(parser)
    try:
        _, others = parser.parse_known_args([argument])
    except argparse.ArgumentError:  # its value is the next argument, or invalid
        return 1 if "=" in argument else 2
    return 0 if others else 1


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="end stdout with one JSON summary line")
    parser.add_argument("--debug", action="store_true", help="show the trace of an error")
    add_log_options(parser)

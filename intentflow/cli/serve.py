"""``intentflow serve``."""

from __future__ import annotations

import argparse

from intentflow.cli.outcome import Outcome
from intentflow.inference.vllm_process import VLLM_PYTHON
from intentflow.serving.server import ServeConfig, serve

_FIELDS = ServeConfig.model_fields


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help=_FIELDS["model"].description)
    parser.add_argument(
        "--engine",
        default="auto",
        choices=["auto", "vllm", "transformers"],
        help=f"auto: vLLM if it is installed, or if {VLLM_PYTHON} names a Python that has it",
    )
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=_FIELDS["constrained"].description,
    )
    parser.add_argument("--log", metavar="URI", help=_FIELDS["log"].description)
    for name in ("port", "host", "name", "metrics_port", "timeout_seconds", "max_concurrent"):
        field = _FIELDS[name]
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=type(field.default),
            default=field.default,
            help=f"{field.description} (default {field.default})",
        )


def run(args: argparse.Namespace) -> Outcome:
    """Serve a model until interrupted."""
    given = {name: getattr(args, name) for name in _FIELDS}
    serve(ServeConfig.from_mapping(given, "serve"))
    return Outcome({"stopped": True}, "stopped", 0)

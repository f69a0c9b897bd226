"""``intentflow serve``."""

from __future__ import annotations

import argparse

from intentflow.cli.outcome import Outcome
from intentflow.inference.vllm_process import VLLM_PYTHON
from intentflow.serve.server import serve


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="model directory")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--engine",
        default="auto",
        choices=["auto", "vllm", "transformers"],
        help=f"auto: vLLM where it is installed or {VLLM_PYTHON} names a Python that has it",
    )
    parser.add_argument("--name", default="intent", help="the served model's name")
    parser.add_argument(
        "--constrained",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep answers inside the taxonomy",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Serve a model until interrupted."""
    status = serve(
        args.model,
        port=args.port,
        host=args.host,
        engine=args.engine,
        name=args.name,
        constrained=args.constrained,
    )
    return Outcome({"stopped": True}, "stopped", 2 if status else 0)

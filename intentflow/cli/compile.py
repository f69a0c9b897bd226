"""``intentflow compile``."""

from __future__ import annotations

import argparse

from intentflow.cli.outcome import Outcome
from intentflow.pipeline.compile import PIPELINES, compile_pipeline
from intentflow.pipeline.options import PipelineOptions


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "pipeline",
        nargs="?",
        default="finetune",
        help=f"pipeline: {', '.join(PIPELINES)} (default: finetune)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="F.yaml", help="compiled pipeline")
    parser.add_argument(
        "--options", metavar="F.yaml", help="images, resources and placement of the steps"
    )
    parser.add_argument(
        "--kubernetes-manifest", action="store_true", help="write Pipeline objects for GitOps"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Compile a graph for Kubeflow."""
    options = PipelineOptions.from_yaml(args.options) if args.options else None
    compile_pipeline(
        args.pipeline, args.output, options, kubernetes_manifest=args.kubernetes_manifest
    )
    text = f"compiled the pipeline {args.pipeline}: {args.output}"
    return Outcome({"pipeline": args.pipeline, "output": args.output}, text)

"""``intentflow compile``."""

from __future__ import annotations

import argparse
from typing import Any

from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.pipeline.compile import PIPELINES, compile_pipeline, known_name
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
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--options", metavar="F.yaml", help="images, resources and placement of the steps"
    )
    given.add_argument(
        "--config",
        metavar="F.yaml",
        help="run configuration: its options of the steps, and its values as defaults of the "
        "graph's parameters",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the run configuration, with --config",
    )
    parser.add_argument(
        "--kubernetes-manifest", action="store_true", help="write Pipeline objects for GitOps"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Compile a graph for Kubeflow."""
    options, arguments = _given(args)
    compile_pipeline(
        args.pipeline,
        args.output,
        options,
        arguments=arguments,
        kubernetes_manifest=args.kubernetes_manifest,
    )
    text = f"compiled the pipeline {args.pipeline}: {args.output}"
    return Outcome({"pipeline": args.pipeline, "output": args.output}, text)


def _given(args: argparse.Namespace) -> tuple[PipelineOptions | None, dict[str, Any] | None]:
    """The options of the steps and the defaults of the graph's parameters."""
    if args.config is None:
        if args.set:
            raise UsageError("--set overrides keys of a run configuration: give it with --config")
        return PipelineOptions.from_yaml(args.options) if args.options else None, None
    from intentflow.pipeline.cluster_run import for_cluster
    from intentflow.pipeline.run_config import RunConfig

    prepared = for_cluster(RunConfig.load(args.config, args.set), known_name(args.pipeline))
    return prepared.options, prepared.arguments

"""``intentflow gate``."""

from __future__ import annotations

import argparse
import sys

from intentflow.cli.outcome import Outcome
from intentflow.gate.decide import decide, read_metrics, write_verdict
from intentflow.gate.policy import GatePolicy


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--metrics", required=True, metavar="F", help="metrics.json of the model")
    parser.add_argument("--policy", required=True, metavar="F", help="the gate policy, YAML")
    parser.add_argument("--champion", metavar="F", help="metrics.json of the model in service")
    parser.add_argument("-o", "--output", metavar="F", help="write the verdict here, as JSON")


def run(args: argparse.Namespace) -> Outcome:
    """Judge scores by a policy."""
    policy = GatePolicy.from_yaml(args.policy)
    champion = read_metrics(args.champion) if args.champion else None
    verdict = decide(read_metrics(args.metrics), policy, champion)
    for reason in verdict.skipped:
        print(f"not applied: {reason}", file=sys.stderr)
    if args.output:
        write_verdict(args.output, verdict)
    summary = {"passed": verdict.passed, "reasons": verdict.reasons}
    return Outcome(summary, verdict.as_markdown(), 0 if verdict.passed else 1)

"""``intentflow gate``."""

from __future__ import annotations

import argparse
import logging

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Metrics
from intentflow.cli.outcome import Outcome
from intentflow.gate.decide import Beside, decide
from intentflow.gate.markdown import verdict_markdown, write_markdown
from intentflow.gate.policy import GatePolicy
from intentflow.gate.provenance import read_given

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--metrics", required=True, metavar="F", help="metrics.json of the model")
    parser.add_argument("--policy", required=True, metavar="F", help="the gate policy, YAML")
    parser.add_argument(
        "--name", default="", help="which of the policy's sets of rules, such as production"
    )
    parser.add_argument("--champion", metavar="F", help="metrics.json of the model in service")
    parser.add_argument("--baselines", metavar="F", help="what `intentflow baseline -o` wrote")
    parser.add_argument(
        "--reference", metavar="F", help="metrics.json of the 16-bit model, for a quantized one"
    )
    parser.add_argument(
        "--model", metavar="DIR", help="the model to deploy: it must be the one that was scored"
    )
    parser.add_argument(
        "--data", metavar="F", help="the test rows: they must be those that were scored"
    )
    parser.add_argument("-o", "--output", metavar="F", help="write the verdict here, as JSON")
    parser.add_argument("--markdown", metavar="F", help="write the verdict here, for people")


def run(args: argparse.Namespace) -> Outcome:
    """Judge scores by a policy."""
    policy = GatePolicy.from_yaml(args.policy)
    metrics = Metrics.read(args.metrics)
    verdict = decide(metrics, policy, _beside(args), name=args.name)
    for reason in verdict.skipped:
        log.warning("not applied: %s", reason)
    for note in verdict.notes:
        log.info("note: %s", note)
    if args.output:
        verdict.write(args.output)
    if args.markdown:
        write_markdown(args.markdown, verdict)
    return Outcome(
        verdict.decision.model_dump(), verdict_markdown(verdict), 0 if verdict.passed else 1
    )


def _beside(args: argparse.Namespace) -> Beside:
    return Beside(
        champion=Metrics.read(args.champion) if args.champion else None,
        baselines=Baselines.read(args.baselines) if args.baselines else None,
        reference=Metrics.read(args.reference) if args.reference else None,
        given=read_given(args.model, args.data),
    )

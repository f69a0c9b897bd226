"""``intentflow gate``."""

from __future__ import annotations

import argparse
import logging

from intentflow.cli.config_flags import add_config_flags, help_text, read_config
from intentflow.cli.outcome import VERDICT_COLOURS, Outcome
from intentflow.gating.verdict_text import verdict_text
from intentflow.pipeline.steps.gate import run_gate
from intentflow.pipeline.steps.gate_fields import GateConfig
from intentflow.pipeline.steps.recorded import RecordConfig
from intentflow.registry.place import PLACE_HELP, given_place

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--metrics", required=True, metavar="F", help="metrics.json of the model")
    add_config_flags(parser, GateConfig)
    parser.add_argument("--champion", metavar="F", help="metrics.json of the model in service")
    parser.add_argument("--baselines", metavar="F", help="output of `intentflow baseline -o`")
    parser.add_argument(
        "--reference", metavar="F", help="metrics.json of the 16-bit model, for a quantized one"
    )
    parser.add_argument("--behaviour", metavar="F", help="output of `intentflow behave -o`")
    parser.add_argument(
        "--model", metavar="DIR", help="model to deploy, which must be the one that was scored"
    )
    parser.add_argument(
        "--data", metavar="F", help="test rows, which must be those that were scored"
    )
    parser.add_argument("-o", "--output", metavar="F", help="write the verdict here as JSON")
    parser.add_argument("--registry", metavar="DIR|URI", help=help_text(PLACE_HELP))
    parser.add_argument("--markdown", metavar="F", help="write the verdict here as Markdown")


def run(args: argparse.Namespace) -> Outcome:
    """Decide by a policy whether scores are good enough."""
    verdict = run_gate(
        args.metrics,
        read_config(args, GateConfig),
        champion=args.champion,
        baselines=args.baselines,
        reference=args.reference,
        behaviour=args.behaviour,
        model=args.model,
        data=args.data,
        verdict=args.output,
        explanation=args.markdown,
        record=RecordConfig(registry=given_place(args.registry)),
    )
    for reason in verdict.skipped:
        log.warning("not applied: %s", reason)
    for note in verdict.notes:
        log.info("note: %s", note)
    return Outcome(
        verdict.decision.model_dump(),
        verdict_text(verdict),
        0 if verdict.passed else 1,
        {"gate": VERDICT_COLOURS[verdict.passed], "not met:": VERDICT_COLOURS[False]},
    )

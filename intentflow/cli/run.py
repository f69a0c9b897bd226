"""``intentflow run``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from intentflow.artifacts.baselines import BaselineScores
from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY
from intentflow.artifacts.retraining import RetrainNews
from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import VERDICT_COLOURS, Outcome
from intentflow.cli.summary_text import score_text
from intentflow.environment import resource
from intentflow.pipeline.local_runner import RunResult, run_locally
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.run_folder import LocalRunConfig
from intentflow.records import read_records

_SHORT = 60
"""Characters of an utterance that fits in a command."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--config", metavar="F", help="run configuration (default: the bundled example)"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="folder of the results (default: runs/NAME, after the configuration's file or folder)",
    )
    add_config_flags(parser, LocalRunConfig)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the run configuration; recipe.KEY and policy.KEY override keys of "
        "the recipe's and the policy's files",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Run a graph locally."""
    config = RunConfig.load(args.config or resource("examples/snips/run.yaml"), args.set)
    here = read_config(args, LocalRunConfig)
    result = run_locally(
        config,
        args.output or _default_folder(args.config),
        kept_runs=here.keep_runs,
        verbose=args.debug,
        pipeline="retrain" if here.retrain else "finetune",
    )
    if isinstance(result, RetrainNews):
        return Outcome({"retrain": False, "reasons": result.reasons}, _nothing_new(result))
    passed = result.verdict.passed
    colours = {"gate ": VERDICT_COLOURS[passed], "not met:": VERDICT_COLOURS[False]}
    return Outcome(_summary(result), result_text(result), 0 if passed else 1, colours)


def _summary(result: RunResult) -> dict[str, Any]:
    return {
        **result.counts,
        "left_out": {one.file: one.rows for one in result.left_out},
        INTENT_ACCURACY: result.metrics.intent_accuracy,
        PARAMETER_ACCURACY: result.metrics.parameter_accuracy,
        "baselines": {name: one.intent_accuracy for name, one in result.baselines.items()},
        "passed": result.verdict.passed,
        "reasons": result.verdict.reasons,
        "model": str(result.folder / "model"),
        "manifests": str(result.manifests) if result.manifests else None,
        "seconds": round(result.seconds, 1),
        "peak_memory_bytes": result.peak_memory_bytes,
    }


def _nothing_new(news: RetrainNews) -> str:
    return f"Nothing is new: {'; '.join(news.reasons)}. No model was trained."


def _default_folder(config: str | None) -> Path:
    """Folder of the results of a configuration, so that no project writes into another's."""
    if config is None:
        return Path("runs/example")
    path = Path(config).resolve()
    return Path("runs", path.parent.name if path.stem == "run" else path.stem)


def result_text(result: RunResult) -> str:
    """The table that a run ends with, and what to do next."""
    passed = result.verdict.passed
    rows = [
        ("rows", str(result.counts["rows"])),
        ("kept", str(result.counts["kept"])),
        ("rejected", str(result.counts["rejected"])),
        ("intent accuracy", score_text(result.metrics, INTENT_ACCURACY)),
        *((f"  by {name}", _intents(one)) for name, one in result.baselines.items()),
        ("parameter accuracy", score_text(result.metrics, PARAMETER_ACCURACY)),
        ("gate", "passed" if passed else "failed"),
        ("seconds", f"{result.seconds:.0f}"),
        ("peak memory", f"{result.peak_memory_bytes / 1e9:.1f} GB"),
    ]
    lines = ["", *(f"  {name:<20} {value}" for name, value in rows), ""]
    lines += [f"  not met: {reason}" for reason in result.verdict.reasons]
    folder = _shown(result.folder)
    lines.append(f"Reports:   {folder}/index.html")
    if not passed:
        lines.append(f"Advice:    {folder}/reports/explanation.md")
        lines.append("Nothing was published or deployed.")
        return "\n".join(lines)
    lines.append(f"Manifests: {folder}/manifests")
    lines += ["", "Next:", f"  intentflow serve --model {shlex.quote(f'{folder}/model')}"]
    lines.append(f"  intentflow predict {_quoted(_example_utterance(result.folder))}")
    return "\n".join(lines)


def _intents(baseline: BaselineScores) -> str:
    return f"{baseline.intent_accuracy:.3f}  (same rows)"


def _example_utterance(folder: Path) -> str:
    """The first short utterance of the test rows: one of a user, in the language of the data."""
    texts = (row.instruction for row in read_records(folder / "test.jsonl"))
    return next((text for text in texts if len(text) <= _SHORT and text.isprintable()), "…")


def _quoted(text: str) -> str:
    """An argument for a shell, in double quotes where these suffice.

    Example:
        >>> print(_quoted("play some jazz"), _quoted("it costs $5"))
        "play some jazz" 'it costs $5'
    """
    return shlex.quote(text) if set(text) & set('"\\$`!') else f'"{text}"'


def _shown(folder: Path) -> str:
    try:
        return str(folder.relative_to(Path.cwd()))
    except ValueError:
        return str(folder)

"""``intentflow init``."""

from __future__ import annotations

import argparse
import shlex

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.pipeline.starter import write_starter
from intentflow.pipeline.steps.convert import ConvertConfig

_OWN_FLAGS = ("taxonomy", "max_reject_rate", "redact_rejects")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "directory",
        metavar="DIR",
        nargs="?",
        help="new folder of the files (default with --from: the name of the first source)",
    )
    parser.add_argument(
        "--from",
        nargs="+",
        action="extend",
        dest="sources",
        default=[],
        metavar="SRC",
        help="draft the files from labelling exports: files, folders or s3:// objects",
    )
    add_config_flags(parser, ConvertConfig, leave_out=_OWN_FLAGS)


def run(args: argparse.Namespace) -> Outcome:
    """Write commented configuration files."""
    config = read_config(args, ConvertConfig)
    if args.directory is not None and not args.directory.strip():
        raise UsageError("the folder is an empty text: name one, or . for the working directory")
    if args.sources:
        return _drafted(args, config)
    if args.directory is None:
        raise UsageError("give a folder for the files, or labels to draft them from: --from SRC")
    if config != ConvertConfig():
        raise UsageError("options about labels need labels: give them with --from SRC")
    written = [str(path) for path in write_starter(args.directory)]
    lines = [*written, "", "Next: put your labelling export at the path of data.sources, then"]
    lines.append(f"  intentflow run --config {_run_file(written)}")
    return Outcome({"files": written}, "\n".join(lines))


def _drafted(args: argparse.Namespace, config: ConvertConfig) -> Outcome:
    from intentflow.pipeline.starter.from_rows import default_folder, draft_project
    from intentflow.validation.texts import count_of

    folder = args.directory or default_folder(args.sources)
    project = draft_project(folder, args.sources, config)
    written = [str(path) for path in project.files]
    gate, summary = project.starter.gate, project.rows.summary
    facts = {
        "files": written,
        "rows": summary.rows,
        "kept": summary.kept,
        "rejected": summary.rejected,
        "intents": len(project.taxonomy.taxonomy.intents),
        "parameters": project.taxonomy.parameters,
        "language": project.recipe.language,
        "recipe": project.recipe.source,
        "intent_accuracy_min": gate.intent_accuracy,
    }
    intents = count_of(len(project.taxonomy.taxonomy.intents), "intent")
    lines = [
        *written,
        "",
        f"  {summary.kept} of {summary.rows} rows kept, {summary.rejected} rejected",
        f"  {intents} with {count_of(project.taxonomy.parameters, 'parameter')}",
        f"  recipe {project.recipe.source} ({project.recipe.reason})",
        f"  intent accuracy of at least {gate.intent_accuracy:g} to pass the gate",
        "",
        "Next:",
        f"  intentflow run --config {_run_file(written)}",
    ]
    return Outcome(facts, "\n".join(lines))


def _run_file(written: list[str]) -> str:
    """The run configuration, as a shell takes it."""
    return shlex.quote(next(path for path in written if path.endswith("run.yaml")))

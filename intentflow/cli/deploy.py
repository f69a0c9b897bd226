"""``intentflow deploy``: a model's InferenceService as files, in the cluster, or as a commit."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from intentflow.cli.config_flags import add_config_flags, flag_names, given_fields, help_text
from intentflow.cli.outcome import Outcome
from intentflow.cli.set_flag import add_set_flag
from intentflow.cli.summary_text import table
from intentflow.config import Flag, marker
from intentflow.deployment.options import DeployOptions
from intentflow.errors import UsageError
from intentflow.pipeline.code_version import code_version
from intentflow.pipeline.steps.deploy import run_deploy
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.registry.place import PLACE_HELP, given_place
from intentflow.report.text_table import text_table

if TYPE_CHECKING:
    from intentflow.deployment import DeployResult

_FIELDS = DeployOptions.model_fields
_FLAGS = {name for name, field in _FIELDS.items() if marker(Flag, field.metadata)}
_OF_MODE = {
    "apply": ("probe", "probe_url"),
    "git": ("git_repo", "git_branch", "git_path", "git_push_branch"),
}
# Of mode apply, or of the Job that does the same after a commit.
_OF_ROLLOUT = ("probe", "probe_url")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--model", required=True, metavar="DIR|URI", help="s3://…/sha256-…, or a model directory"
    )
    add_config_flags(parser, DeployOptions, leave_out=set(_FIELDS) - _FLAGS)
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder for the manifests; without it, stdout"
    )
    parser.add_argument(
        "--verdict",
        metavar="F",
        help="verdict of `intentflow gate -o`; required for apply and git",
    )
    parser.add_argument("--options", metavar="F.yaml", help="file with deploy options")
    add_set_flag(parser, DeployOptions, "set a deploy option", leave_out=_FLAGS)
    parser.add_argument("--registry", metavar="DIR|URI", help=help_text(PLACE_HELP))


def run(args: argparse.Namespace) -> Outcome:
    """Render, apply or commit."""
    given = given_fields(args, DeployOptions)
    options = DeployOptions.from_layers(args.options, args.set, **given)
    _refuse_flags_of_other_modes(given, options)
    deployed = run_deploy(
        args.model,
        options,
        verdict=args.verdict,
        manifests=args.output,
        recorded=Recorded(
            RecordConfig(registry=given_place(args.registry), service=options.name),
            code_version=code_version(),
        ),
    )
    summary = asdict(deployed)
    manifests = summary.pop("manifests")
    prints = deployed.mode == "render" and not deployed.files
    return Outcome(summary, text=manifests.rstrip("\n") if prints else _text(deployed))


def _text(deployed: DeployResult) -> str:
    """What was written or changed; facts that a mode does not have are left out."""
    facts = {
        "mode": deployed.mode,
        "verified by a verdict": "yes" if deployed.verified else "no",
        "changed": "yes" if deployed.changed else "no",
        "URL": deployed.url,
        "replaced revision": deployed.revision,
        "commit": deployed.commit,
        "branch": deployed.branch,
    }
    lines = table((name, value) for name, value in facts.items() if value is not None)
    objects = [tuple(one.split("/", 1)) for one in deployed.objects]
    lines += ["", *text_table(objects, ("object", "name"), indent="  ")]
    if deployed.files:
        lines += ["", "  files", *(f"  {file}" for file in deployed.files)]
    return "\n".join(lines)


def _refuse_flags_of_other_modes(given: dict[str, object], options: DeployOptions) -> None:
    """Refuse a flag without effect; a file of options may contain options of all modes."""
    used = _OF_ROLLOUT if options.has_rollout_job else ()
    for other, names in _OF_MODE.items():
        without_effect = [name for name in names if given.get(name) and name not in used]
        flags = [flag_names(name, _FIELDS[name])[-1] for name in without_effect]
        if flags and other != options.mode:
            raise UsageError(
                f"--mode {options.mode} does not take {', '.join(flags)}; --mode {other} does"
            )

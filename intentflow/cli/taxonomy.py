"""``intentflow taxonomy``: the intents of labelled rows, as a file to complete."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import InputError
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.taxonomy import TaxonomyConfig

if TYPE_CHECKING:
    from intentflow.pipeline.starter.taxonomy_draft import TaxonomyDraft

_OWN_FLAGS = ("taxonomy", "max_reject_rate", "redact_rejects")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="RECORDS",
        help="labelled rows: records or labelling exports, files, folders or s3:// objects",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="F.yaml",
        help="taxonomy to write",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a file that is there and differs, with what was written into it by hand",
    )
    add_config_flags(parser, TaxonomyConfig)
    add_config_flags(parser, ConvertConfig, leave_out=_OWN_FLAGS)


def run(args: argparse.Namespace) -> Outcome:
    """Write the taxonomy."""
    from intentflow.pipeline.starter.from_rows import read_rows
    from intentflow.pipeline.starter.taxonomy_draft import draft_taxonomy
    from intentflow.validation.texts import count_of

    rows = read_rows(args.sources, read_config(args, ConvertConfig))
    wanted = read_config(args, TaxonomyConfig).out_of_scope
    draft = draft_taxonomy(rows.examples, rows.summary.parameters, wanted, tools=rows.tools)
    if not args.overwrite:
        _keep_edited(args.output, draft)
    draft.write(args.output)
    facts = {
        "intents": len(draft.taxonomy.intents),
        "parameters": draft.parameters,
        "rows": rows.summary.kept,
        "out_of_scope": draft.taxonomy.out_of_scope,
        "rows_by_intent": dict(draft.rows),
    }
    text = (
        f"{args.output}: {count_of(len(draft.taxonomy.intents), 'intent')} with "
        f"{count_of(draft.parameters, 'parameter')}, from {count_of(rows.summary.kept, 'row')}"
    )
    return Outcome(facts, text)


def _keep_edited(path: Path, draft: TaxonomyDraft) -> None:
    """Refuse a file with another content: people complete a drafted taxonomy by hand.

    Raises:
        InputError: The file is there and differs from the draft.
    """
    if path.is_file() and path.read_bytes() != draft.to_yaml().encode():
        raise InputError(
            f"{path} is there already and differs from the draft, so that descriptions written by "
            "hand would be lost: give another -o to compare with it, or --overwrite to replace it"
        )

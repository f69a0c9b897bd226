"""``intentflow erase``: a person's rows out of the data sets and logs of a registry."""

from __future__ import annotations

import argparse
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from intentflow.cli.config_flags import help_text
from intentflow.cli.history import DEFAULT_PLACE
from intentflow.cli.outcome import Outcome
from intentflow.pipeline.steps.erase import run_erase
from intentflow.registry.place import PLACE, REGISTRY_VARIABLE, given_place

if TYPE_CHECKING:
    from intentflow.erasure.erasure import ErasureSummary

log = logging.getLogger(__name__)

_SHORT = 12


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument(
        "--person",
        action="append",
        default=[],
        metavar="ID",
        help="id of a person, as the exports and clients have it, or its keyed hash; may be given "
        "several times",
    )
    whose.add_argument(
        "--match",
        metavar="FILE",
        help="utterances whose rows are erased: a file of any format that convert reads, or lines "
        "of text",
    )
    parser.add_argument(
        "--files",
        nargs="+",
        default=[],
        metavar="F",
        help="further logs and files of rows: files, folders, s3:// prefixes; those that data sets "
        "of the registry are from are known",
    )
    parser.add_argument(
        "--registry",
        metavar="DIR|URI",
        help=f"{help_text(PLACE)} (default: ${REGISTRY_VARIABLE}, else {DEFAULT_PLACE})",
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if such rows are there"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Erase, and read everything again."""
    found = run_erase(
        given_place(args.registry) or DEFAULT_PLACE,
        persons=args.person,
        match=args.match,
        files=args.files,
        check=args.check,
    )
    for message in (*found.unreadable, *found.missing):
        log.warning("%s", message)
    is_proven = not found.remaining and not found.unreadable
    return Outcome(asdict(found), _text(found, proven=is_proven), 0 if is_proven else 1)


def _text(found: ErasureSummary, *, proven: bool) -> str:
    lines = [
        f"data set {one.id[:_SHORT]}: {_counts(one.erased)} erased; "
        + (f"{one.replaced_by[:_SHORT]} takes its place" if one.replaced_by else "no rows are left")
        for one in found.erased
    ]
    lines += [f"{one.file}: {one.erased} lines erased" for one in found.logs]
    lines += [f"model {one[:_SHORT]} is stale: train again" for one in found.stale]
    lines += [
        f"{one}: not changed; delete such rows there, runs leave them out meanwhile"
        for one in found.not_changed
    ]
    lines += [
        f"checked: data set {one.id[:_SHORT]}, digest {one.digest}: {one.rows} rows, "
        f"{sum(one.erased.values())} of them such rows"
        for one in found.checked
    ]
    end = "none is left" if proven else f"{found.remaining} are left"
    return "\n".join([*lines, f"{end} in {len(found.checked)} data sets and the logs"])


def _counts(erased: dict[str, int]) -> str:
    return ", ".join(f"{count} {part} rows" for part, count in erased.items())

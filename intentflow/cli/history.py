"""``intentflow history``: which data sets, models and deployments there were."""

from __future__ import annotations

import argparse
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from intentflow.cli.config_flags import help_text
from intentflow.cli.outcome import Outcome
from intentflow.registry.place import PLACE, REGISTRY_VARIABLE, given_place

if TYPE_CHECKING:
    from intentflow.registry import Listing

log = logging.getLogger(__name__)

DEFAULT_PLACE = "runs/registry"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "name",
        nargs="?",
        help="an alias (champion, challenger, previous; SERVICE/champion), or the first characters "
        "of an entry's id or of its content's digest; shows it with its ancestors",
    )
    parser.add_argument(
        "--registry",
        metavar="DIR|URI",
        help=f"{help_text(PLACE)} (default: ${REGISTRY_VARIABLE}, else {DEFAULT_PLACE})",
    )
    parser.add_argument(
        "--html",
        dest="output",
        metavar="F",
        help="page with lineage and the scores over time",
    )
    parser.add_argument(
        "--tracking-uri",
        metavar="U",
        help="bring an MLflow server up to date: its models, scores and aliases",
    )


def run(args: argparse.Namespace) -> Outcome:
    """List the entries, or show one with its ancestors."""
    from intentflow.registry import Registry
    from intentflow.registry.mlflow_export import export_to_mlflow
    from intentflow.registry.page import write_history_page

    place = given_place(args.registry) or DEFAULT_PLACE
    listing = Registry(place).listing()
    for one in listing.damaged:
        log.warning("%s", one.message)
    shown = _entry_of(listing, args.name) if args.name else None
    if shown is None:
        part, title = listing, place
    else:
        part = listing.only([shown, *listing.ancestors(shown)])
        title = f"{args.name} and its ancestors, {place}"
    exported = export_to_mlflow(listing, args.tracking_uri) if args.tracking_uri else None
    if args.output:
        write_history_page(args.output, part, title)
    summary, text = _summary(part, shown, args.output), _text(part, shown, args.output)
    if exported is not None:
        summary["mlflow"] = asdict(exported)
        text += f"\nMLflow: {exported.models} new models, {exported.aliases} changed aliases"
    return Outcome(summary, text)


def _entry_of(listing: Listing, name: str) -> str:
    from intentflow.errors import InputError

    found = listing.find(name)
    if found not in listing.entries:
        damaged = next((one.message for one in listing.damaged if one.id == found), None)
        raise InputError(damaged or f"{name} points to {found}, whose entry is missing")
    return found


def _summary(listing: Listing, shown: str | None, page: str | None) -> dict[str, Any]:
    from intentflow.registry.history import state_word

    return {
        "entry": shown,
        "entries": [
            {
                "id": one,
                "aliases": listing.aliases_of(one),
                "state": state_word(listing, one),
                **listing.entries[one].as_dict(),
            }
            for one in listing.newest_first
        ],
        "aliases": {name: one.current for name, one in listing.aliases.items()},
        "damaged": [one.message for one in listing.damaged],
        "html": page,
    }


def _text(listing: Listing, shown: str | None, page: str | None) -> str:
    from intentflow.registry.history import detail_lines, move_lines, table_lines

    if shown is None:
        lines = table_lines(listing, listing.newest_first)
        moves = move_lines(listing)
    else:
        ancestors = listing.ancestors(shown)
        made_from = ["", "made from:", *table_lines(listing, ancestors)] if ancestors else []
        lines = detail_lines(listing, shown) + made_from
        moves = move_lines(listing, {shown})
    lines += ["", "changes of the champion:", *moves] if moves else []
    return "\n".join([*lines, *(["", f"page: {page}"] if page else [])])

"""The history of a registry as rows, for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.artifacts.scores import HEADLINE
from intentflow.registry.listing import SHORT, Listing
from intentflow.report.text_table import text_table

HEAD = ("created", "kind", "id", "service", "verdict", "intents", "parameters", "aliases")


def table_lines(listing: Listing, ids: Iterable[str]) -> list[str]:
    """Entries as lines of a table.

    Args:
        listing: The registry.
        ids: Ids of the entries, in the order of the lines.
    """
    return text_table([_cells(listing, one) for one in ids], HEAD)


def move_lines(listing: Listing, ids: set[str] | None = None) -> list[str]:
    """The changes of aliases, the newest first.

    Args:
        listing: The registry.
        ids: Ids of the models to list; all if None.
    """
    lines = []
    for service, move in listing.moves:
        changes = [
            f"{alias} {_short(move.before.get(alias))} -> {_short(move.after.get(alias))}"
            for alias in sorted({*move.before, *move.after})
            if move.before.get(alias) != move.after.get(alias)
        ]
        if ids is None or ids & {*move.before.values(), *move.after.values()}:
            lines.append(f"{move.at}  {service}  {move.reason}: {'; '.join(changes)}")
    return lines


def detail_lines(listing: Listing, entry_id: str) -> list[str]:
    """The facts about one entry, as ``key: value`` lines."""
    entry = listing.entries[entry_id]
    return [f"{key}: {value}" for key, value in _details(listing, entry) if value]


def verdict_word(entry: RegistryEntry) -> str:
    """The gate's decision in one word; empty without one."""
    if entry.verdict is None:
        return ""
    return "passed" if entry.verdict.passed else "failed"


def state_word(listing: Listing, entry_id: str) -> str:
    """State of an entry after erasures: ``stale`` for a model, ``erased`` for a data set."""
    if entry_id in listing.erasures.replaced:
        return "erased"
    return "stale" if entry_id in listing.stale else ""


def state_facts(listing: Listing, entry_id: str) -> list[tuple[str, str]]:
    """Facts about an entry after erasures, as keys and values."""
    facts: list[tuple[str, str]] = []
    if since := listing.stale.get(entry_id):
        facts.append(("stale", f"since {since}: it has learned from rows that are erased"))
    if replaced := listing.erasures.replaced.get(entry_id):
        counts = ", ".join(f"{part} {count}" for part, count in replaced.erased.items())
        by = f"replaced by {replaced.by[:SHORT]}" if replaced.by else "no rows are left"
        facts.append(("erased", f"{replaced.at}: {counts} rows; {by}"))
    if checked := listing.entries[entry_id].erasures:
        facts.append(("without", f"all rows that were erased by then, whose list is {checked}"))
    return facts


def score_of(entry: RegistryEntry, name: str) -> str:
    """A score of an entry to three digits; empty if it was not measured."""
    value = entry.metrics.get(name)
    return "" if value is None else f"{value:.3f}"


def _cells(listing: Listing, entry_id: str) -> tuple[str, ...]:
    entry = listing.entries[entry_id]
    return (
        entry.created,
        entry.kind,
        entry_id[:SHORT],
        entry.name,
        ", ".join(filter(None, (verdict_word(entry), state_word(listing, entry_id)))),
        *(score_of(entry, name) for name in HEADLINE[:2]),
        ", ".join(listing.aliases_of(entry_id)),
    )


def _details(listing: Listing, entry: RegistryEntry) -> Iterator[tuple[str, str]]:
    yield "id", entry.id
    yield "kind", entry.kind
    yield "service", entry.name
    yield "aliases", ", ".join(listing.aliases_of(entry.id))
    yield "created", entry.created
    yield "run", entry.run
    yield "code version", entry.code_version
    yield "address", entry.uri or ""
    yield "digest", entry.digest
    for source in entry.sources:
        origins = f" by {', '.join(source.origins)}" if source.origins else ""
        yield "source", f"{source.uri} {source.digest}{origins}"
    yield "tuned on pairs", entry.pairs
    yield "rows", ", ".join(f"{part} {count}" for part, count in entry.rows.items())
    for name, value in entry.metrics.items():
        yield name, "" if value is None else f"{value:.6g}"
    yield from state_facts(listing, entry.id)
    yield "verdict", verdict_word(entry)
    if entry.verdict is not None:
        for reason in entry.verdict.reasons:
            yield "not met", reason
    for name, address in entry.reports.items():
        yield f"{name} report", address


def _short(entry_id: str | None) -> str:
    return entry_id[:SHORT] if entry_id else "none"

"""A registry in a folder: entries, aliases, names, and damaged files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.errors import InputError
from intentflow.registry import Registry
from intentflow.registry.changes import deployed, rolled_back, taken_away, tried_out
from intentflow.registry.history import state_word
from intentflow.registry.listing import Listing
from tests.registry.entries import SERVICE, entry, model, weeks

IDS = st.sampled_from(["a", "b", "c", "d"])
CHANGES = st.one_of(
    st.builds(deployed, IDS),
    st.builds(tried_out, IDS),
    st.builds(rolled_back, IDS),
    st.builds(taken_away),
)


def test_an_entry_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = entry("dataset", rows={"train": 5}, recipe={"seed": 1, "π": ["x"]})
    registry = Registry(tmp_path)
    assert registry.entry(registry.add(written)) == written


def test_an_entry_is_named_by_the_digest_of_its_file(tmp_path: Path) -> None:
    from intentflow.io.files import sha256_file

    added = Registry(tmp_path).add(entry("dataset"))
    assert sha256_file(tmp_path / "entries" / f"{added}.json") == added


def test_the_same_entry_again_is_one_entry(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert registry.add(entry("dataset")) == registry.add(entry("dataset"))
    assert len(registry.listing().entries) == 1


def test_an_entry_without_its_parent_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    with pytest.raises(InputError, match="no such entry"):
        registry.add(entry("model", parents=["0" * 64]))
    assert not (tmp_path / "entries").exists()


def test_ancestors_are_found_over_several_steps(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    first = model(registry, 1)
    rows = registry.entry(first).parents[0]
    second = registry.add(entry("model", 2, parents=[first]))
    served = registry.add(entry("deployment", 2, parents=[second]))
    assert registry.listing().ancestors(served) == [second, first, rows]


def test_the_former_champion_is_the_previous_one(tmp_path: Path) -> None:
    first, second = weeks(tmp_path, 2)
    assert Registry(tmp_path).aliases(SERVICE).current == {"champion": second, "previous": first}


def test_a_move_is_remembered_with_its_reason(tmp_path: Path) -> None:
    models = weeks(tmp_path, 2)
    moves = Registry(tmp_path).aliases(SERVICE).moves
    assert [(move.reason, move.run, move.after["champion"]) for move in moves] == [
        ("deploy", "run-0", models[0]),
        ("deploy", "run-1", models[1]),
    ]


def test_a_change_that_changes_nothing_is_not_a_move(tmp_path: Path) -> None:
    (only,) = weeks(tmp_path, 1)
    Registry(tmp_path).move(SERVICE, deployed(only), reason="deploy")
    assert len(Registry(tmp_path).aliases(SERVICE).moves) == 1


def test_an_alias_of_a_data_set_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    rows = registry.add(entry("dataset"))
    with pytest.raises(InputError, match="this is a dataset"):
        registry.move(SERVICE, deployed(rows), reason="deploy")
    assert registry.aliases(SERVICE).current == {}


@given(st.lists(CHANGES, max_size=12))
def test_no_alias_points_to_two_states_of_one_model(changes: list) -> None:
    """Whatever is done, the champion is neither its own challenger nor its own predecessor."""
    current: dict = {}
    for change in changes:
        current = dict(change(current))
        champion = current.get("champion")
        assert champion is None or champion != current.get("previous")


@given(IDS, IDS)
def test_a_rollback_undoes_a_deployment(before: str, after: str) -> None:
    current = dict(deployed(before)({}))
    moved = deployed(after)(current)
    assert rolled_back(before)(moved)["champion"] == current["champion"]


@pytest.mark.parametrize("name", ["champion", "banking/champion"])
def test_an_alias_names_an_entry(tmp_path: Path, name: str) -> None:
    models = weeks(tmp_path, 2)
    assert Registry(tmp_path).listing().find(name) == models[1]


def test_the_first_characters_name_an_entry(tmp_path: Path) -> None:
    models = weeks(tmp_path, 3)
    assert Registry(tmp_path).listing().find(models[1][:16]) == models[1]


def test_the_digest_of_the_content_names_an_entry(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    added = registry.add(entry("dataset", digest="fe" * 32))
    assert registry.listing().find("sha256-fefefe") == added


def test_a_name_of_several_entries_is_refused_with_their_ids(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for number in range(2):
        registry.add(entry("dataset", number, digest="fe" * 32))
    with pytest.raises(InputError, match=r"2 entries: .*dataset of banking"):
        registry.listing().find("fefe")


def test_a_folder_without_a_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no registry"):
        Registry(tmp_path / "nowhere").listing()


def test_a_damaged_entry_is_named_with_what_to_do(tmp_path: Path) -> None:
    models = weeks(tmp_path, 2)
    file = tmp_path / "entries" / f"{models[0]}.json"
    file.write_bytes(file.read_bytes().replace(b"0.9", b"0.99"))
    listing = Registry(tmp_path).listing()
    assert [one.id for one in listing.damaged] == [models[0]]
    assert listing.damaged[0].message == (
        f"{file}: damaged: its content is not the one that it is named after; "
        "restore the file from a backup, or delete it"
    )
    assert models[1] in listing.entries


def test_damaged_aliases_are_named_with_what_to_do(tmp_path: Path) -> None:
    weeks(tmp_path, 1)
    (tmp_path / "aliases/banking.json").write_text("{")
    (found,) = Registry(tmp_path).listing().damaged
    assert "aliases/banking.json: damaged: not JSON" in found.message
    assert "the next deployment or promotion sets the aliases again" in found.message


def test_damaged_aliases_are_not_overwritten(tmp_path: Path) -> None:
    (only,) = weeks(tmp_path, 1)
    (tmp_path / "aliases/banking.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        Registry(tmp_path).move(SERVICE, deployed(only), reason="deploy")
    assert (tmp_path / "aliases/banking.json").read_text() == "{"


def test_an_entry_of_a_newer_release_is_named(tmp_path: Path) -> None:
    import hashlib

    Registry(tmp_path).add(entry("dataset"))
    text = json.dumps({**entry("dataset").as_dict(), "schema_version": 9}).encode()
    (tmp_path / "entries" / f"{hashlib.sha256(text).hexdigest()}.json").write_bytes(text)
    (found,) = Registry(tmp_path).listing().damaged
    assert "newer than 1" in found.message


@pytest.mark.parametrize("created", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-29"])
def test_a_time_in_another_form_is_refused(created: str) -> None:
    document = {"kind": "dataset", "name": "x", "created": created}
    with pytest.raises(InputError, match="created is not a time such as"):
        RegistryEntry.from_mapping(document, "entry.json")


def test_a_file_of_others_is_no_entry(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(entry("dataset"))
    (tmp_path / "entries" / "README.md").write_text("weekly runs")
    assert registry.listing().damaged == ()


class _CountedReads(dict[str, RegistryEntry]):
    """Entries by id that count how often one is looked up."""

    reads = 0

    def get(self, key: str, default: object = None) -> Any:
        self.reads += 1
        return super().get(key, default)


def test_a_long_line_of_models_is_listed_in_a_time_that_grows_with_its_length() -> None:
    line = [entry("model")]
    for number in range(1, 300):
        line.append(entry("model", number, parents=[line[-1].id]))
    entries = _CountedReads({one.id: one for one in line})
    listing = Listing(entries)
    assert not any(state_word(listing, one) for one in entries)
    assert entries.reads <= 2 * len(line)

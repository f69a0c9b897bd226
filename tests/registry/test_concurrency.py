"""Several processes change the aliases of a registry in a folder, and some of them are killed."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from tests.registry.entries import SERVICE, model, weeks
from tests.registry.processes import lost_moves, move_at_once, mover


def test_no_move_of_processes_at_once_is_lost(tmp_path: Path) -> None:
    models = move_at_once(tmp_path, processes=6, count=10)
    assert lost_moves(tmp_path, models, count=10) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_process_leaves_a_registry_that_can_be_read_and_changed(
    tmp_path: Path, seed: int
) -> None:
    (first,) = weeks(tmp_path, 1)
    models = [model(Registry(tmp_path), number) for number in (1, 2)]
    process = mover(tmp_path, 100_000, models)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    done = sum(1 for _ in zip(range(20), process.stdout, strict=False))
    time.sleep(random.Random(seed).uniform(0, 0.02))
    process.kill()
    process.communicate()
    listing = Registry(tmp_path).listing()
    assert listing.damaged == ()
    assert len(listing.aliases[SERVICE].moves) > done
    after = Registry(tmp_path).move(SERVICE, deployed(first), reason="deploy")
    assert after.current["champion"] == first


def test_what_a_killed_process_left_unfinished_is_no_entry(tmp_path: Path) -> None:
    weeks(tmp_path, 1)
    (tmp_path / "entries/.0000.json.ab12").write_text("{")
    (tmp_path / "aliases/.banking.json.ab12").write_text("{")
    listing = Registry(tmp_path).listing()
    assert (len(listing.entries), listing.damaged) == (2, ())

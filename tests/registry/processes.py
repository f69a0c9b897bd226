"""Several processes that change one registry at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from intentflow.registry import Registry
from tests.registry.entries import SERVICE, model

ROOT = Path(__file__).parents[2]


def mover(place: str | Path, count: int, models: Sequence[str]) -> subprocess.Popen[str]:
    """A process that is ready to deploy these models, ``count`` times each."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.registry.movers", str(place), str(count), *models],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def move_at_once(place: str | Path, processes: int, count: int) -> list[list[str]]:
    """Let processes deploy two models each in turn; the models of each process."""
    registry = Registry(place)
    models = [[model(registry, 2 * n), model(registry, 2 * n + 1)] for n in range(processes)]
    started = [mover(place, count, own) for own in models]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=300)
        assert process.returncode == 0
    return models


def lost_moves(place: str | Path, models: list[list[str]], count: int) -> list[str]:
    """What is wrong with the chain of changes that processes made; nothing if none is lost."""
    aliases = Registry(place).aliases(SERVICE)
    problems = []
    if len(aliases.moves) != 2 * count * len(models):
        problems.append(f"{len(aliases.moves)} moves of {2 * count * len(models)}")
    before: dict[str, str] = {}
    for move in aliases.moves:
        if move.before != before:
            problems.append(f"move {move.id} does not follow the one before it")
        before = dict(move.after)
    if aliases.current != before:
        problems.append("the aliases are not those after the last move")
    return problems

"""A process that changes a registry: ``python -m tests.registry.movers PLACE COUNT MODEL…``."""

from __future__ import annotations

import sys

from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from tests.registry.entries import SERVICE


def main() -> None:
    """Deploy each of the models, several times over."""
    place, count, *models = sys.argv[1:]
    registry = Registry(place)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(count)):
        for model in models:
            registry.move(SERVICE, deployed(model), reason=f"deploy {model}")
            print(model, flush=True)


if __name__ == "__main__":
    main()

"""The place of a registry that a command was not given."""

from __future__ import annotations

import os

REGISTRY_VARIABLE = "INTENTFLOW_REGISTRY"
PLACE = "Folder or s3://bucket/prefix where data sets, models and deployments are recorded"
"""Description of every setting that names a registry."""

PLACE_HELP = f"{PLACE} (default: ${REGISTRY_VARIABLE})"
"""The same for commands, which the environment can give it, too."""


def given_place(place: str | None) -> str | None:
    """The place that an option or else the environment names; None without either.

    Args:
        place: Value of the option.

    Example:
        >>> given_place("runs/registry")
        'runs/registry'
    """
    return place or os.environ.get(REGISTRY_VARIABLE) or None

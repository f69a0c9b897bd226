"""Fields that the configurations of several steps share, and that a run has once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, Place, from_file
from intentflow.recipe.recipe import MAX_SEED
from intentflow.taxonomy import Taxonomy


def split_names(value: object) -> object:
    """The names in a text, separated by commas; another value is returned unchanged.

    Example:
        >>> split_names("typos, casing")
        ['typos', 'casing']
    """
    return [one.strip() for one in value.split(",")] if isinstance(value, str) else value


def one_or_several(paths: str | Path | Sequence[str | Path]) -> Sequence[str | Path]:
    """Paths as a list, of which one may be given by itself: its letters are no paths.

    Example:
        >>> one_or_several("test.jsonl")
        ['test.jsonl']
    """
    return [paths] if isinstance(paths, str | Path) else paths


TaxonomyFile = Annotated[
    Taxonomy | None,
    from_file(Taxonomy.from_yaml, Taxonomy),
    Place(),
    Flag(metavar="F.yaml"),
    Field(description="The expected intents and their parameters (taxonomy.yaml)"),
]

Seed = Annotated[
    int,
    Flag(metavar="N"),
    Field(ge=0, le=MAX_SEED, description="Random seed; the same seed gives the same files"),
]

NearThreshold = Annotated[
    float,
    Flag(metavar="X"),
    Field(
        gt=0,
        le=1,
        description="Minimum share of common characters of near-duplicates",
    ),
]

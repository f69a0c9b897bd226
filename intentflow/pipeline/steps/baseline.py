"""Baseline: scores of simpler models on the rows that a tuned model is scored on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from intentflow.baselines.kinds import (
    DEFAULT_RECIPE,
    DEFAULT_SHOTS,
    LANGUAGE_MODEL_KINDS,
    QUICK_KINDS,
    Kind,
    parse_kinds,
)
from intentflow.config import Flag, StrictModel
from intentflow.errors import InputError
from intentflow.pipeline.steps.fields import Seed, TaxonomyFile
from intentflow.pipeline.steps.recipe_fields import OptionalRecipeFile

if TYPE_CHECKING:
    from intentflow.artifacts.baselines import Baselines

READ_BY: dict[str, tuple[Kind, ...]] = {
    "encoder": ("encoder",),
    "epochs": ("encoder",),
    "model": LANGUAGE_MODEL_KINDS,
    "recipe": LANGUAGE_MODEL_KINDS,
    "taxonomy": LANGUAGE_MODEL_KINDS,
    "limit_rows": LANGUAGE_MODEL_KINDS,
    "shots": ("few-shot",),
}
"""Kinds that use a setting; for other kinds it would silently have no effect."""


Kinds = Annotated[
    list[Kind],
    BeforeValidator(parse_kinds, json_schema_input_type=str | list[Kind | Literal["all"]]),
    Flag(metavar="A,B"),
    Field(
        description="Simple models for comparison on the same rows: majority, linear, encoder, "
        "untuned, few-shot, or all"
    ),
]


class BaselineSettings(StrictModel):
    """Settings of the baselines."""

    encoder: Annotated[str, Flag(metavar="NAME")] = Field(
        "bundled:minilm", description="Encoder: hub id, local folder or bundled:NAME"
    )
    epochs: Annotated[int | None, Flag(metavar="N")] = Field(
        None, ge=1, description="Epochs of the encoder; 5 to 20 unless set, depending on the rows"
    )
    shots: Annotated[int, Flag(metavar="N")] = Field(
        DEFAULT_SHOTS, ge=1, description="Number of labelled rows in a few-shot prompt"
    )
    limit_rows: Annotated[int | None, Flag(metavar="N")] = Field(
        None, ge=1, description="Maximum number of rows for untuned and few-shot; all unless set"
    )


class BaselineConfig(BaselineSettings):
    """The baselines to score, and their settings."""

    kinds: Kinds = Field(list(QUICK_KINDS))
    recipe: OptionalRecipeFile = None
    taxonomy: TaxonomyFile = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _settings_are_read(self) -> Self:
        given = self.model_fields_set & set(BaselineSettings.model_fields)
        for name, readers in unread_settings(given, self.kinds):
            raise ValueError(f"{name} needs {' or '.join(readers)} in kinds")
        return self


def unread_settings(
    given: Iterable[str], kinds: Iterable[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Settings that none of the kinds uses, each with the kinds that would.

    Args:
        given: Names of the settings that were given.
        kinds: The kinds to score.
    """
    asked, names = set(kinds), set(given)
    return [
        (name, readers)
        for name, readers in READ_BY.items()
        if name in names and not set(readers) & asked
    ]


def run_baseline(
    train_set: str | Path,
    test_set: str | Path,
    baselines: str | Path,
    config: BaselineConfig | None = None,
) -> Baselines:
    """Score baselines and write ``baselines.json``.

    Args:
        train_set: Training records.
        test_set: Records to score.
        baselines: The file to write.
        config: Baselines and their settings; majority and linear if None.

    Returns:
        The content of the file.

    Raises:
        InputError: A file cannot be read or written, or a baseline cannot be computed.
        ModuleNotFoundError: An extra that one of the kinds needs is not installed.
    """
    from intentflow.evaluation.baseline_scores import BaselineOptions, run_baselines
    from intentflow.recipe.recipe import Recipe
    from intentflow.records import read_records

    settings = config or BaselineConfig()
    if Path(baselines).is_dir():
        raise InputError(f"{baselines} is a folder; give a file for the scores")
    options = BaselineOptions(
        kinds=settings.kinds,
        encoder=settings.encoder,
        epochs=settings.epochs,
        recipe=settings.recipe or Recipe.load(DEFAULT_RECIPE),
        taxonomy=settings.taxonomy,
        shots=settings.shots,
        limit_rows=settings.limit_rows,
        seed=settings.seed,
    )
    found = run_baselines(read_records(train_set), read_records(test_set), options)
    found.write(baselines)
    return found

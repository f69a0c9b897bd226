"""Validate: checks of records before training, and advice for the recipe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from intentflow.config import Flag, Place, StrictModel, from_file
from intentflow.errors import CheckFailed, InputError, UsageError
from intentflow.pipeline.steps.fields import TaxonomyFile, one_or_several
from intentflow.pipeline.steps.recipe_fields import OptionalRecipeFile
from intentflow.validation.hardware import HARDWARE, Hardware
from intentflow.validation.policy import DataPolicy

if TYPE_CHECKING:
    from intentflow.artifacts.failure import StepFailure
    from intentflow.artifacts.training import TrainingEstimate
    from intentflow.recipe.recipe import Recipe
    from intentflow.records import Example
    from intentflow.validation import ValidationReport

# Findings that make training impossible: invalid input, not a failed check.
_USELESS = ("no_rows", "single_intent")


class DataChecks(StrictModel):
    """Configuration of the data checks."""

    policy: Annotated[
        DataPolicy,
        from_file(DataPolicy.from_yaml, DataPolicy),
        Place(),
        Flag(metavar="F.yaml"),
    ] = Field(DataPolicy(), description="Data policy: levels and limits of the checks")
    redact_report: Annotated[bool, Flag("--redact")] = Field(
        True,
        description="Replace personal data in the report's examples; without it, only the owner "
        "may read the page",
    )


def _require_hardware(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(HARDWARE, text):
        raise ValueError(f"expected GPUs, such as 2x80Gi, or a CPU's memory, 64Gi; not {text}")
    return text


class ValidateConfig(DataChecks):
    r"""Configuration of the data checks, and the training that the advice is for.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> _ = Path("calls.csv").write_text("text,intent\nplay jazz,play(jazz)\nstop,stop()\n")
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> _ = Path("taxonomy.yaml").write_text("intents: {play: {parameters: [artist]}}")
        >>> config = intentflow.ValidateConfig(taxonomy="taxonomy.yaml")
        >>> report = intentflow.validate("records.jsonl", config)
        >>> [finding.code for finding in report.findings if finding.level == "error"]
        ['unknown_intent']
    """

    taxonomy: TaxonomyFile = None
    recipe: OptionalRecipeFile = None
    hardware: Annotated[str | None, Flag(metavar="NxMEMORY"), AfterValidator(_require_hardware)] = (
        Field(
            None,
            description="Devices of the training, for the advice: 2x80Gi for two GPUs of 80 GiB "
            "each, 64Gi for a CPU with this memory; in a cluster those of the train step, "
            "otherwise those of this computer unless set",
        )
    )


def run_validate(
    records: str | Path,
    config: ValidateConfig | None = None,
    *,
    against: str | Path | Sequence[str | Path] = (),
    agreement: str | Path | None = None,
    report: str | Path | None = None,
    finding_rows: str | Path | None = None,
    estimate: bool = False,
    name: str = "records",
) -> ValidationReport:
    """Check records and derive hyper-parameters from them.

    Args:
        records: The rows to check.
        config: Policy, taxonomy, recipe and hardware; the defaults if None.
        against: Other files of records, such as the test set, that must not share rows; one or
            several.
        agreement: Agreement of the annotators, as ``run_convert`` writes it; None for none.
        report: HTML page to write; None for none.
        finding_rows: JSON lines to write, with all rows behind each finding, readable by the
            owner only; None for none.
        estimate: Whether to run and time the first step of the recipe's training on these rows.
        name: Name of the data set, for the page's heading.

    Returns:
        Findings, skipped checks and advice; see :func:`require_valid`.

    Raises:
        InputError: A file cannot be read or written.
        UsageError: An estimate needs a recipe.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> rows = Path(mkdtemp()) / "rows.jsonl"
        >>> _ = rows.write_text('{"instruction": "play some jazz", "output": "play(jazz)"}')
        >>> [finding.code for finding in run_validate(rows).findings if finding.level == "error"]
        ['single_intent']
    """
    from intentflow.artifacts.agreement import Agreement
    from intentflow.artifacts.document import write_lines
    from intentflow.records import read_records
    from intentflow.validation import validate, write_validation_report

    settings = config or ValidateConfig()
    if estimate and settings.recipe is None:
        raise UsageError("--estimate times the training of a recipe: give --recipe, too")
    agreed = None if agreement is None else Agreement.read(agreement)
    others = {str(path): read_records(path) for path in one_or_several(against)}
    rows = read_records(records)
    hardware = Hardware.parse(settings.hardware) if settings.hardware else Hardware.detect()
    result = validate(
        rows,
        settings.policy,
        settings.taxonomy,
        against=others,
        recipe=settings.recipe,
        suggested=None if settings.recipe else _suggested(rows, hardware),
        hardware=hardware,
    )
    result = replace(result, agreement=agreed)
    if estimate:
        result = replace(result, estimate=_estimate(records, settings))
    if finding_rows is not None:
        write_lines(finding_rows, (line for found in result.findings for line in found.lines()))
    if report is not None:
        write_validation_report(
            report,
            result,
            name=name,
            policy=settings.policy,
            taxonomy=settings.taxonomy,
            redact=settings.redact_report,
        )
    return result


def _suggested(rows: Sequence[Example], hardware: Hardware) -> Recipe | None:
    """The recipe that ``init --from`` drafts for the rows; None where that needs more packages."""
    from intentflow.recipe.recipe import Recipe
    from intentflow.validation.recipe_choice import choose_recipe

    try:
        return Recipe.load(choose_recipe(rows, hardware).source)
    except ModuleNotFoundError:
        return None


def _estimate(records: str | Path, settings: ValidateConfig) -> TrainingEstimate:
    from intentflow.records import read_records
    from intentflow.training.estimate import estimate_training

    assert settings.recipe is not None  # as run_validate has checked
    return estimate_training(settings.recipe, read_records(records), settings.taxonomy)


def require_valid(report: ValidationReport) -> None:
    """Check that validated records can be used for training.

    Args:
        report: Report of :func:`run_validate`.

    Raises:
        CheckFailed: There is at least one finding of level error.
        InputError: One of these makes training impossible: no rows, or a single intent.
    """
    errors = [finding for finding in report.findings if finding.level == "error"]
    if errors:
        useless = any(finding.code in _USELESS for finding in errors)
        found = "; ".join(finding.message for finding in errors)
        raise (InputError if useless else CheckFailed)(f"the data failed its checks: {found}")


def failure_of(report: ValidationReport) -> StepFailure | None:
    """The failure of a run whose records failed their checks; None if they passed."""
    from intentflow.artifacts.failure import StepFailure

    try:
        require_valid(report)
    except (CheckFailed, InputError) as error:
        return StepFailure.of("validate", error)
    return None

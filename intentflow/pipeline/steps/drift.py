"""Drift: a service's requests compared with the rows that its model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intentflow.config import Flag, Place, StrictModel, from_file
from intentflow.feedback.drift.policy import DriftPolicy
from intentflow.pipeline.steps.fields import Seed, TaxonomyFile, one_or_several

if TYPE_CHECKING:
    from intentflow.artifacts.drift import DriftReport

DriftPolicyFile = Annotated[
    DriftPolicy,
    from_file(DriftPolicy.from_yaml, DriftPolicy),
    Place(),
    Flag(metavar="F.yaml"),
    Field(description="Drift policy: what is an alert, and what asks for a new model"),
]


class DriftConfig(StrictModel):
    """Configuration of the comparison.

    Example:
        >>> DriftConfig(policy={"false_alarm_rate": 0.05}).policy.false_alarm_rate
        0.05
    """

    policy: DriftPolicyFile = DriftPolicy()
    taxonomy: TaxonomyFile = None
    encoder: Annotated[str | None, Flag(metavar="NAME")] = Field(
        None,
        description="Encoder that nearness is measured with: bundled:minilm, a hub id or a folder; "
        "TF-IDF unless set",
    )
    seed: Seed = 0


def run_drift(
    reference: str | Path,
    requests: str | Path | Sequence[str | Path],
    config: DriftConfig | None = None,
    *,
    output: str | Path | None = None,
    page: str | Path | None = None,
) -> DriftReport:
    """Compare requests with reference rows.

    Args:
        reference: Training rows, scored predictions, or an earlier request log.
        requests: Files, folders or ``s3://`` prefixes of request logs; one or several.
        config: Policy, taxonomy, seed; the defaults if None.
        output: File for the report, ``drift.json``; None for none.
        page: File for the HTML page; None for none.

    Raises:
        InputError: A file cannot be read or written, or there are too few rows.
        ModuleNotFoundError: The ``data`` extra is not installed, or for an encoder ``train``.
    """
    from intentflow.feedback.drift.measurement import measure_drift
    from intentflow.feedback.drift.page import write_drift_page
    from intentflow.feedback.drift.rows import read_reference, read_requests

    settings = config or DriftConfig()
    known = read_reference(reference)
    asked, about = read_requests(one_or_several(requests))
    report = measure_drift(
        known,
        asked,
        settings.policy,
        out_of_scope=settings.taxonomy.out_of_scope if settings.taxonomy else None,
        about=about,
        seed=settings.seed,
        encoder=settings.encoder,
    )
    if output is not None:
        report.write(output)
    if page is not None:
        write_drift_page(page, report)
    return report

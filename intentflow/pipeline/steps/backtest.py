"""Backtest: retraining policies replayed on dated rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from intentflow.artifacts.backtest import RetrainingPolicy, StandIn
from intentflow.config import Flag, StrictModel
from intentflow.feedback.drift.policy import DriftPolicy
from intentflow.pipeline.steps.drift import DriftPolicyFile
from intentflow.pipeline.steps.fields import Seed, split_names

if TYPE_CHECKING:
    from intentflow.artifacts.backtest import BacktestReport


class BacktestConfig(StrictModel):
    """Configuration of the replay.

    Example:
        >>> BacktestConfig(policies="weekly,never").policies
        ['weekly', 'never']
    """

    policies: Annotated[
        list[RetrainingPolicy],
        BeforeValidator(split_names),
        Flag("--policy", metavar="NAMES"),
    ] = Field(
        ["never", "weekly", "drift"],
        min_length=1,
        description="Policies to replay, separated by commas: never, weekly, drift",
    )
    drift_policy: DriftPolicyFile = DriftPolicy()
    stand_in: StandIn = Field("linear", description="Classifier that is trained in its place")
    window_days: int = Field(7, ge=1, le=3660, description="Days of a window")
    first_windows: int = Field(1, ge=1, description="Windows that the first model learns from")
    date_field: str | None = Field(
        None, description="Field of the date (time, date, datetime, timestamp, created_at, created)"
    )
    field: str | None = Field(
        None, description="Field of the utterance (instruction, text, utterance)"
    )
    label_field: str | None = Field(None, description="Field of the label (output, label, intent)")
    seed: Seed = 0


def run_backtest(
    rows: str | Path,
    config: BacktestConfig | None = None,
    *,
    output: str | Path | None = None,
    page: str | Path | None = None,
) -> BacktestReport:
    """Replay retraining policies on dated rows.

    Args:
        rows: CSV, JSON array or JSON lines with a date, an utterance and a label.
        config: Policies, windows and fields; the defaults if None.
        output: File for the report, ``backtest.json``; None for none.
        page: File for the HTML page; None for none.

    Raises:
        InputError: A file cannot be read or written, or the rows cover too few or too many
            windows.
        ModuleNotFoundError: The ``data`` extra is not installed, or ``train`` for the encoder.
    """
    from intentflow.feedback.backtest.dated_rows import Fields, read_dated_rows
    from intentflow.feedback.backtest.page import write_backtest_page
    from intentflow.feedback.backtest.replay import ReplaySettings, replay

    chosen = config or BacktestConfig()
    fields = Fields(chosen.date_field, chosen.field, chosen.label_field)
    settings = ReplaySettings(
        policies=list(dict.fromkeys(chosen.policies)),
        drift=chosen.drift_policy,
        stand_in=chosen.stand_in,
        window_days=chosen.window_days,
        first_windows=chosen.first_windows,
        seed=chosen.seed,
    )
    report = replay(read_dated_rows(rows, fields), settings)
    if output is not None:
        report.write(output)
    if page is not None:
        write_backtest_page(page, report)
    return report

"""Replay of retraining policies: predict a window, then see its labels, then decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from intentflow.artifacts.backtest import (
    BacktestReport,
    BacktestWindow,
    PolicyCourse,
    PolicyWindow,
    RetrainingPolicy,
    StandIn,
)
from intentflow.artifacts.drift import DriftAction
from intentflow.baselines.encoder import fit_encoder
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import fit_linear
from intentflow.errors import InputError
from intentflow.feedback.backtest.dated_rows import DatedRow, Window, windows_of
from intentflow.feedback.drift.measurement import measure_drift
from intentflow.feedback.drift.policy import DriftPolicy
from intentflow.feedback.drift.rows import AnsweredRows
from intentflow.io.progress import progress_bar
from intentflow.records import Example, content_digest


class Answering(Protocol):
    """A trained classifier."""

    def answer(self, utterances: Sequence[str]) -> tuple[list[str], list[float]]:
        """Labels and confidences of utterances."""


Fit = Callable[[LabelledTexts], Answering]

_FITS: dict[StandIn, Fit] = {"linear": fit_linear, "encoder": fit_encoder}


@dataclass(frozen=True)
class ReplaySettings:
    """Settings of a replay.

    Attributes:
        policies: Policies to replay.
        drift: Drift policy of the policy ``drift``, which retrains where it asks for a new model.
        stand_in: Classifier that is trained in the model's place.
        window_days: Length of a window in days.
        first_windows: Number of windows that the first model learns from.
        seed: Seed of the drift tests.
    """

    policies: Sequence[RetrainingPolicy] = ("never", "weekly", "drift")
    drift: DriftPolicy = field(default_factory=DriftPolicy)
    stand_in: StandIn = "linear"
    window_days: int = 7
    first_windows: int = 1
    seed: int = 0


def replay(
    rows: Sequence[DatedRow], settings: ReplaySettings | None = None, fit: Fit | None = None
) -> BacktestReport:
    """Replay policies on dated rows.

    Every window is predicted by a model that has seen labels of earlier windows alone.

    Args:
        rows: Rows in the order of time.
        settings: Policies and windows; the defaults if None.
        fit: Training of the stand-in; the setting's if None.

    Raises:
        InputError: There are too few windows, or those of the first model have no rows or a single
            label.
        ModuleNotFoundError: The ``data`` extra is not installed, or ``train`` for the encoder.
    """
    chosen = settings or ReplaySettings()
    windows = windows_of(rows, chosen.window_days)
    if len(windows) <= chosen.first_windows:
        raise InputError(
            f"the rows cover {len(windows)} windows of {chosen.window_days} days; at least "
            f"{chosen.first_windows + 1} are needed: {chosen.first_windows} to learn from, one to "
            "predict"
        )
    if not any(window.rows for window in windows[: chosen.first_windows]):
        raise InputError("the first windows have no rows: raise --first-windows")
    models = _Models(fit or _FITS[chosen.stand_in])
    return BacktestReport(
        rows=len(rows),
        data_digest=content_digest(
            [Example(f"{row.time.isoformat()} {row.text}", row.label) for row in rows]
        ),
        stand_in=chosen.stand_in,
        window_days=chosen.window_days,
        first_windows=chosen.first_windows,
        windows=[
            BacktestWindow(
                start=window.start.date().isoformat(),
                end=window.end.date().isoformat(),
                rows=len(window.rows),
            )
            for window in windows
        ],
        policies=[_course(policy, windows, chosen, models) for policy in chosen.policies],
    )


class _Models:
    """Models by the windows that they learned from: policies share those of the same windows."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._known: dict[tuple[int, ...], Answering] = {}

    def of(self, windows: Sequence[Window], learned: Sequence[int]) -> Answering:
        key = tuple(learned)
        if key not in self._known:
            rows = [row for at in key for row in windows[at].rows]
            texts = LabelledTexts([row.text for row in rows], [row.label for row in rows])
            self._known[key] = self._fit(texts)
        return self._known[key]


def _course(
    policy: RetrainingPolicy, windows: Sequence[Window], settings: ReplaySettings, models: _Models
) -> PolicyCourse:
    learned = list(range(settings.first_windows))
    labels, trainings = sum(len(windows[at].rows) for at in learned), 1
    course = []
    replayed = range(settings.first_windows, len(windows))
    with progress_bar(f"backtest {policy}", total=len(replayed), unit="window") as bar:
        for at in replayed:
            rows = windows[at].rows
            texts = [row.text for row in rows]
            predicted, confidences = (
                models.of(windows, learned).answer(texts) if texts else ([], [])
            )
            requests = AnsweredRows.of(zip(texts, predicted, confidences, strict=True))
            action = _drift(policy, requests, windows, learned, settings)
            # Only here, after the predictions and the decision, are the window's labels seen.
            retrained = bool(rows) and (policy == "weekly" or action == "retrain")
            correct = sum(one == row.label for one, row in zip(predicted, rows, strict=True))
            if retrained:
                learned.append(at)
                labels, trainings = labels + len(rows), trainings + 1
            course.append(
                PolicyWindow(
                    correct=correct,
                    accuracy=correct / len(rows) if rows else None,
                    drift=action,
                    labels=len(rows) if retrained else 0,
                    retrained=retrained,
                )
            )
            bar.update()
    scored = sum(len(window.rows) for window in windows[settings.first_windows :])
    return PolicyCourse(
        policy=policy,
        accuracy=sum(one.correct for one in course) / scored if scored else None,
        labels=labels,
        trainings=trainings,
        windows=course,
    )


def _drift(
    policy: RetrainingPolicy,
    requests: AnsweredRows,
    windows: Sequence[Window],
    learned: Sequence[int],
    settings: ReplaySettings,
) -> DriftAction | None:
    """The drift policy's action; None for other policies and too few rows."""
    known = [row for at in learned for row in windows[at].rows]
    enough = len(requests) >= settings.drift.minimum_requests
    if policy != "drift" or not enough or len(known) < settings.drift.minimum_reference:
        return None
    reference = AnsweredRows.of((row.text, row.label, None) for row in known)
    return measure_drift(reference, requests, settings.drift, seed=settings.seed).action

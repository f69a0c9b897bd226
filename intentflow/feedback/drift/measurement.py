"""All statistics of requests against reference rows, and the policy's decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intentflow.artifacts.drift import (
    DriftCell,
    DriftChange,
    DriftReport,
    DriftRequests,
    DriftStatistic,
)
from intentflow.errors import InputError
from intentflow.feedback.drift.decision import action_of, reason_of, strongest
from intentflow.feedback.drift.distribution import Distribution
from intentflow.feedback.drift.policy import STATISTICS, DriftPolicy, StatisticName
from intentflow.feedback.drift.rows import AnsweredRows
from intentflow.feedback.drift.significance import MIN_EXCHANGES, Difference, difference, holm
from intentflow.feedback.drift.texts import Utterances

_NO_CONFIDENCE = (
    "confidence: {side} have none; give predictions of intentflow evaluate or an earlier log as "
    "reference"
)
_NO_OUT_OF_SCOPE = "out_of_scope: no out-of-scope intent is known; give a taxonomy that names it"


def measure_drift(
    reference: AnsweredRows,
    requests: AnsweredRows,
    policy: DriftPolicy | None = None,
    *,
    out_of_scope: str | None = None,
    about: DriftRequests | None = None,
    seed: int = 0,
    encoder: str | None = None,
) -> DriftReport:
    """Compare requests with reference rows.

    Args:
        reference: Rows that the model was trained on, or earlier requests.
        requests: The requests.
        policy: Rules of the decision; the defaults if None.
        out_of_scope: Name of the out-of-scope intent.
        about: Description of the requests for the report.
        seed: Seed of all draws; the same seed gives the same report.
        encoder: Name of the encoder that nearness is measured with; TF-IDF if None.

    Raises:
        InputError: There are fewer rows than the policy asks for, or there is no such encoder.
        ModuleNotFoundError: The ``data`` extra is not installed, or for an encoder ``train``.

    Example:
        >>> from intentflow.feedback.drift.rows import AnsweredRows
        >>> texts = ["play some jazz", "stop the music", "play rock", "stop it now"]
        >>> made = ["play()", "stop()"] * 2
        >>> rows = AnsweredRows.of([(text, call, None) for text, call in zip(texts, made)] * 50)
        >>> measure_drift(rows, rows).action
        'none'
    """
    policy = policy or DriftPolicy()
    _require_rows(reference, requests, policy)
    counted, skipped = _distributions(
        reference,
        requests,
        policy,
        out_of_scope,
        Utterances(reference.texts, requests.texts, seed, encoder),
    )
    if not counted:
        raise InputError(f"nothing can be compared: {'; '.join(skipped)}")
    draws = max(MIN_EXCHANGES, round(2 * len(counted) / policy.false_alarm_rate))
    found = {name: difference(counts, seed, draws) for name, counts in counted.items()}
    adjusted = holm([one.p_value for one in found.values()])
    statistics = [
        _statistic(name, counted[name], found[name], p_value, policy)
        for name, p_value in zip(found, adjusted, strict=True)
    ]
    return DriftReport(
        action=strongest(statistic.action for statistic in statistics),
        reasons=[reason_of(statistic) for statistic in statistics if statistic.action != "none"],
        false_alarm_rate=policy.false_alarm_rate,
        reference_rows=len(reference),
        reference_digest=reference.digest,
        requests=about or DriftRequests(rows=len(requests)),
        encoder=encoder,
        statistics=statistics,
        skipped=skipped,
    )


def _require_rows(reference: AnsweredRows, requests: AnsweredRows, policy: DriftPolicy) -> None:
    for rows, minimum, what, key in (
        (requests, policy.minimum_requests, "requests", "minimum_requests"),
        (reference, policy.minimum_reference, "reference rows", "minimum_reference"),
    ):
        if len(rows) < minimum:
            raise InputError(
                f"{len(rows)} {what} are too few to tell drift from chance: at least {minimum} are "
                f"needed ({key} in the policy)"
            )


def _distributions(
    reference: AnsweredRows,
    requests: AnsweredRows,
    policy: DriftPolicy,
    out_of_scope: str | None,
    texts: Utterances,
) -> tuple[dict[StatisticName, Distribution], list[str]]:
    """The statistics that can be compared, and why the others cannot."""
    measures: Mapping[StatisticName, Callable[[], Distribution | str]] = {
        "intents": lambda: Distribution.of_labels(reference.intents, requests.intents),
        "confidence": lambda: _confidence(reference, requests),
        "out_of_scope": lambda: _out_of_scope(reference, requests, out_of_scope),
        "length": lambda: Distribution.of_numbers(
            [len(text) for text in reference.texts], [len(text) for text in requests.texts]
        ),
        "language": texts.language,
        "unknown_words": texts.unknown_words,
        "nearness": texts.nearness,
        "phrasing": texts.phrasing,
    }
    counted: dict[StatisticName, Distribution] = {}
    skipped = []
    for name in STATISTICS:
        found = measures[name]() if policy.rule(name).enabled else f"{name}: off in the policy"
        if isinstance(found, Distribution):
            counted[name] = found
        else:
            skipped.append(found)
    return counted, skipped


def _confidence(reference: AnsweredRows, requests: AnsweredRows) -> Distribution | str:
    left = [value for value in reference.confidences if value is not None]
    right = [value for value in requests.confidences if value is not None]
    if not left or not right:
        side = "the requests" if left else "the reference rows"
        return _NO_CONFIDENCE.format(side=side)
    return Distribution.of_numbers(left, right, side="up_to")


def _out_of_scope(
    reference: AnsweredRows, requests: AnsweredRows, name: str | None
) -> Distribution | str:
    if name is None:
        return _NO_OUT_OF_SCOPE
    sides = [
        [("out of scope" if name in names else "in scope",) for names in rows.intents]
        for rows in (reference, requests)
    ]
    return Distribution.of_labels(*sides)


def _statistic(
    name: StatisticName,
    counts: Distribution,
    found: Difference,
    adjusted: float,
    policy: DriftPolicy,
) -> DriftStatistic:
    changes = _changes(counts, found, adjusted, policy.false_alarm_rate)
    return DriftStatistic(
        name=name,
        reference_rows=counts.sizes[0],
        request_rows=counts.sizes[1],
        psi=found.psi,
        interval=list(found.interval),
        psi_without_drift=found.psi_without_drift,
        p_value=found.p_value,
        adjusted_p_value=adjusted,
        action=action_of(found.psi, adjusted, changes, policy.rule(name), policy.false_alarm_rate),
        cells=[
            DriftCell(
                name=cell,
                reference=float(found.reference[at]),
                requests=float(found.requests[at]),
                psi=float(found.cell_psi[at]),
                interval=[float(end) for end in found.cell_intervals[at]],
            )
            for at, cell in enumerate(counts.cells)
        ],
        changes=changes,
    )


def _changes(
    counts: Distribution, found: Difference, adjusted: float, rate: float
) -> list[DriftChange]:
    """The significant shares; the factor of Holm that the statistic got holds for them, too."""
    factor = adjusted / found.p_value
    p_values = [min(1.0, float(value) * factor) for value in found.tested_p_values]
    changes = [
        DriftChange(
            name=counts.tested[at],
            reference=float(found.tested_reference[at]),
            requests=float(found.tested_requests[at]),
            p_value=p_value,
        )
        for at, p_value in enumerate(p_values)
        if p_value <= rate
    ]
    return sorted(changes, key=lambda one: (one.p_value, -abs(one.requests - one.reference)))

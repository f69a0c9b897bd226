"""Summary of the page: sentence, key numbers, intents by harm, and facts about the measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.artifacts.answer_scores import IntentScores
from intentflow.artifacts.metrics import INTENT_ACCURACY, LABELS, PARAMETER_ACCURACY, RATES, Metrics
from intentflow.evaluation.report.wording import percent, short, with_interval


def sentence(metrics: Metrics) -> str:
    """A sentence with the two accuracies."""
    intents = with_interval(metrics, INTENT_ACCURACY)
    parameters = with_interval(metrics, PARAMETER_ACCURACY)
    failed = metrics.failed_rows or 0
    return (
        f"Of {metrics.n:,} rows, {intents} got exactly the labelled intents, "
        f"and {parameters} every parameter, too."
    ) + (f" {failed:,} rows got no answer and count as wrong." if failed else "")


def how(metrics: Metrics) -> str:
    """Engine, constraint and digests in one line."""
    parts = [f"engine {metrics.engine}", _answers(metrics)]
    digests = (("model", metrics.model_digest), ("rows", metrics.data_digest))
    parts += [f"{what} sha256 {short(digest)}" for what, digest in digests if digest]
    line = ", ".join(parts)
    return f"{line[0].upper()}{line[1:]}."


def tiles(metrics: Metrics) -> list[dict[str, str]]:
    """The key numbers, each with its interval."""
    found = [{"label": "rows", "value": f"{metrics.n:,}"}]
    for name, label in LABELS.items():
        interval = metrics.interval(name)
        note = f" ({percent(interval[0])} – {percent(interval[1])})" if interval else ""
        found.append({"label": label + note, "value": percent(metrics.value(name))})
    return found


def score_rows(metrics: Metrics) -> list[list[str]]:
    """Every rate with its 95 % interval."""
    rows = []
    for name in RATES:
        value = metrics.value(name)
        interval = metrics.interval(name) if value is not None else None
        between = f"{percent(interval[0])} – {percent(interval[1])}" if interval else "–"
        rows.append([name, percent(value), between])
    return rows


def intent_rows(per_intent: Mapping[str, IntentScores]) -> list[dict[str, Any]]:
    """Intents by harm: those missed most often first, then those with the lowest recall."""
    rows = [_intent_row(name, values) for name, values in per_intent.items()]
    return sorted(rows, key=lambda row: (-row["missed"], row["share"], row["name"]))


def facts(metrics: Metrics) -> list[list[str]]:
    """The facts about the measurement."""
    stated = {
        "Engine": metrics.engine,
        "Version of the engine": metrics.engine_version,
        "Weight format": metrics.quantization,
        "Grammar backend": metrics.grammar_backend,
        "Served by": metrics.served_by,
        "Model, sha256": metrics.model_digest,
        "Rows, sha256": metrics.data_digest,
        "Prompt, sha256": metrics.prompt_digest,
        "Taxonomy, sha256": metrics.taxonomy_digest,
    }
    known = [[label, short(value)] for label, value in stated.items() if value]
    return [["Rows", f"{metrics.n:,}"], ["Answers", _answers(metrics)], *known]


def _answers(metrics: Metrics) -> str:
    return "constrained to the taxonomy" if metrics.constrained else "unconstrained"


def _intent_row(name: str, values: IntentScores) -> dict[str, Any]:
    recall = values.recall or 0.0
    return {
        "name": name,
        "share": recall,
        "tone": "low" if recall < 0.8 else "",
        "missed": values.support - values.correct,
        "false_alarms": values.predicted - values.correct,
        "precision": percent(values.precision),
        "recall": percent(values.recall),
        "f1": percent(values.f1),
        "support": values.support,
    }

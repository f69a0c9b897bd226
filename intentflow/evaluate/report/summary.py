"""What stands on top: the sentence, the numbers, the intents by harm, what was measured on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.evaluate.report.wording import percent, short, with_interval

_TILES = (
    ("intent_accuracy", "intent accuracy"),
    ("parameter_accuracy", "parameter accuracy"),
    ("intent_f1_macro", "intent F1, macro"),
    ("parameter_f1", "parameter F1"),
)
_RATES = (
    "intent_accuracy",
    "parameter_accuracy",
    "documented.intent_accuracy",
    "documented.parameter_accuracy",
    "intent_f1_macro",
    "intent_f1_micro",
    "parameter_f1",
    "malformed_rate",
    "off_taxonomy_rate",
    "oos_precision",
    "oos_recall",
)
_FACTS = (
    ("engine", "Engine"),
    ("served_by", "Served by"),
    ("model_digest", "Model, sha256"),
    ("data_digest", "Rows, sha256"),
    ("prompt_digest", "Prompt, sha256"),
    ("taxonomy_digest", "Taxonomy, sha256"),
)


def sentence(metrics: Mapping[str, Any]) -> str:
    """The two accuracies in words."""
    intents = with_interval(metrics, "intent_accuracy")
    parameters = with_interval(metrics, "parameter_accuracy")
    failed = metrics.get("failed_rows") or 0
    return (
        f"Of {metrics['n']:,} rows, {intents} got exactly the labelled intents, "
        f"and {parameters} every parameter, too."
    ) + (f" {failed:,} rows got no answer and count as wrong." if failed else "")


def how(metrics: Mapping[str, Any]) -> str:
    """Engine, constraint and digests in one line."""
    parts = [f"engine {metrics.get('engine')}", _answers(metrics)]
    digests = (("model", "model_digest"), ("rows", "data_digest"))
    parts += [f"{what} sha256 {short(metrics[k])}" for what, k in digests if metrics.get(k)]
    line = ", ".join(parts)
    return f"{line[0].upper()}{line[1:]}."


def tiles(metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    """The few numbers that matter, each with its interval."""
    found = [{"label": "rows", "value": f"{metrics['n']:,}"}]
    for name, label in _TILES:
        interval = metrics.get("ci95", {}).get(name)
        note = f" ({percent(interval[0])} – {percent(interval[1])})" if interval else ""
        found.append({"label": label + note, "value": percent(metrics.get(name))})
    return found


def score_rows(metrics: Mapping[str, Any]) -> list[list[str]]:
    """Every rate with its 95 % interval."""
    rates = {**metrics, **_prefixed("documented", metrics.get("documented"))}
    rows = []
    for name in _RATES:
        low, high = metrics.get("ci95", {}).get(name) or (None, None)
        measured = rates.get(name) is not None
        interval = f"{percent(low)} – {percent(high)}" if measured and low is not None else "–"
        rows.append([name, percent(rates.get(name)), interval])
    return rows


def intent_rows(per_intent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By harm: the intents that were missed most often first, then those of lowest recall."""
    rows = [_intent_row(name, values) for name, values in per_intent.items()]
    return sorted(rows, key=lambda row: (-row["missed"], row["share"], row["name"]))


def facts(metrics: Mapping[str, Any]) -> list[list[str]]:
    """What was measured on what, and how."""
    known = [[label, short(metrics[key])] for key, label in _FACTS if metrics.get(key)]
    return [["Rows", f"{metrics['n']:,}"], ["Answers", _answers(metrics)], *known]


def _answers(metrics: Mapping[str, Any]) -> str:
    return "constrained to the taxonomy" if metrics.get("constrained") else "unconstrained"


def _intent_row(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    recall = values["recall"] or 0.0
    return {
        "name": name,
        "share": recall,
        "tone": "low" if recall < 0.8 else "",
        "missed": values["support"] - values["correct"],
        "false_alarms": values["predicted"] - values["correct"],
        **{key: percent(values[key]) for key in ("precision", "recall", "f1")},
        "support": values["support"],
    }


def _prefixed(prefix: str, scores: Mapping[str, Any] | None) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in (scores or {}).items()}

"""What a failed gate means: reasons, the weakest intents, the commonest confusions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 5


def explain(verdict: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """Markdown for the person who has to mend it.

    Args:
        verdict: What ``verdict.json`` holds.
        metrics: What ``metrics.json`` holds.
    """
    lines = ["# Nothing was deployed", "", "The gate's policy was not met:", ""]
    lines += [f"- {reason}" for reason in verdict["reasons"]]
    lines += [f"- not applied: {reason}" for reason in verdict.get("skipped", [])]
    lines += [f"- note: {note}" for note in verdict.get("notes", [])]
    lines += ["", "## Weakest intents", ""]
    lines += [
        f"- {name}: {values['correct']} of {values['support']} rows right"
        for name, values in _weakest(metrics)
    ] or ["- none: every intent was found in every row"]
    lines += ["", "## Commonest confusions", ""]
    lines += [
        f"- {c['gold']} taken for {c['predicted']}: {c['count']} rows"
        for c in metrics["confusion"][:_SHOWN]
    ] or ["- none"]
    lines += [
        "",
        "## What to do",
        "",
        "Look at the wrong rows in the evaluation report. Add labelled rows with other phrasings "
        "for the weakest intents, check the labels of intents that are taken for one another, and "
        "run again; where the training loss still falls, train longer or raise the learning rate.",
    ]
    return "\n".join(lines) + "\n"


def _weakest(metrics: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    imperfect = [item for item in metrics["per_intent"].items() if (item[1]["recall"] or 0) < 1]
    return sorted(imperfect, key=lambda item: item[1]["recall"] or 0)[:_SHOWN]

"""Pre-labels: a model's answers that labellers have seen and changed."""

from __future__ import annotations

from collections import Counter

from intentflow.calls import CallSyntaxError, parse_output
from intentflow.curation.dedup import label_key
from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of, listing

_NO_CALL = "(no call)"


def pre_label_changed(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Rows whose label differs from the model's answer that came with it."""
    given = [row for row in data.rows if row.example.prediction]
    changed = [row for row in given if not _is_kept(row)]
    if not changed:
        return None
    share = 1 - len(changed) / len(given)
    pairs = Counter(
        f"{_names(row.example.prediction)} → {_names(row.example.output)}" for row in changed
    )
    return CheckResult(
        len(changed),
        f"{count_of(len(changed), 'pre-label')} changed by labellers, of {len(given):,}: "
        f"{share:.1%} were kept: {listing([f'{pair} {n}' for pair, n in pairs.most_common()])}",
        "Look at the most frequent changes: the model confuses these intents, or the labels do. "
        "Where nearly all are kept, check that labellers look at them.",
        changed,
        notes=[f"pre-label: {_names(row.example.prediction)}" for row in changed],
    )


def _is_kept(row: Row) -> bool:
    return label_key(row.example.prediction or "") == label_key(row.example.output)


def _names(label: str | None) -> str:
    """The intents of a label, without its values."""
    text = label or ""
    try:
        calls = parse_output(text, "json" if text.startswith("[") else "call")
    except CallSyntaxError:
        return _NO_CALL
    return "; ".join(sorted(call.intent for call in calls))

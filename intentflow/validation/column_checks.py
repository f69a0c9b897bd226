"""Checks for a wrong column: data whose texts cannot be what users say."""

from __future__ import annotations

from intentflow.conversion.non_linguistic import is_non_linguistic
from intentflow.curation.dedup import normalised_utterance
from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of

_MIN_ROWS = 3  # from which all rows of a data set show something
_FIX = (
    "Convert the export again with the column of the utterance: intentflow convert --field NAME "
    "(data.field in run.yaml)."
)


def unlikely_utterances(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Utterances that all are one text, or addresses, numbers or codes."""
    if len(data.rows) < _MIN_ROWS:
        return None
    texts = [row.example.instruction for row in data.rows]
    if len(set(map(normalised_utterance, texts))) == 1:
        found = "are one and the same text"
    elif all(map(is_non_linguistic, texts)):
        found = "are addresses, numbers or codes, not words"
    else:
        return None
    message = f"all {count_of(len(texts), 'utterance')} {found}: probably another column"
    return CheckResult(len(texts), message, _FIX, data.rows)


def parameters_never_in_utterance(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Labels with parameters of which none, in any row, occurs in its utterance.

    Values that the taxonomy enumerates need not occur.
    """
    rows = [row for row in data.rows if any(_free_values(data, row))]
    if len(rows) < _MIN_ROWS or any(_has_its_value(data, row) for row in rows):
        return None
    return CheckResult(
        len(rows),
        f"in none of the {count_of(len(rows), 'row')} with parameters does a value occur in the "
        "utterance: probably the utterance is another column",
        f"{_FIX} If the values are names by agreement, list them in the taxonomy (values).",
        rows,
    )


def _free_values(data: Dataset, row: Row) -> list[str]:
    """The values of a row's calls for which the taxonomy allows any text."""
    found: list[str] = []
    for call in row.calls:
        intent = data.taxonomy.intents.get(call.intent) if data.taxonomy else None
        for index, value in enumerate(call.parameters):
            listed = intent and index < len(intent.parameters) and intent.values_at(index)
            found += [] if listed else [value]
    return found


def _has_its_value(data: Dataset, row: Row) -> bool:
    text = normalised_utterance(row.example.instruction)
    return any(normalised_utterance(value) in text for value in _free_values(data, row) if value)

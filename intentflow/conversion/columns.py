"""Names of columns: which of a row's fields may be the utterance and which the label.

A name counts whatever its case and separators: ``Intent Name`` is ``intent_name``. Which of several
candidates is the right one is decided by their content, see
:mod:`intentflow.conversion.column_ranking`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

TEXT_FIELDS = (
    "instruction",
    "content",
    "source",
    "text",
    "utterance",
    "query",
    "input",
    "utt",
    "question",
    "message",
    "user_message",
    "user_query",
    "user_utterance",
    "phrase",
)
"""Names of the utterance's field, as they are folded."""

INTENT_FIELDS = (
    "output",
    "intent",
    "intent_name",
    "intent_label",
    "intents",
    "intention",
    "user_intent",
    "gold_intent",
)
"""Names of a field that holds nothing but the label."""

LABEL_FIELDS = (
    "output",
    "label",
    *INTENT_FIELDS[1:],
    "labels",
    "label_name",
    "label_text",
    "category",
    "class",
    "class_name",
)
"""Names of the label's field, as they are folded; those not in :data:`INTENT_FIELDS` also hold
other labels, such as a sentiment."""

METADATA_FIELDS = frozenset(
    [
        "agent",
        "brand",
        "channel",
        "city",
        "country",
        "customer",
        "dataset",
        "device",
        "domain",
        "fold",
        "gender",
        "lang",
        "language",
        "locale",
        "market",
        "model",
        "name",
        "origin",
        "partition",
        "platform",
        "priority",
        "product",
        "queue",
        "rating",
        "region",
        "sentiment",
        "set",
        "site",
        "source",
        "speaker",
        "split",
        "state",
        "status",
        "subset",
        "team",
        "tone",
        "user",
        "worker",
    ]
)
"""Names of columns that often have classes which are no intents, as they are folded."""

_SEPARATORS = re.compile(r"[\s_-]+")
_NUMBERED = re.compile(r" \(column \d+\)$")
_WHERE_BLANK = {"input": "instruction"}  # Alpaca: a row without input has its task as instruction


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields to read, in the order in which they are tried.

    Attributes:
        texts: Names of the utterance's field.
        labels: Names of the label's field.
    """

    texts: tuple[str, ...] = TEXT_FIELDS
    labels: tuple[str, ...] = LABEL_FIELDS


DEFAULT_COLUMNS = Columns()


def fold(name: str) -> str:
    """A column's name without case, separators and the number of a repeated heading.

    Example:
        >>> fold("Intent Name"), fold("text (column 3)")
        ('intent_name', 'text')
    """
    return _SEPARATORS.sub("_", _NUMBERED.sub("", name).strip()).casefold()


def matching(names: Iterable[str], wanted: str | None, known: tuple[str, ...]) -> list[str]:
    """The names that may be meant: the wanted one, or those with a known meaning.

    Args:
        names: The names of a file's fields.
        wanted: Name that the user gave; an exact match excludes others.
        known: The folded names that count if the user gave none.

    Example:
        >>> matching(["ID", "Text", "text"], None, TEXT_FIELDS)
        ['Text', 'text']
    """
    found = list(names)
    if wanted is None:
        return [name for name in found if fold(name) in known]
    return [wanted] if wanted in found else [it for it in found if fold(it) == fold(wanted)]


def number_repeated(header: list[str]) -> list[str]:
    """The headings, with the column's number where several are equal.

    Example:
        >>> number_repeated(["text", "label", "text"])
        ['text (column 1)', 'label', 'text (column 3)']
    """
    counts = Counter(header)
    return [
        f"{name} (column {number})" if name and counts[name] > 1 else name
        for number, name in enumerate(header, 1)
    ]


def name_where_blank(name: str, names: Iterable[str]) -> str | None:
    """The field that has the utterance of a row in which the chosen one is blank, if any."""
    other = _WHERE_BLANK.get(fold(name))
    return next((it for it in names if fold(it) == other), None) if other else None

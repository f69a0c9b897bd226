"""Target numbers: rare intents, their missing rows, and the redacted examples for requests."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from intentflow.calls import Call, CallSyntaxError, parse_calls
from intentflow.records import Example
from intentflow.redaction.anonymizer import redact_example, redact_text
from intentflow.synthesis.markup import contains_markup
from intentflow.synthesis.teacher import Teacher
from intentflow.taxonomy import Intent, Taxonomy


@dataclass(frozen=True, slots=True)
class SafeRow:
    """A redacted row, which may be sent to a teacher.

    Attributes:
        instruction: The redacted utterance.
        output: The redacted label, as written.
        calls: The calls of the label; empty if it does not parse.
        real: Whether the row is from a person, not generated.
    """

    instruction: str
    output: str
    calls: tuple[Call, ...]
    real: bool

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents with repeats, in alphabetical order."""
        return tuple(sorted(call.intent for call in self.calls))


@dataclass
class Demand:
    """An intent that lacks rows.

    Attributes:
        intent: Name of the intent.
        required: Intents that a new row must have: this one alone or, if it never occurs alone,
            with those that it occurs with most often.
        examples: Real rows with exactly these intents.
        missing: Number of missing rows.
        requests: Number of requests planned for it so far.
        fruitless: Number of consecutive requests without a usable row, up to the latest.
        made: Utterances generated for it.
    """

    intent: str
    required: tuple[str, ...]
    examples: list[SafeRow]
    missing: int
    requests: int = 0
    fruitless: int = 0
    made: list[str] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """Maximum length of a new utterance in characters: twice that of the longest example."""
        return max(80, 2 * max(len(row.instruction) for row in self.examples))


def safe_rows(examples: Iterable[Example]) -> list[SafeRow]:
    """Redact rows, in order.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    return [_safe_row(example) for example in examples]


def safe_taxonomy(taxonomy: Taxonomy) -> Taxonomy:
    """Redact a taxonomy for a teacher.

    Descriptions and parameter names are redacted. An intent cannot be renamed, so one whose name
    contains personal data or markup of chat templates (from a mistyped label that the taxonomy was
    inferred from) is left out.
    """
    intents = {
        name: intent.model_copy(
            update={
                "description": redact_text(intent.description),
                "parameters": [redact_text(parameter) for parameter in intent.parameters],
            }
        )
        for name, intent in taxonomy.intents.items()
        if redact_text(name) == name and not contains_markup(name)
    }
    scope = taxonomy.out_of_scope if taxonomy.out_of_scope in intents else None
    return Taxonomy.model_construct(intents=intents, out_of_scope=scope)


def usable_rows(rows: Iterable[SafeRow], taxonomy: Taxonomy) -> list[SafeRow]:
    """The rows that may be shown: real, with a valid label, without markup of chat templates."""
    return [row for row in rows if _is_usable(row, taxonomy)]


def find_demands(
    rows: Sequence[SafeRow], usable: Sequence[SafeRow], taxonomy: Taxonomy, teacher: Teacher
) -> tuple[list[Demand], list[str]]:
    """Find the intents that lack rows.

    The target of an intent is ``target_rows`` or, without it, the median of rows per intent, but
    at most ``max_growth`` times its usable rows.

    Args:
        rows: All rows, for the counts.
        usable: Rows that may be shown.
        taxonomy: The redacted taxonomy.
        teacher: Configuration with the targets.

    Returns:
        The demands, the rarest intent first; and the rare intents for which no request is possible
        because no row of theirs may be shown.
    """
    counts = Counter(intent for row in rows for intent in set(row.intents))
    if not counts:
        return [], []
    target = teacher.target_rows or int(statistics.median(counts.values()))
    counts.update(dict.fromkeys(taxonomy.intents, 0))
    demands: list[Demand] = []
    unasked: list[str] = []
    for intent, count in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        real = [row for row in usable if intent in row.intents] if count < target else []
        missing = min(target, int(teacher.max_growth * len(real))) - count
        if count < target and not real:
            unasked.append(intent)
        elif missing > 0:
            required = _required_intents(intent, real)
            chosen = [row for row in real if row.intents == required]
            demands.append(Demand(intent, required, chosen, missing))
    return demands, unasked


def agreed_values(rows: Iterable[SafeRow]) -> dict[str, frozenset[str]]:
    """Values that need not occur in the utterance, by intent.

    An intent has values by convention, such as a category name, if most of its values do not occur
    in their utterances.

    Args:
        rows: Real rows.
    """
    values: Counter[str] = Counter()
    absent: dict[str, list[str]] = {}
    for row in rows:
        for call in row.calls:
            values[call.intent] += len(call.parameters)
            missing = [value for value in call.parameters if value not in row.instruction]
            absent.setdefault(call.intent, []).extend(missing)
    return {
        intent: frozenset(missing)
        for intent, missing in absent.items()
        if 2 * len(missing) > values[intent]
    }


def illustrations(rows: Iterable[SafeRow], intents: Mapping[str, Intent]) -> dict[str, SafeRow]:
    """For each intent with parameters, the first row with it alone, otherwise the first with it.

    Args:
        rows: Rows that may be shown.
        intents: Intents by name.
    """
    found: dict[str, SafeRow] = {}
    wanted = {name for name, intent in intents.items() if intent.parameters}
    for row in rows:
        for intent in wanted.intersection(row.intents):
            alone = row.intents == (intent,)
            if intent not in found or (alone and found[intent].intents != (intent,)):
                found[intent] = row
    return found


def _safe_row(example: Example) -> SafeRow:
    redacted, _ = redact_example(example)
    try:
        calls = tuple(parse_calls(redacted.output))
    except CallSyntaxError:
        calls = ()
    return SafeRow(redacted.instruction, redacted.output, calls, not example.synthetic)


def _is_usable(row: SafeRow, taxonomy: Taxonomy) -> bool:
    return (
        row.real
        and bool(row.calls)
        and all(taxonomy.accepts(call) for call in row.calls)
        and not contains_markup(row.instruction + row.output)
    )


def _required_intents(intent: str, rows: Sequence[SafeRow]) -> tuple[str, ...]:
    found = Counter(row.intents for row in rows)
    if (intent,) in found:
        return (intent,)
    return min(found, key=lambda intents: (-found[intents], intents))

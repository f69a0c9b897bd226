"""Checks of single rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from intentflow.calls import is_ambiguous
from intentflow.curation.dedup import normalised_utterance
from intentflow.lookalikes import look_alikes
from intentflow.taxonomy import Taxonomy
from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of, listing


def malformed_output(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Labels that are not in the call language; up to a rate of rows only a warning."""
    rows = [row for row in data.rows if not row.calls]
    if not rows:
        return None
    rate, limit = len(rows) / len(data.rows), policy.malformed_output.max_rate
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'label')} cannot be parsed as calls: {rate:.2%} of the rows, "
        f"{limit:.2%} is tolerated",
        "Write intent(value,value); put a value that contains , ; ( ) or quotes into double "
        'quotes: search("a, b"). Leave out rows that have no intent, or label them out of scope.',
        rows,
        level="warning" if rate <= limit and policy.malformed_output.level == "error" else None,
    )


def empty_text(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Blank utterances or labels."""
    rows = [row for row in data.rows if _is_blank(row)]
    if not rows:
        return None
    message = f"{count_of(len(rows), 'row')} with a blank utterance or label"
    return CheckResult(len(rows), message, "Fill in the missing text, or leave the rows out.", rows)


def _is_blank(row: Row) -> bool:
    return not row.example.instruction.strip() or not row.example.output.strip()


def unknown_intent(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Intents that the taxonomy lacks."""
    known = set(data.taxonomy.intents) if data.taxonomy else set(data.intents)
    unknown = set(data.intents) - known
    if not unknown:
        return None
    return CheckResult(
        len(unknown),
        f"{count_of(len(unknown), 'intent')} not in the taxonomy: {listing(sorted(unknown))}",
        "Correct the labels, or add the intents to the taxonomy.",
        [row for row in data.rows if row.intents & unknown],
    )


def lookalike_intents(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Names of intents that a reader cannot tell apart: Unicode forms, invisible marks, case."""
    groups = look_alikes([*data.intents, *(data.taxonomy.intents if data.taxonomy else ())])
    if not groups:
        return None
    names = {name for group in groups for name in group}
    shown = [" and ".join(map(ascii, group)) for group in groups]
    return CheckResult(
        len(groups),
        f"{count_of(len(groups), 'intent')} with names that look alike: {listing(shown)}",
        "Run intentflow curate --normalise-labels, which writes each in its most frequent "
        "spelling; write the taxonomy alike.",
        [row for row in data.rows if row.intents & names],
    )


def parameter_count(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Calls with more or fewer parameters than the taxonomy allows."""
    taxonomy = data.taxonomy
    if taxonomy is None:
        return None
    rows = [row for row in data.rows if _miscounted(row, taxonomy)]
    if not rows:
        return None
    intents = sorted({intent for row in rows for intent in _miscounted(row, taxonomy)})
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'row')} with another number of parameters than the taxonomy "
        f"allows, for {listing(intents)}",
        "Put values that contain a comma into double quotes, or correct parameters and "
        "min_parameters in the taxonomy.",
        rows,
    )


def _miscounted(row: Row, taxonomy: Taxonomy) -> set[str]:
    known = (call for call in row.calls if call.intent in taxonomy.intents)
    return {call.intent for call in known if not taxonomy.accepts_count(call)}


def unknown_value(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Values that are not among those that the taxonomy enumerates."""
    taxonomy = data.taxonomy
    if taxonomy is None:
        return None
    found = {row.number: wrong for row in data.rows if (wrong := _forbidden(row, taxonomy))}
    if not found:
        return None
    names = sorted({name for wrong in found.values() for name in wrong})
    return CheckResult(
        len(found),
        f"{count_of(len(found), 'row')} with a value that the taxonomy does not list, "
        f"for {listing(names)}",
        "Correct the labels, or add the values to the taxonomy: constrained decoding allows no "
        "others.",
        [row for row in data.rows if row.number in found],
    )


def _forbidden(row: Row, taxonomy: Taxonomy) -> set[str]:
    """Intent and parameter of each such value; the values themselves may be personal data."""
    counted = (call for call in row.calls if taxonomy.accepts_count(call))
    return {f"{c.intent}.{name}" for c in counted for name, _ in taxonomy.forbidden_values(c)}


def ambiguous_output(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Labels in which a separator may belong to a value."""
    rows = [row for row in data.rows if is_ambiguous(row.example.output, row.example.instruction)]
    if not rows:
        return None
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'label')} can be parsed in two ways: a comma or semicolon may "
        "belong to a value",
        'Put a value that contains one into double quotes: search("a, b").',
        rows,
    )


def parameter_not_in_utterance(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Values that do not occur in the utterance.

    Intents whose values mostly do not occur in their utterances have values by convention, such as
    a category name; they are skipped.
    """
    absent = {row.number: missing for row in data.rows if (missing := set(_missing(row)))}
    by_agreement = _intents_by_agreement(data)
    rows = [row for row in data.rows if absent.get(row.number, set()) - by_agreement]
    if not rows:
        return None
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'row')} with a parameter value that does not occur in the utterance",
        "Write values as they occur in the utterance, and check for typing errors.",
        rows,
    )


def _intents_by_agreement(data: Dataset) -> set[str]:
    values: Counter[str] = Counter()
    absent: Counter[str] = Counter()
    for row in data.rows:
        values.update(call.intent for call in row.calls for _ in call.parameters)
        absent.update(_missing(row))
    return {intent for intent, count in absent.items() if 2 * count > values[intent]}


def _missing(row: Row) -> Iterator[str]:
    """The intent of each value that does not occur in the utterance, case and blanks aside."""
    text = row.example.instruction
    for call in row.calls:
        for value in call.parameters:
            if value in text:
                continue
            if normalised_utterance(value) not in normalised_utterance(text):
                yield call.intent


def personal_data(data: Dataset, _policy: DataPolicy) -> CheckResult | None:
    """Utterances with e-mail addresses, telephone numbers and the like.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    from intentflow.redaction.analyzer import find_personal_data

    kinds: Counter[str] = Counter()
    rows: list[Row] = []
    for row in data.rows:
        if spans := find_personal_data(row.example.instruction):
            rows.append(row)
            kinds.update(span.kind for span in spans)
    if not rows:
        return None
    counts = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'utterance')} with personal data: {counts}",
        "Run intentflow curate --redact, which replaces values in both utterance and label.",
        rows,
    )

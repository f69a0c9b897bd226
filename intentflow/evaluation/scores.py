"""Scores by name, and their comparison with another model on the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intentflow.artifacts.answer_scores import CallCountScores, IntentScores, ParameterScores
from intentflow.artifacts.document import Section
from intentflow.artifacts.metrics import COMPARABLE, OUTCOME_OF, Measured, Metrics
from intentflow.artifacts.scores import Outcomes, Scores, scores_of
from intentflow.config import nearest
from intentflow.errors import InputError
from intentflow.evaluation.mcnemar import Paired


def for_comparing(metrics: Metrics) -> Metrics:
    """The part of a champion's scores that the gate needs, without long values.

    A pipeline passes them to its step on the command line, which is limited to 128 KiB.
    """
    names = {*Measured.model_fields, *(name.partition(".")[0] for name in COMPARABLE)}
    found = metrics.model_dump(include=names, exclude_unset=True)
    outcomes = metrics.outcomes
    if outcomes is not None and outcomes.intent is not None:
        kinds = outcomes.model_dump(include=set(OUTCOME_OF.values()), exclude_unset=True)
        return Metrics(n=metrics.n, outcomes=Outcomes(**kinds), **found)
    intents = (metrics.per_intent or {}).items()
    shares = {name: IntentScores(support=v.support, recall=v.recall) for name, v in intents}
    return Metrics(n=metrics.n, per_intent=shares, **found)


def lookup(scores: Scores, name: str) -> float | None:
    """The value of a metric; a dot leads into a section, as in ``documented.intent_accuracy``.

    Rows by their number of calls are ``several_intents.by_calls.2.intent_accuracy`` and so on.

    Returns:
        None if it was not measured.

    Raises:
        InputError: The metric does not exist (the message has the most similar name), or is
            not a number.
    """
    value: object = scores
    for part in name.split("."):
        if value is None and name in numeric_names(scores):
            return None
        held = _given_keys(value)
        if isinstance(value, list) and part.isdecimal() and part not in held:
            return None  # no row has as many calls
        if part not in held:
            raise unknown_metric(name, numeric_names(scores))
        value = held[part]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise InputError(f"the policy names {name}, which is not a number")


def unknown_metric(name: str, names: Iterable[str]) -> InputError:
    """The error for an unknown metric, with the most similar name."""
    guess = nearest(name, names)
    hint = f"; did you mean {guess}?" if guess else ""
    return InputError(f"the policy names an unknown metric {name}{hint}")


def require_same_rows(ours: str | None, theirs: str | None, whose: str) -> None:
    """Check that two models were scored on the same rows.

    Args:
        ours: Digest of the rows of the judged model.
        theirs: Digest of the rows of the other model.
        whose: The other model, as the subject of a sentence.

    Raises:
        InputError: The digests differ.
    """
    if ours != theirs:
        raise InputError(
            f"{whose} scored on other rows ({short(theirs)} instead of {short(ours)}): "
            "score both on the same ones, so that data_digest is equal"
        )


def paired(scores: Scores, other: Scores, name: str) -> Paired | None:
    """Rows that only one of two models has right; None if a file has no outcomes per row."""
    kind = OUTCOME_OF.get(name)
    ours, theirs = (side.outcome(kind) for side in (scores, other))
    return Paired.of(ours, theirs, name) if ours and theirs else None


def intents_of_rows(metrics: Metrics) -> list[set[str]] | None:
    """The gold intents of each row; None if the scores have no outcomes per row."""
    outcomes = metrics.outcomes
    if outcomes is None or outcomes.gold is None:
        return None
    labels = [set(label.split("; ")) - {""} for label in outcomes.labels or ()]
    return [labels[place] for place in outcomes.gold]


def per_intent(metrics: Metrics) -> Mapping[str, IntentScores]:
    """Scores of each intent.

    Raises:
        InputError: The scores have no values per intent.
    """
    found = metrics.per_intent
    if found is None or not all(values.is_complete for values in found.values()):
        raise InputError(
            "the policy has rules per intent, but the scores have no values per intent "
            "(per_intent with support, precision, recall and f1): evaluate again"
        )
    return found


def per_parameter(metrics: Metrics) -> Mapping[str, ParameterScores]:
    """Scores of each parameter, by ``intent.parameter``.

    Raises:
        InputError: The scores have no values per parameter.
    """
    if not metrics.has("per_parameter"):
        raise InputError(
            "the policy has rules per parameter, but the scores have no values per parameter "
            "(per_parameter): evaluate again"
        )
    return {f"{one.intent}.{one.parameter}": one for one in metrics.per_parameter}


def short(digest: str | None) -> str:
    """The abbreviated form of a digest."""
    if not digest:
        return "none named"
    return f"{digest[:12]}…" if len(digest) > 12 else digest


def numeric_names(scores: Scores) -> list[str]:
    """Scores that a policy may limit; for a null section, all that it may contain."""
    names = [name for name, _ in scores_of(type(scores)) if _is_given(scores, name)]
    further = (scores.model_extra or {}).items()
    return names + [
        key
        for key, value in further
        if isinstance(value, int | float | None) and not isinstance(value, bool)
    ]


def _is_given(scores: Scores, name: str) -> bool:
    section, _, rest = name.partition(".")
    value = _given_keys(scores).get(section)
    return section in _given_keys(scores) and (
        not rest or value is None or rest in _given_keys(value)
    )


def _given_keys(value: object) -> Mapping[str, object]:
    """The given keys of a section, known ones and those of other tools; numbers of calls."""
    if isinstance(value, list):
        return {str(one.calls): one for one in value if isinstance(one, CallCountScores)}
    if isinstance(value, Section):
        return {key: getattr(value, key) for key in value.model_fields_set}
    return value if isinstance(value, Mapping) else {}

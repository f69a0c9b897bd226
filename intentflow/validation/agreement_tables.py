"""Tables of the report about the agreement of the annotators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.artifacts.agreement import Agreement, AnnotatorAgreement

_SHOWN = 100


def agreement_section(agreement: Agreement | None, *, redact: bool) -> dict[str, Any] | None:
    """The figures and tables of the report; None if no row has several answers.

    Args:
        agreement: The agreement that ``convert`` measured, if it was given.
        redact: Whether annotators whose name is personal data are numbered instead.
    """
    if agreement is None or not agreement.rows:
        return None
    intents = list(agreement.intents.items())
    return {
        "rows": agreement.rows,
        "answers": agreement.answers,
        "sampled": agreement.sampled if agreement.sampled < agreement.rows else None,
        "alpha": _figure(agreement.alpha),
        "same_calls": _percent(agreement.same_calls),
        "intents": [[name, f"{one.rows:,}", _figure(one.alpha)] for name, one in intents[:_SHOWN]],
        "more_intents": max(len(intents) - _SHOWN, 0),
        "annotators": [
            [name, f"{one.answers:,}", _percent(one.agrees), _figure(one.alpha_without)]
            for name, one in _named(agreement.annotators, redact=redact).items()
        ],
    }


def _named(
    annotators: Mapping[str, AnnotatorAgreement], *, redact: bool
) -> dict[str, AnnotatorAgreement]:
    """The annotators; those with a personal name by their place in the list."""
    if not redact:
        return dict(annotators)
    from intentflow.redaction.anonymizer import redact_text
    from intentflow.redaction.placeholders import Placeholders

    return {
        name if redact_text(name, Placeholders()) == name else f"annotator {number}": one
        for number, (name, one) in enumerate(annotators.items(), 1)
    }


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"

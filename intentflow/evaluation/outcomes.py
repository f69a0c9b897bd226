"""Outcomes of each row, short enough for ``metrics.json``, for paired tests of two models."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.artifacts.scores import Outcomes
from intentflow.evaluation.scored_rows import Scored


def outcomes(rows: Sequence[Scored]) -> Outcomes:
    """The ``outcomes`` of ``metrics.json``, in the order of the data.

    Returns:
        ``intent`` and ``parameters``: one character per row, 1 if correct. ``gold``: for each row
        the index of its label in ``labels``; a label is the row's gold intents in alphabetical
        order, joined by ``"; "``, with repeats.
    """
    names = ["; ".join(sorted(row.gold_intents.elements())) for row in rows]
    labels = sorted(set(names))
    places = {label: place for place, label in enumerate(labels)}
    return Outcomes(
        intent=_bits([row.intent_right for row in rows]),
        parameters=_bits([row.parameters_right for row in rows]),
        labels=labels,
        gold=[places[name] for name in names],
    )


def _bits(flags: Sequence[bool]) -> str:
    return "".join("1" if flag else "0" for flag in flags)

"""Comparison of one score of two models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.scores import Scores
from intentflow.artifacts.verdict import Evidence
from intentflow.errors import InputError, IntentflowError
from intentflow.evaluation.mcnemar import Paired
from intentflow.evaluation.scores import lookup, paired
from intentflow.gating.markdown import number
from intentflow.gating.significance import difference, interval


@dataclass(frozen=True)
class Comparison:
    """Two models' values of one score.

    Attributes:
        name: Name of the score.
        ours: Value of the judged model; None if it was not measured.
        theirs: Value of the other model.
        pair: Rows that only one has right; None if the scores have no outcomes per row.
    """

    name: str
    ours: float | None
    theirs: float | None
    pair: Paired | None

    @classmethod
    def of(cls, name: str, metrics: Metrics, other: Scores, whose: str) -> Comparison:
        """Look up a score of both models.

        Raises:
            InputError: One of them has no such score.
        """
        ours = lookup(metrics, name)
        try:
            theirs = lookup(other, name)
        except IntentflowError:
            raise InputError(
                f"{whose} scores contain no {name}; evaluate that model again"
            ) from None
        return cls(name, ours, theirs, paired(metrics, other, name))

    @property
    def difference(self) -> float | None:
        """Ours minus theirs; None if one was not measured."""
        if self.pair is not None:
            return difference(self.pair)
        if self.ours is None or self.theirs is None:
            return None
        return round(self.ours - self.theirs, 12)  # 0.7 - 0.8 is less than -0.1 in binary

    @property
    def evidence(self) -> Evidence:
        """The numbers behind the difference, for the verdict."""
        values: Evidence = {"ours": self.ours, "theirs": self.theirs, "difference": self.difference}
        if self.pair is None:
            return values
        pair = self.pair
        more: Evidence = {"gained": pair.gained, "lost": pair.lost, "p_value": pair.p_value}
        return {**values, **more, "ci95": list(interval(pair))}

    def sentence(self, whose: str) -> str:
        """Both values, and the significance of the difference."""
        text = f"{self.name} is {number(self.ours)}, {whose} {number(self.theirs)}"
        if self.pair is None:
            return text
        pair, (low, high) = self.pair, interval(self.pair)
        return (
            f"{text} ({pair.gained} rows gained, {pair.lost} lost of {pair.n}; "
            f"difference {number(self.difference)}, 95 % {number(low)} to {number(high)}, "
            f"McNemar p {pair.p_value:.2g})"
        )

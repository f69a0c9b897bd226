"""McNemar's test: two models on the same rows, and the rows that only one of them has right."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.errors import InputError


@dataclass(frozen=True)
class Paired:
    """Comparison of two strings of outcomes, with one ``1`` (right) or ``0`` (wrong) per row.

    Attributes:
        gained: Rows that only the first has right.
        lost: Rows that only the second has right.
        n: All rows.

    Example:
        >>> Paired.of("1110", "1001", "intent_accuracy")
        Paired(gained=2, lost=1, n=4)
    """

    gained: int
    lost: int
    n: int

    @classmethod
    def of(cls, outcomes: str, others: str, where: str) -> Paired:
        """Compare outcomes row by row.

        Args:
            outcomes: Outcomes of the judged model, one "1" or "0" per row.
            others: Outcomes of the other model, on the same rows in the same order.
            where: Name of the score, for the message.

        Raises:
            InputError: The outcomes are of different numbers of rows.
        """
        if len(outcomes) != len(others):
            raise InputError(
                f"{where}: the outcomes of one model cover {len(others)} rows, "
                f"those of the other {len(outcomes)}; score both on the same file"
            )
        pairs = list(zip(outcomes, others, strict=True))
        return cls(pairs.count(("1", "0")), pairs.count(("0", "1")), len(pairs))

    @property
    def p_value(self) -> float:
        """Exact two-sided McNemar test (McNemar 1947); 1 if no row differs."""
        from scipy.stats import binomtest

        differing = self.gained + self.lost
        return float(binomtest(self.gained, differing).pvalue) if differing else 1.0

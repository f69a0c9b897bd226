"""The work that one row may cost."""

from __future__ import annotations

_GROUP = 1
_LOOKUP = 5


class LookupBudget:
    """Tests of possible telephone numbers that one row may still cost.

    A test asks a library up to fifteen times, and a text without end of digits would have it ask
    for seconds. Rows of people cost a tenth of the budget. What is left when it is spent is
    replaced without a test.

    Args:
        units: The budget.
    """

    def __init__(self, units: int = 1000) -> None:
        self._left = units

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be tested."""
        return self._left <= 0

    def charge_group(self) -> None:
        """Charge for a group of digits that may begin a number."""
        self._left -= _GROUP

    def charge_lookup(self) -> None:
        """Charge for a candidate that the library decides."""
        self._left -= _LOOKUP

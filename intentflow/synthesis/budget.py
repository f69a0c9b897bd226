"""Budget of requests and tokens: reserved before a request, settled after its reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from intentflow.synthesis.teacher import TeacherBudget


class BudgetEnded(Exception):  # noqa: N818 - an end, not a fault
    """The next request could exceed the budget."""


@dataclass
class Budget:
    """Requests and tokens, spent and reserved.

    A request is counted before it is sent. The upper bound of its tokens is reserved until the
    reply reports the actual number, so no reply can exceed the budget.

    Attributes:
        limits: Maximum numbers of requests and tokens.
        requests: Requests sent.
        tokens: Tokens settled.
    """

    limits: TeacherBudget
    requests: int = 0
    tokens: int = 0
    _held: list[Hold] = field(default_factory=list)

    def hold(self, tokens: int) -> Hold | None:
        """Reserve a request of at most ``tokens`` tokens; None if it could exceed the limits."""
        requests = self.requests + sum(not hold.sent for hold in self._held)
        held = sum(hold.tokens for hold in self._held)
        if requests + 1 > self.limits.max_requests:
            return None
        if self.tokens + held + tokens > self.limits.max_tokens:
            return None
        hold = Hold(self, tokens)
        self._held.append(hold)
        return hold


@dataclass(eq=False)
class Hold:
    """A reservation of a part of the budget for one request."""

    budget: Budget
    tokens: int
    sent: bool = False

    def send(self) -> Self:
        """Count the request, which is about to be sent."""
        self.sent = True
        self.budget.requests += 1
        return self

    def settle(self, tokens: int) -> None:
        """Replace the reservation by the actual cost of the request."""
        self.budget.tokens += tokens
        self.release()

    def release(self) -> None:
        """Cancel the reservation; without effect once it is settled."""
        if self in self.budget._held:
            self.budget._held.remove(self)

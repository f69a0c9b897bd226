"""What a synthesis may still send: held back before a request, settled after its reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from intentflow.synthesis.teacher import TeacherBudget


class BudgetEnded(Exception):  # noqa: N818 - an end, not a fault
    """The next request could exceed the budget."""


@dataclass
class Budget:
    """Requests and tokens, spent and held.

    A request is counted before it is sent. Its tokens are held at their upper bound until the
    reply says how many there were, so the budget holds whatever the replies are.

    Attributes:
        limits: The most that may be spent.
        requests: Requests sent.
        tokens: Tokens settled.
    """

    limits: TeacherBudget
    requests: int = 0
    tokens: int = 0
    _held: list[Hold] = field(default_factory=list)

    def hold(self, tokens: int) -> Hold | None:
        """Hold one request with at most so many tokens; None where that could exceed the limits."""
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
    """A part of the budget kept for one request."""

    budget: Budget
    tokens: int
    sent: bool = False

    def send(self) -> Self:
        """Count the request: it is about to be sent."""
        self.sent = True
        self.budget.requests += 1
        return self

    def settle(self, tokens: int) -> None:
        """Replace what was held by what the request cost."""
        self.budget.tokens += tokens
        self.release()

    def release(self) -> None:
        """Give back what is held; a hold already settled holds nothing."""
        if self in self.budget._held:
            self.budget._held.remove(self)

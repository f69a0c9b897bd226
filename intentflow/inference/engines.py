"""What engines are: utterances in, answers out, greedily."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_NEW_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        text: The model's output.
        seconds: Duration of its request, or of the batch that it was in.
        confidence: Raw probability, in [0, 1], of everything in the answer but parameter values:
            intent names, separators, whether another call follows, the end. None where the
            engine cannot say.
        failed: Whether the request brought no answer, and the text is empty for that reason.
    """

    text: str
    seconds: float
    confidence: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer with its token counts.

    Attributes:
        text: Text of the answer, without the blanks around it.
        prompt_tokens: Tokens of the prompt.
        answer_tokens: Tokens of the answer, its end not counted.
        ended: Whether the model ended it.
        confidence: As :attr:`Answer.confidence`.
    """

    text: str
    prompt_tokens: int
    answer_tokens: int
    ended: bool
    confidence: float | None = None


Keep = Callable[[int, Answer], None]
"""Takes an answer and the place of its instruction as soon as it is there."""


class Engine(Protocol):
    """What evaluation and prediction ask of an engine."""

    name: str
    constrained: bool

    def answer(self, instructions: Sequence[str], keep: Keep | None = None) -> list[Answer]:
        """One answer per instruction, in order; ``keep`` gets each when it comes, in any order."""
        ...

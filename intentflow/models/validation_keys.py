"""Keys of the scores on validation rows in the log of Hugging Face's trainer."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.artifacts.metrics import INTENT_ACCURACY


@dataclass(frozen=True)
class ValidationKeys:
    """Keys of one evaluation during a training.

    Attributes:
        prefix: Start of each key, by which the library tells evaluations apart.

    Example:
        >>> VALIDATION.loss, VALIDATION.intent_accuracy
        ('eval_loss', 'eval_intent_accuracy')
    """

    prefix: str = "eval"

    @property
    def loss(self) -> str:
        """Key of the mean loss of an answer's token."""
        return f"{self.prefix}_loss"

    @property
    def intent_accuracy(self) -> str:
        """Key of the share of rows with correct intents."""
        return f"{self.prefix}_{INTENT_ACCURACY}"

    @property
    def answer_accuracy(self) -> str:
        """Key of the share of rows with a correct answer."""
        return f"{self.prefix}_answer_accuracy"


VALIDATION = ValidationKeys()
"""Keys under the library's own prefix."""

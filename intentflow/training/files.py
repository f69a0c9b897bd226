"""The data files of a training."""

from __future__ import annotations

from dataclasses import dataclass

from intentflow.errors import InputError
from intentflow.records import Example, read_records
from intentflow.taxonomy import Taxonomy


@dataclass(frozen=True)
class TrainingFiles:
    """The data of a training, as files that each process reads itself.

    Attributes:
        train: Training rows, a local file or ``s3://``.
        validation: Rows for the validation loss; None for none.
        taxonomy: The intents; inferred from the rows if None.
    """

    train: str
    validation: str | None = None
    taxonomy: Taxonomy | None = None

    def rows(self) -> tuple[list[Example], list[Example]]:
        """The rows of both files.

        Raises:
            InputError: A file cannot be read, or both have the same rows, on which a model is
                surer than on others.
        """
        training = read_records(self.train)
        held_out = read_records(self.validation) if self.validation else []
        if held_out == training:
            raise InputError(
                f"{self.validation}: these are the training rows, on which a model is surer than "
                "on others: give other rows for validation, as intentflow split makes them, or none"
            )
        return training, held_out

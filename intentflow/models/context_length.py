"""Length of the context of a base model, which no row may exceed."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.errors import InputError
from intentflow.models.base_models import load_config
from intentflow.models.encoding import EncodedRow


def require_room(rows: Sequence[EncodedRow], name: str) -> None:
    """Refuse rows that the model cannot be asked about when it is trained.

    Args:
        rows: Rows of training and validation.
        name: Name of the base model, see :func:`intentflow.models.base_models.resolve_base_model`.

    Raises:
        InputError: A row is longer than the model's context.
    """
    context = getattr(load_config(name), "max_position_embeddings", None)
    longest = max((row.length for row in rows), default=0)
    if isinstance(context, int) and longest > context:
        over = sum(row.length > context for row in rows)
        raise InputError(
            f"{over} of {len(rows)} rows are longer than the context of {name}, {context} tokens; "
            f"the longest has {longest}: shorten or leave them out, or take another base model"
        )

"""Embeddings of texts by a BERT-type encoder, and their nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intentflow.errors import InputError

Vectors = NDArray[np.float32]

BATCH_ROWS = 64
_MAX_TOKENS = 512


def embedding_similarities(
    encoder: str, known: Sequence[str], *sides: Sequence[str]
) -> list[list[float]]:
    """Cosine similarity of each text to the most similar known one, in [-1, 1].

    Args:
        encoder: Hub id, local folder or ``bundled:minilm``.
        known: The known texts; at least one.
        *sides: Lists of texts.

    Returns:
        The similarities of each list, in its order.

    Raises:
        InputError: The encoder does not exist or has no padding.
        ModuleNotFoundError: The ``train`` extra is not installed.
    """
    from intentflow.models.base_models import load_encoder, load_tokenizer

    tokenizer, model = load_tokenizer(encoder), load_encoder(encoder)
    if tokenizer.pad_token_id is None:
        raise InputError(
            f"encoder {encoder}: its tokenizer has no padding; give a BERT-type encoder"
        )
    columns = np.concatenate(list(_embedded(tokenizer, model, known))).T
    return [
        [
            value
            for rows in _embedded(tokenizer, model, side)
            for value in (rows @ columns).max(axis=1).tolist()
        ]
        for side in sides
    ]


def _embedded(tokenizer: Any, model: Any, texts: Sequence[str]) -> Iterator[Vectors]:
    """Unit vectors of the texts: the mean of the vectors of their tokens, a batch at a time."""
    import torch

    longest = min(
        tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", _MAX_TOKENS)
    )
    for start in range(0, len(texts), BATCH_ROWS):
        batch = tokenizer(
            list(texts[start : start + BATCH_ROWS]),
            padding=True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            states = model(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].unsqueeze(-1).float()
        means = (states * mask).sum(1) / mask.sum(1)
        yield torch.nn.functional.normalize(means, dim=1).cpu().numpy()

"""A linear classifier as two files: its vocabulary as JSON values, its weights as safetensors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intentflow.baselines.linear import LinearClassifier, vectorizers
from intentflow.baselines.targets import Occurrence, Targets
from intentflow.errors import InputError

_COEFFICIENTS, _INTERCEPTS, _RARITY = "coefficients", "intercepts", "rarity"


@dataclass(frozen=True)
class SavedVocabulary:
    """The names that a classifier's weights go with.

    Attributes:
        outputs: Outputs of :class:`intentflow.baselines.targets.Targets`.
        independent: Whether each of them is decided independently.
        words: Words and pairs of words, in the order of their weights.
        characters: Parts of words, in the order of their weights, which follow those of words.
    """

    outputs: Sequence[Sequence[Occurrence]]
    independent: bool
    words: Sequence[str]
    characters: Sequence[str]


def save_linear(classifier: LinearClassifier) -> tuple[SavedVocabulary, bytes]:
    """The vocabulary and the weights of a classifier, in 16 bits.

    Returns:
        The vocabulary, and the content of a safetensors file.
    """
    from safetensors.numpy import save

    targets = classifier.targets
    words, characters = (list(it.get_feature_names_out()) for it in classifier.features)
    weights: dict[str, np.ndarray[Any, Any]] = {
        _COEFFICIENTS: np.ascontiguousarray(classifier.coefficients.astype(np.float16)),
        _INTERCEPTS: classifier.intercepts.astype(np.float32),
        _RARITY: np.concatenate([it.idf_ for it in classifier.features]).astype(np.float32),
    }
    return SavedVocabulary(targets.outputs, targets.independent, words, characters), save(weights)


def load_linear(vocabulary: SavedVocabulary, content: bytes, where: str) -> LinearClassifier:
    """The classifier of a vocabulary and weights.

    Args:
        vocabulary: Vocabulary of the classifier.
        content: Content of its safetensors file.
        where: Location of that file, for messages.

    Raises:
        InputError: The weights are damaged, or do not go with the vocabulary.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(content)
        coefficients, intercepts = weights[_COEFFICIENTS], weights[_INTERCEPTS]
        rarity = weights[_RARITY]
    except (SafetensorError, KeyError):
        raise InputError(f"{where}: not the weights of a classifier; train again") from None
    words, characters = len(vocabulary.words), len(vocabulary.characters)
    shape = (words + characters, len(vocabulary.outputs))
    if coefficients.shape != shape or rarity.shape != shape[:1] or intercepts.shape != shape[1:]:
        raise InputError(f"{where}: the weights do not go with classifier.json; train again")
    features = vectorizers(vocabulary.words, vocabulary.characters)
    for vectorizer, part in zip(features, np.split(rarity, [words]), strict=True):
        vectorizer.idf_ = part.astype(np.float64)
    targets = Targets([tuple(output) for output in vocabulary.outputs], vocabulary.independent)
    return LinearClassifier(targets, features, coefficients.astype(np.float32), intercepts)


def digest_of_weights(content: bytes) -> str:
    """SHA-256 of a safetensors file's content."""
    return hashlib.sha256(content).hexdigest()

"""Fused decoding: a linear classifier's log probabilities on the tokens that open calls.

At the start of each call the model chooses among the intents' tokens. There the classifier of the
same training rows, which errs in other rows, adds its weighted log probabilities. They are at most
0 and stand on these tokens alone, so that no other token gains from them: the text of parameters
stays what the model writes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intentflow.artifacts.fusion import CLASSIFIER_FILE, CLASSIFIER_WEIGHTS_FILE, Fusion
from intentflow.baselines.linear import LinearClassifier
from intentflow.baselines.saved_linear import (
    SavedVocabulary,
    digest_of_weights,
    load_linear,
)
from intentflow.errors import InputError
from intentflow.inference.intent_distribution import IntentVocabulary
from intentflow.io.files import atomic_file
from intentflow.storage import read_file

_MIN_PROBABILITY = 1e-6
MAX_WEIGHT = 7.0
"""The maximum weight, with which the smallest log probability stays within vLLM's biases of 100."""


@dataclass(frozen=True)
class FusedClassifier:
    """The classifier of a model directory, for its intents.

    Attributes:
        classifier: The classifier.
        weight: Weight of its log probabilities.
        temperature: Temperature of the fused probabilities.
        intents: The intents' tokens.
    """

    classifier: LinearClassifier
    weight: float
    temperature: float
    intents: IntentVocabulary

    def biases(self, utterances: Sequence[str]) -> list[list[float]]:
        """Biases of the intents' tokens, added to their scores, from -100 to 0.

        Args:
            utterances: Texts as the training rows have them, rounds joined.

        Returns:
            One value for each intent, for each text.
        """
        logs = intent_logs(self.classifier, utterances, self.intents.names)
        biases: list[list[float]] = (self.weight * logs).tolist()
        return biases

    def own_intent(self, scores: Sequence[float], biases: Sequence[float]) -> str:
        """The intent that the model alone puts first.

        Args:
            scores: Fused scores of the intents' tokens.
            biases: The classifier's part of them.
        """
        own = [score - bias for score, bias in zip(scores, biases, strict=True)]
        return self.intents.names[own.index(max(own))]


def intent_logs(
    classifier: LinearClassifier, utterances: Sequence[str], names: Sequence[str]
) -> NDArray[np.float64]:
    """Log probability of each intent, at least that of 1e-6: shape (utterances, intents)."""
    if not utterances:
        return np.zeros((0, len(names)))
    probabilities = classifier.probabilities(utterances)
    found = classifier.targets.intent_probabilities(probabilities, names)
    logs: NDArray[np.float64] = np.log(np.maximum(found, _MIN_PROBABILITY))
    return logs


def read_fused_classifier(folder: str, intents: IntentVocabulary | None) -> FusedClassifier | None:
    """The classifier of a model directory, local or published; None if it has none.

    Args:
        folder: The model directory.
        intents: The intents' tokens; without them nothing is fused.

    Raises:
        InputError: A file is missing or damaged.
    """
    document = read_file(folder, CLASSIFIER_FILE)
    if document is None or intents is None:
        return None
    fusion = _read(document, f"{folder}/{CLASSIFIER_FILE}")
    weights = read_file(folder, CLASSIFIER_WEIGHTS_FILE)
    where = f"{folder}/{CLASSIFIER_WEIGHTS_FILE}"
    if weights is None or digest_of_weights(weights) != fusion.weights_digest:
        state = "is missing" if weights is None else "is not the file that was written with it"
        raise InputError(f"{where}: {state}; train again, or fetch the model again")
    outputs = [[(one.intent, one.nth) for one in output] for output in fusion.outputs]
    vocabulary = SavedVocabulary(outputs, fusion.independent, fusion.words, fusion.characters)
    classifier = load_linear(vocabulary, weights, where)
    return FusedClassifier(classifier, fusion.weight, fusion.temperature, intents)


def copy_fused_classifier(source: Path, target: Path) -> None:
    """Copy the classifier of a model directory, if it has one, into that of a copy of the model."""
    for name in (CLASSIFIER_WEIGHTS_FILE, CLASSIFIER_FILE):
        if (source / name).is_file():
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / name, target / name)


def _read(content: bytes, where: str) -> Fusion:
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    return Fusion.from_mapping(document, where)


def write_fused_classifier(folder: Path, fusion: Fusion, weights: bytes) -> None:
    """Write the classifier into a model directory, the weights first."""
    (folder / CLASSIFIER_FILE).parent.mkdir(exist_ok=True)
    with atomic_file(folder / CLASSIFIER_WEIGHTS_FILE) as partial:
        partial.write_bytes(weights)
    fusion.write(folder / CLASSIFIER_FILE)

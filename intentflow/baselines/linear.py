"""Baseline: TF-IDF of words and characters with logistic regression."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.baselines.answers import Answers
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.targets import Targets
from intentflow.errors import InputError


def answer_by_linear(training: LabelledTexts, utterances: Sequence[str], seed: int = 0) -> Answers:
    """Predict the most probable label of each utterance, with one logistic regression per output.

    Args:
        training: Training rows.
        utterances: Texts to label.
        seed: Seed of the solver's order of rows.

    Raises:
        InputError: All training rows have one label, or no text contains a character.
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> rows = LabelledTexts(["play jazz", "stop it"], ["play_music()", "stop()"])
        >>> answer_by_linear(rows, ["please play jazz"]).texts
        ['play_music()']
    """
    started = time.perf_counter()
    classifier = fit_linear(training, seed)
    trained = time.perf_counter()
    predicted, _ = classifier.answer(utterances)
    about = (
        "TF-IDF of words (1 to 2) and characters (2 to 5) with logistic regression, trained on "
        f"{len(training.texts)} rows {classifier.targets.about}."
    )
    return Answers(predicted, about, trained - started, time.perf_counter() - trained)


@dataclass(frozen=True)
class LinearClassifier:
    """A fitted classifier; see :func:`fit_linear`.

    Attributes:
        targets: Its outputs.
        model: scikit-learn's pipeline.
    """

    targets: Targets
    model: Any

    def answer(self, utterances: Sequence[str]) -> tuple[list[str], list[float]]:
        """The most probable label of each utterance, and its probability in [0, 1]."""
        if not utterances:
            return [], []
        probabilities = self.model.predict_proba(list(utterances))
        return (
            [self.targets.label(row) for row in probabilities],
            [self.targets.confidence(row) for row in probabilities],
        )


def fit_linear(training: LabelledTexts, seed: int = 0) -> LinearClassifier:
    """Fit one logistic regression per output on TF-IDF features.

    Args:
        training: Training rows.
        seed: Seed of the solver's order of rows.

    Raises:
        InputError: All training rows have one label, or no text contains a character.
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> rows = LabelledTexts(["play jazz", "stop it"], ["play_music()", "stop()"])
        >>> fit_linear(rows).answer(["please play jazz"])[0]
        ['play_music()']
    """
    training.require_choice("linear")
    targets = Targets.of(training.labels)
    return LinearClassifier(
        targets, _fitted(training.texts, targets.learned(training.labels), seed)
    )


def _fitted(texts: Sequence[str], learned: Any, seed: int) -> Any:
    model = _pipeline(seed)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Label .* is present in all training examples")
            return model.fit(texts, learned)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise InputError("linear: the training rows' utterances contain no text") from None


def _pipeline(seed: int) -> Any:
    """The model, solved by dual coordinate descent, the fastest for few rows and many features."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    regression = LogisticRegression(
        solver="liblinear", dual=True, C=10, tol=0.01, max_iter=1000, random_state=seed
    )
    return make_pipeline(features, OneVsRestClassifier(regression))

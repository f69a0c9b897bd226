"""Baseline: TF-IDF of words and characters with logistic regression."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intentflow.baselines.answers import Answers
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.targets import Targets
from intentflow.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CERTAIN = 40.0
"""Score of an output that is always or never there: its probability rounds to 1 or to 0."""


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
        targets: Outputs of the classifier.
        features: scikit-learn's two vectorizers, of words and of characters.
        coefficients: Weight of each feature for each output: shape (features, outputs).
        intercepts: Constant of each output.
    """

    targets: Targets
    features: tuple[Any, Any]
    coefficients: NDArray[np.floating[Any]]
    intercepts: NDArray[np.floating[Any]]

    def answer(self, utterances: Sequence[str]) -> tuple[list[str], list[float]]:
        """The most probable label of each utterance, and its probability in [0, 1]."""
        if not utterances:
            return [], []
        probabilities = self.probabilities(utterances)
        return (
            [self.targets.label(row) for row in probabilities],
            [self.targets.confidence(row) for row in probabilities],
        )

    def probabilities(self, utterances: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each output: shape (utterances, outputs).

        Each row sums to 1, unless the outputs are independent.
        """
        import numpy as np
        from scipy.sparse import hstack
        from scipy.special import expit

        parts = [vectorizer.transform(utterances) for vectorizer in self.features]
        scores = np.asarray(hstack(parts, format="csr") @ self.coefficients) + self.intercepts
        found: NDArray[np.float64] = expit(scores.astype(np.float64))
        return found if self.targets.independent else found / found.sum(1, keepdims=True)


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
    features = vectorizers()
    inputs = _fit_features(features, training.texts)
    regressions = _fit_regressions(inputs, targets.learned(training.labels), seed)
    return LinearClassifier(targets, features, *_weights(regressions, inputs.shape[1]))


def vectorizers(
    words: Sequence[str] | None = None, characters: Sequence[str] | None = None
) -> tuple[Any, Any]:
    """scikit-learn's vectorizers of words and of characters.

    Args:
        words: Words and pairs of words that the first one knows, in order; None to be fitted.
        characters: Parts of words that the second one knows, in order; None to be fitted.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    return (
        TfidfVectorizer(
            token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True, vocabulary=words
        ),
        TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, vocabulary=characters
        ),
    )


def _fit_features(features: tuple[Any, Any], texts: Sequence[str]) -> Any:
    """Sparse TF-IDF values: shape (texts, features)."""
    from scipy.sparse import hstack

    try:
        return hstack([vectorizer.fit_transform(texts) for vectorizer in features], format="csr")
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise InputError("linear: the training rows' utterances contain no text") from None


def _fit_regressions(inputs: Any, learned: Any, seed: int) -> list[Any]:
    """A regression for each output, or one for the second of two outputs.

    They are solved by dual coordinate descent, the fastest for few rows and many features.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    regression = LogisticRegression(
        solver="liblinear", dual=True, C=10, tol=0.01, max_iter=1000, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Label .* is present in all training examples")
        fitted = OneVsRestClassifier(regression).fit(inputs, learned)
    return list(fitted.estimators_)


def _weights(
    regressions: Sequence[Any], features: int
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Coefficients of shape (features, outputs) and intercepts."""
    import numpy as np

    # An output that all training rows have, or none, has no regression but a constant.
    coefficients = [getattr(one, "coef_", np.zeros((1, features)))[0] for one in regressions]
    intercepts = [
        one.intercept_[0] if hasattr(one, "intercept_") else _CERTAIN * (2 * one.y_[0] - 1)
        for one in regressions
    ]
    if len(regressions) == 1:
        coefficients = [-coefficients[0], coefficients[0]]
        intercepts = [-intercepts[0], intercepts[0]]
    return np.stack(coefficients, axis=1), np.array(intercepts, np.float64)

"""Fits a linear classifier into a model directory, where it helps on validation rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intentflow.artifacts.fusion import Fusion, IntentOccurrence
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import fit_linear
from intentflow.baselines.saved_linear import digest_of_weights, load_linear, save_linear
from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.inference.fused_classifier import MAX_WEIGHT, intent_logs, write_fused_classifier
from intentflow.inference.intent_distribution import IntentVocabulary, Ranking
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.records import Example, content_digest

log = logging.getLogger(__name__)

_FOLDS = 5
_MIN_ROWS = 20
# vLLM takes biases on this many tokens.
_MAX_INTENTS = 1024
_MIN_SCALE = 1e-2
_STEPS = 20
_CHANCE = 0.05

Logs = NDArray[np.float64]


@dataclass(frozen=True)
class FusionFit:
    """Factors by which a model's and a classifier's log probabilities are added.

    Attributes:
        scale: Factor of the model's.
        share: Factor of the classifier's.
    """

    scale: float
    share: float

    @property
    def weight(self) -> float:
        """Weight of the classifier's where the model's stand as they are."""
        return min(self.share / self.scale, MAX_WEIGHT)

    @property
    def temperature(self) -> float:
        """Temperature of the sum."""
        return 1 / self.scale

    def first(self, model: Logs, classifier: Logs) -> NDArray[np.int64]:
        """Index of the first intent of each row."""
        found: NDArray[np.int64] = (model + self.weight * classifier).argmax(1)
        return found

    def loss(self, model: Logs, classifier: Logs, gold: NDArray[np.int64]) -> float:
        """Sum of the negative log probabilities of the gold intents, in nats."""
        from scipy.special import log_softmax

        scores = (model + self.weight * classifier) / self.temperature
        return -float(log_softmax(scores, axis=1)[np.arange(len(gold)), gold].sum())


def fuse_model(
    folder: Path, training: Sequence[Example], validation: Sequence[Example]
) -> Fusion | None:
    """Train a classifier and write it into the model directory if it helps on validation rows.

    Weight and temperature are fitted on validation rows, which neither model nor classifier was
    trained on. Whether both are better than the model alone is judged by cross-validation: each
    fifth of the rows with the factors of the others. The model's digest changes.

    Args:
        folder: A model directory with a token for each intent.
        training: The rows that it was trained on.
        validation: Other rows; those with one intent of the taxonomy are used, unless their
            utterance is a training row's.

    Returns:
        Facts of the fused classifier; None if none was written, and the reason is logged.

    Raises:
        InputError: The directory is not a model.
    """
    engine = TransformersEngine(folder, constrained=True)
    rows = _rows_of_one_intent(validation, engine.intents, {row.instruction for row in training})
    reason = _obstacle(engine.intents, training, rows)
    if reason is not None or engine.intents is None:
        log.info("classifier: not fused: %s", reason)
        return None
    names = engine.intents.names
    vocabulary, weights = save_linear(fit_linear(LabelledTexts.of(training)))
    classifier = load_linear(vocabulary, weights, str(folder))
    texts = [row.instruction for row in rows]
    own = _model_logs(engine.rank(texts), names)
    prior = intent_logs(classifier, texts, names)
    gold = np.array([names.index(_intents(row)[0]) for row in rows])
    fit, fused = _judge(own, prior, gold)
    shares = [float((first == gold).mean()) for first in (own.argmax(1), prior.argmax(1), fused)]
    log.info(
        "classifier: first intents of %d validation rows right: model %.3f, classifier %.3f, "
        "both %.3f (cross-validated)",
        len(rows),
        *shares,
    )
    if fit is None:
        log.info("classifier: not fused: it does not help on these rows")
        return None
    fusion = Fusion(
        weight=fit.weight,
        temperature=fit.temperature,
        outputs=[
            [IntentOccurrence(intent=intent, nth=nth) for intent, nth in output]
            for output in vocabulary.outputs
        ],
        independent=vocabulary.independent,
        words=list(vocabulary.words),
        characters=list(vocabulary.characters),
        weights_digest=digest_of_weights(weights),
        train_rows=len(training),
        n=len(rows),
        data_digest=content_digest(rows),
        model_accuracy=shares[0],
        classifier_accuracy=shares[1],
        fused_accuracy=shares[2],
    )
    write_fused_classifier(folder, fusion, weights)
    return fusion


def fit_fusion(model: Logs, classifier: Logs, gold: NDArray[np.int64]) -> FusionFit:
    """Fit the factors by maximum likelihood, and lower the classifier's to the most right rows.

    The likelihood is convex; a weak pull towards the model as it is, as strong as one row, keeps
    the factors finite. A classifier that was trained on few rows of each intent gets more weight by
    it than puts the gold intents first, so that parts of this weight, none included, are compared
    by the number of these rows; of equal ones the largest is taken.

    Args:
        model: Log probabilities of the intents: shape (rows, intents).
        classifier: Log probabilities by the classifier: shape (rows, intents).
        gold: Index of each row's intent.

    Example:
        >>> logs = np.log([[0.6, 0.4], [0.4, 0.6], [0.6, 0.4], [0.4, 0.6]])
        >>> right = np.log([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
        >>> fit_fusion(logs, right, np.array([0, 0, 1, 1])).weight > 1
        True
    """
    fit = FusionFit(*_likely_factors(model, classifier, gold))
    return _lowered(fit, model, classifier, gold)


def _likely_factors(model: Logs, classifier: Logs, gold: NDArray[np.int64]) -> tuple[float, float]:
    """Factors of both log probabilities that make the gold intents most likely."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    places = np.arange(len(gold))

    def loss(factors: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, share = factors
        scores = scale * model + share * classifier
        missing = softmax(scores, axis=1)
        missing[places, gold] -= 1
        value = -log_softmax(scores, axis=1)[places, gold].sum()
        slopes = np.array([(missing * model).sum(), (missing * classifier).sum()])
        pull = np.array([scale - 1, share])
        return float(value + (pull**2).sum() / 2), slopes + pull

    bounds = [(_MIN_SCALE, None), (0.0, None)]
    found = minimize(loss, np.array([1.0, 0.5]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])


def _lowered(fit: FusionFit, model: Logs, classifier: Logs, gold: NDArray[np.int64]) -> FusionFit:
    """The part of the weight that puts the most gold intents first, and the scale for it."""
    parts = [replace(fit, share=fit.share * step / _STEPS) for step in range(_STEPS, -1, -1)]
    best = max(parts, key=lambda one: int((one.first(model, classifier) == gold).sum()))
    if best is parts[0]:
        return fit
    summed = model + best.weight * classifier
    scale, _ = _likely_factors(summed, np.zeros_like(summed), gold)
    return FusionFit(scale, best.weight * scale)


def _judge(
    model: Logs, classifier: Logs, gold: NDArray[np.int64]
) -> tuple[FusionFit | None, NDArray[np.int64]]:
    """The fit on all rows, None if it does not help; and the cross-validated first intents.

    It helps if on rows that it was not fitted on both give the gold intents more probability than
    the model alone, whose temperature is fitted too, and do not put fewer of them first beyond
    chance.
    """
    first, loss = _cross_validated(model, classifier, gold)
    _, own_loss = _cross_validated(model, np.zeros_like(classifier), gold)
    everything = fit_fusion(model, classifier, gold)
    loses = loses_rows(model.argmax(1) == gold, first == gold)
    helps = loss < own_loss and not loses and everything.weight > 0
    return (everything if helps else None), first


def loses_rows(own: NDArray[np.bool_], fused: NDArray[np.bool_]) -> bool:
    """Whether more rows are lost than won, by a sign test at 5 %.

    Args:
        own: Whether the model alone has each row right.
        fused: Whether the model with the classifier has each row right.
    """
    from scipy.stats import binomtest

    won, lost = int((fused & ~own).sum()), int((own & ~fused).sum())
    changed = won + lost
    return changed > 0 and bool(binomtest(lost, changed, alternative="greater").pvalue < _CHANCE)


def _cross_validated(
    model: Logs, classifier: Logs, gold: NDArray[np.int64]
) -> tuple[NDArray[np.int64], float]:
    """The first intents, and the loss of the gold ones in nats, by factors of the other folds."""
    first = np.zeros_like(gold)
    total = 0.0
    folds = np.random.default_rng(0).permutation(len(gold)) % _FOLDS
    for fold in range(_FOLDS):
        inside = folds == fold
        fit = fit_fusion(model[~inside], classifier[~inside], gold[~inside])
        first[inside] = fit.first(model[inside], classifier[inside])
        total += fit.loss(model[inside], classifier[inside], gold[inside])
    return first, total


def _obstacle(
    intents: IntentVocabulary | None, training: Sequence[Example], rows: Sequence[Example]
) -> str | None:
    """Why nothing can be fused."""
    if intents is None:
        return "not every intent has a token (intent_tokens)"
    if len(intents.names) > _MAX_INTENTS:
        return f"{len(intents.names)} intents are more than the {_MAX_INTENTS} that vLLM can bias"
    if len(rows) < _MIN_ROWS:
        return f"{len(rows)} validation rows have one intent, and {_MIN_ROWS} are needed"
    if len(set(LabelledTexts.of(training).labels)) < 2:
        return "all training rows have one label"
    return None


def _rows_of_one_intent(
    rows: Sequence[Example], intents: IntentVocabulary | None, learned: Set[str]
) -> list[Example]:
    """Rows with one intent of the taxonomy, whose utterance the classifier has not learned."""
    known = set(intents.names) if intents else set()
    fresh = [row for row in rows if row.instruction not in learned]
    return [row for row in fresh if len(found := _intents(row)) == 1 and found[0] in known]


def _intents(row: Example) -> list[str]:
    try:
        return [call.intent for call in parse_calls(row.output)]
    except CallSyntaxError:
        return []


def _model_logs(rankings: Sequence[Ranking], names: Sequence[str]) -> Logs:
    """Log probabilities: shape (rows, intents)."""
    shares = [[ranking[name] for name in names] for ranking in rankings]
    logs: Logs = np.log(np.maximum(np.array(shares), np.finfo(np.float64).tiny))
    return logs

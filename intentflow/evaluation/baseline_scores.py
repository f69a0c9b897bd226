"""Scores of all requested baselines on the same rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from intentflow.artifacts.baselines import Baselines, BaselineScores, Seconds
from intentflow.artifacts.scores import HeadlineScores, Outcomes
from intentflow.baselines.answers import Answers
from intentflow.baselines.encoder import BUNDLED_ENCODER, answer_by_encoder
from intentflow.baselines.kinds import (
    DEFAULT_RECIPE,
    DEFAULT_SHOTS,
    LANGUAGE_MODEL_KINDS,
    QUICK_KINDS,
)
from intentflow.baselines.labels import LabelledTexts, intents_label
from intentflow.baselines.linear import answer_by_linear
from intentflow.baselines.majority import answer_by_majority
from intentflow.errors import InputError
from intentflow.evaluation.metrics import compute_metrics
from intentflow.evaluation.scored_rows import score_row
from intentflow.evaluation.untuned import Untuned, answer_untuned, find_base_model
from intentflow.io.progress import progress_bar
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, content_digest
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BaselineOptions:
    """The baselines to score, and their settings.

    Attributes:
        kinds: Names of baselines, from :data:`intentflow.baselines.kinds.KINDS`.
        encoder: Hub id, local folder or ``bundled:minilm``.
        epochs: Training epochs of the encoder; chosen by the number of rows if None.
        recipe: Base model and prompt of the untuned kinds.
        taxonomy: Intents of the untuned kinds; inferred from the training rows if None.
        shots: Number of labelled rows in a ``few-shot`` prompt.
        limit_rows: Maximum number of rows for the untuned kinds; None for all.
        seed: Random seed.
    """

    kinds: Sequence[str] = QUICK_KINDS
    encoder: str = BUNDLED_ENCODER
    epochs: int | None = None
    recipe: Recipe = field(default_factory=lambda: Recipe.load(DEFAULT_RECIPE))
    taxonomy: Taxonomy | None = None
    shots: int = DEFAULT_SHOTS
    limit_rows: int | None = None
    seed: int = 0


def run_baselines(
    training: Sequence[Example], test: Sequence[Example], options: BaselineOptions
) -> Baselines:
    """Score baselines on the rows that a tuned model is scored on.

    Args:
        training: The training rows of the tuned model.
        test: The rows to score.
        options: Choice of baselines and their settings.

    Returns:
        The content of ``baselines.json``.

    Raises:
        InputError: The test rows are the training rows, or a baseline cannot be computed.
    """
    train_digest, data_digest = content_digest(training), content_digest(test)
    if train_digest == data_digest:
        raise InputError(
            "the rows to score are the training rows: give rows that no baseline has learned from"
        )
    labelled = LabelledTexts.of(training)
    _find_models(options)
    _warn_about_unparsed(labelled.left_out, test)
    found = {}
    with progress_bar("baseline", total=len(options.kinds), unit="model") as bar:
        for kind in options.kinds:
            log.info("baseline %s", kind)
            found[kind] = score_answers(test, _answer(kind, training, labelled, test, options))
            bar.update()
    return Baselines(
        data_digest=data_digest,
        train_digest=train_digest,
        n=len(test),
        train_rows=len(training),
        train_rows_left_out=labelled.left_out,
        seed=options.seed,
        baselines=found,
    )


def score_answers(test: Sequence[Example], answers: Answers) -> BaselineScores:
    """Scores of one baseline, by the same scorer as the tuned model.

    ``outcomes.intent`` is null if only a sample was answered, because its outcomes do not align
    with the test rows.
    """
    answered = (
        [test[at] for at in answers.row_indices] if answers.row_indices is not None else list(test)
    )
    rows = [
        score_row(row.instruction, row.output, text, None, answers.output_format)
        for row, text in zip(answered, answers.texts, strict=True)
    ]
    metrics = compute_metrics(rows)
    scores = HeadlineScores(
        intent_accuracy=metrics.intent_accuracy,
        parameter_accuracy=metrics.parameter_accuracy if answers.parameters else None,
        intent_f1_macro=metrics.intent_f1_macro,
    )
    right = "".join("1" if row.intent_right else "0" for row in rows)
    return BaselineScores(
        n=len(rows),
        **dict(scores),
        ci95={name: (metrics.ci95 or {})[name] for name, value in scores if value is not None},
        outcomes=Outcomes(intent=right if len(rows) == len(test) else None),
        seconds=Seconds(
            train=round(answers.train_seconds, 3), predict=round(answers.predict_seconds, 3)
        ),
        rows_per_second=_rate(len(rows), answers.predict_seconds),
        about=answers.about,
    )


def _answer(
    kind: str,
    training: Sequence[Example],
    labelled: LabelledTexts,
    test: Sequence[Example],
    options: BaselineOptions,
) -> Answers:
    utterances = [row.instruction for row in test]
    if kind == "majority":
        return answer_by_majority(labelled, utterances)
    if kind == "linear":
        return answer_by_linear(labelled, utterances, options.seed)
    if kind == "encoder":
        return answer_by_encoder(
            labelled, utterances, options.encoder, options.epochs, options.seed
        )
    asking = Untuned(options.recipe, options.taxonomy, options.limit_rows, options.seed)
    shots = options.shots if kind == "few-shot" else 0
    return answer_untuned(training, utterances, asking, shots)


def _find_models(options: BaselineOptions) -> None:
    """Report a missing model before any training."""
    if "encoder" in options.kinds:
        from intentflow.models.base_models import load_tokenizer

        load_tokenizer(options.encoder)
    if set(LANGUAGE_MODEL_KINDS) & set(options.kinds):
        find_base_model(options.recipe)


def _warn_about_unparsed(left_out: int, test: Sequence[Example]) -> None:
    if left_out:
        log.warning("%d training rows do not parse; no baseline learns from them", left_out)
    unread = sum(intents_label(row.output) is None for row in test)
    if unread:
        log.warning("%d rows to score do not parse; they count as wrong for every one", unread)


def _rate(rows: int, seconds: float) -> float | None:
    return rows / seconds if seconds else None

"""Diagnostics of loss curves, with the guide's advice ("Train a model")."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from intentflow.artifacts.training import TrainingFinding
from intentflow.models.history import History
from intentflow.models.script_coverage import script_coverage
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy, count_unreadable_labels, labelled_calls

SLOW_SHARE = 0.1
"""Minimum relative decrease of the training loss; a smaller one is too slow."""

_WIDE_MODEL = "qwen1.5-1.8b-chat"
_MIN_POINTS = 4
_MAX_NAMES = 5
_RISE = 1.05
_ADVICE = "raise learning_rate, and check that the labels are correct"


def loss_findings(history: History) -> list[TrainingFinding]:
    """Findings about a finished training's curves; curves that are too short are skipped."""
    findings = []
    losses = [loss for _, loss, _ in history.training]
    if len(losses) >= _MIN_POINTS:
        quarter = max(1, len(losses) // 4)
        first, last = fmean(losses[:quarter]), fmean(losses[-quarter:])
        moved = f"the training loss went from {first:.4f} to {last:.4f}"
        if last >= first:
            findings.append(
                TrainingFinding(code="loss_does_not_fall", message=moved, advice=_ADVICE)
            )
        elif last > (1 - SLOW_SHARE) * first:
            findings.append(
                TrainingFinding(code="loss_falls_too_slowly", message=moved, advice=_ADVICE)
            )
    findings += _without_loss(losses)
    return findings + _overfitting([loss for _, loss in history.validation])


def unseen_in_validation(
    training: Sequence[Example], validation: Sequence[Example]
) -> list[TrainingFinding]:
    """Intents without validation rows, if there are validation rows."""
    missing = sorted(_intents(training) - _intents(validation)) if validation else []
    if not missing:
        return []
    return [
        TrainingFinding(
            code="intents_not_in_validation",
            message=f"no validation row for {', '.join(missing)}",
            advice="add validation rows of every intent, or split again with a larger share",
        )
    ]


def unusable_labels(training: Sequence[Example], taxonomy: Taxonomy) -> list[TrainingFinding]:
    """Training rows whose label is no call, or none of the taxonomy: they teach what is not asked.

    Args:
        training: Training rows.
        taxonomy: The intents that the model may answer with.
    """
    malformed = count_unreadable_labels(training)
    outside = [(row, call) for row, call in labelled_calls(training) if not taxonomy.accepts(call)]
    findings = []
    if malformed:
        findings.append(
            TrainingFinding(
                code="labels_are_no_calls",
                message=f"{malformed} of {len(training)} training rows have a label that is no "
                "call",
                advice="correct or leave out the rows that intentflow validate lists",
            )
        )
    if outside:
        names = list(dict.fromkeys(call.intent for _, call in outside))
        shown = ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
        findings.append(
            TrainingFinding(
                code="labels_outside_taxonomy",
                message=f"{len({id(row) for row, _ in outside})} of {len(training)} training rows "
                f"have a label that the taxonomy does not allow, of {shown}",
                advice="answers are held to the taxonomy: complete it, or correct the rows that "
                "intentflow validate --taxonomy lists",
            )
        )
    return findings


def unknown_script(
    recipe: Recipe, tokenizer: Any, training: Sequence[Example]
) -> list[TrainingFinding]:
    """A base model that does not know the language or script of the rows.

    Args:
        recipe: Recipe of the training.
        tokenizer: Tokenizer of its base model.
        training: Training rows.
    """
    found = script_coverage(tokenizer, [row.instruction for row in training])
    if found is None or found.is_known:
        return []
    message = (
        f"{recipe.model_name_or_path} hardly knows the language or script of the rows: their "
        f"letters take {found.tokens_per_character:.2f} tokens for each character"
    )
    if found.unknown_share:
        message += f", of which {found.unknown_share:.0%} are unknown"
    other = f"{_WIDE_MODEL}/{recipe.method}"
    advice = "set model_name_or_path to a model that knows them"
    if _WIDE_MODEL.partition("-chat")[0] not in recipe.model_name_or_path.lower():
        advice = f"take recipe {other}, or {advice}"
    return [TrainingFinding(code="unknown_script", message=message, advice=advice)]


def _without_loss(losses: Sequence[float]) -> list[TrainingFinding]:
    """A loss of exactly 0: nothing is left to learn, or no answer token was counted."""
    zero = losses.count(0)
    if not zero:
        return []
    return [
        TrainingFinding(
            code="loss_is_zero",
            message=f"the training loss was exactly 0 at {zero} of {len(losses)} logged steps",
            advice="check that the rows have answers and differ, that learning_rate is not too "
            "high, and train fewer epochs",
        )
    ]


def _overfitting(losses: Sequence[float]) -> list[TrainingFinding]:
    if len(losses) < 2 or losses[-1] <= _RISE * min(losses):
        return []
    return [
        TrainingFinding(
            code="validation_loss_rises",
            message=f"the validation loss was {min(losses):.4f} at its best "
            f"and {losses[-1]:.4f} at the end",
            advice="train fewer epochs, or set early_stopping_patience so that the best weights "
            "are kept",
        )
    ]


def _intents(examples: Sequence[Example]) -> set[str]:
    return {call.intent for _, call in labelled_calls(examples)}

"""Preference tuning: a trained model learns from the corrections of its answers.

Direct preference optimization (Rafailov et al. 2023) makes the label of each pair more likely and
the model's own answer less likely, relative to the original model. Prompt, taxonomy and output
format are those of the corrected model.

Corrections alone do not determine other answers: a model that is corrected often enough where ``a``
was wrong forgets ``a`` where it is right. Rows in which label and answer agree are not pairs but
anchors, on which the supervised loss preserves the answers (as in Pang et al. 2024, Iterative
Reasoning Preference Optimization, which adds it to the pairs).
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intentflow.artifacts.predictions import GivenPrediction
from intentflow.artifacts.training import (
    TRAINING_FILE,
    CorrectionRows,
    TrainedOn,
    TrainingRecord,
)
from intentflow.calls import CallSyntaxError, OutputFormat, format_output, parse_calls, parse_output
from intentflow.errors import InputError, IntentflowError, kind_of
from intentflow.inference.fused_classifier import copy_fused_classifier
from intentflow.models.base_models import load_tokenizer, resolve_base_model
from intentflow.models.directory import check_model_directory
from intentflow.models.encoding import rows_that_fit
from intentflow.prompts import (
    PROMPT_FILE,
    PromptSpec,
    answer_token_ids,
    bake_template,
    end_token_id,
    prompt_token_ids,
)
from intentflow.recipe.recipe import Recipe
from intentflow.storage import digest_of
from intentflow.storage.completeness import require_replaceable
from intentflow.storage.uris import digest_in_name
from intentflow.taxonomy import Taxonomy
from intentflow.training.job import Job
from intentflow.training.loop import run_training
from intentflow.training.pairs import EncodedPair
from intentflow.training.plan import Plan, make_plan

log = logging.getLogger(__name__)


ANCHORS_PER_CORRECTION = 4
"""Number of agreeing rows that are used per corrected row."""
PAIR_TOKENS = {"cpu": 1024, "cuda": 16384}
"""Maximum tokens of pairs per pass, with prompts counted twice."""


@dataclass(frozen=True, slots=True)
class CorrectedRow:
    """An utterance with its label and the model's prediction.

    Attributes:
        instruction: The utterance.
        label: The label.
        prediction: The model's answer.
        number: Number of the row, from 1.
    """

    instruction: str
    label: str
    prediction: str
    number: int = 0


@dataclass(frozen=True)
class Corrections:
    """The rows of a file.

    Attributes:
        rows: Rows whose label differs from the prediction.
        agreeing: Rows whose label and prediction agree.
    """

    rows: list[CorrectedRow]
    agreeing: list[CorrectedRow]

    def anchors(self, seed: int) -> list[CorrectedRow]:
        """Agreeing rows that preserve other answers: a few per correction, drawn with the seed."""
        max_anchors = ANCHORS_PER_CORRECTION * len(self.rows)
        if len(self.agreeing) <= max_anchors:
            return self.agreeing
        return random.Random(seed).sample(self.agreeing, max_anchors)

    @property
    def digest(self) -> str:
        """SHA-256 of all rows, the corrections first."""
        rows = [*self.rows, *self.agreeing]
        pairs = [[row.instruction, row.label, row.prediction] for row in rows]
        text = json.dumps(pairs, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def train_on_corrections(
    recipe: Recipe, corrections: str | Path, output: str | Path, validation: str | Path | None
) -> TrainingRecord:
    """Tune a model directory with corrections and write another one atomically.

    Args:
        recipe: Recipe with method ``dpo``, whose base model is the directory to correct.
        corrections: Rows ``{"instruction", "output", "prediction"}`` with the label and the model's
            answer, as ``evaluate --predictions`` writes them.
        output: The model directory to write.
        validation: Corrections for the validation loss; None for none.

    Returns:
        Recipe, plan, loss history, digests, seconds.

    Raises:
        InputError: A file has no corrections, the model is not an intentflow model, or see
            :func:`intentflow.training.sft.train`.
    """
    require_replaceable(output)
    folder = _corrected_model(recipe)
    prompt = PromptSpec.read(folder / PROMPT_FILE)
    found = read_corrections(corrections, prompt.output_format)
    held_out = read_corrections(validation, prompt.output_format) if validation else None
    tokenizer = load_tokenizer(str(folder))
    end = end_token_id(tokenizer)
    bake_template(tokenizer, prompt)
    anchors = found.anchors(recipe.seed) if recipe.sft_weight else []
    pairs = encode_pairs([*found.rows, *anchors], tokenizer, end, prompt.output_format)
    others = held_out.rows if held_out else []
    held_out_pairs = encode_pairs(others, tokenizer, end, prompt.output_format)
    plan = plan_pairs(recipe, pairs, held_out_pairs)
    log.info(
        "%d corrections; prediction and label agree in %d rows (%d anchors); %d rows at once",
        len(found.rows),
        len(found.agreeing),
        len(anchors),
        plan.rows_per_sequence,
    )
    taxonomy = Taxonomy.from_yaml(folder / "taxonomy.yaml")
    job = Job(
        recipe,
        pairs,
        held_out_pairs,
        prompt,
        taxonomy,
        tokenizer,
        end,
        tokens=None,
        digests=TrainedOn(
            data_digest=found.digest,
            validation_digest=Corrections(others, []).digest,
            prompt_digest=prompt.digest,
            taxonomy_digest=taxonomy.digest,
            start_digest=digest_in_name(recipe.model_name_or_path) or digest_of(str(folder)),
        ),
        counts=CorrectionRows(
            train=len(found.rows),
            validation=len(others),
            agreeing=len(found.agreeing),
            anchors=len(anchors),
        ),
        make_trainer=_trainer,
        supervised=TrainingRecord.read(folder / TRAINING_FILE).on_labels,
    )
    record = run_training(job, plan, output)
    copy_fused_classifier(folder, Path(output))
    return record


def _trainer(job: Job, _: Plan, arguments: Any, callbacks: list[Any]) -> Any:
    from intentflow.training.dpo_trainer import make_preference_trainer

    return make_preference_trainer(job, arguments, callbacks)


def read_corrections(path: str | Path, output_format: OutputFormat) -> Corrections:
    """Read a predictions file, with rows separated by whether their two answers agree.

    Raises:
        InputError: The file is not a predictions file, a label does not parse, or all rows
            agree.
    """
    rows = [
        CorrectedRow(row.instruction, row.output, _answer(row.prediction, output_format), number)
        for number, row in enumerate(GivenPrediction.read_rows(path), 1)
    ]
    by_agreement: dict[bool, list[CorrectedRow]] = {True: [], False: []}
    for row in rows:
        by_agreement[_agree(row, output_format, str(path))].append(row)
    if not by_agreement[False]:
        raise InputError(
            f"{path}: prediction and output agree in all {len(rows)} rows, so there is nothing to "
            "correct"
        )
    return Corrections(by_agreement[False], by_agreement[True])


def encode_pairs(
    corrections: Sequence[CorrectedRow],
    tokenizer: Any,
    end_token_id: int,
    output_format: OutputFormat,
) -> list[EncodedPair]:
    """Encode every row, with the template that is baked into ``tokenizer``."""
    return [
        EncodedPair(
            prompt_token_ids(tokenizer, row.instruction),
            answer_token_ids(tokenizer, _label(row, output_format), end_token_id),
            answer_token_ids(tokenizer, row.prediction, end_token_id),
            row.number,
        )
        for row in corrections
    ]


def plan_pairs(
    recipe: Recipe, pairs: Sequence[EncodedPair], held_out: Sequence[EncodedPair]
) -> Plan:
    """Derive length, number of pairs per pass and accumulation.

    Raises:
        InputError: Rows are longer than ``max_length``.
    """
    import torch

    rows, others = [pair.longer for pair in pairs], [pair.longer for pair in held_out]
    longest = max(row.length for row in (*rows, *others))
    max_anchors = PAIR_TOKENS["cuda" if torch.cuda.is_available() else "cpu"]
    at_once = recipe.per_device_train_batch_size or rows_that_fit(
        recipe.global_batch_size, max(max_anchors / (2 * longest), 1)
    )
    settled = recipe.model_copy(update={"per_device_train_batch_size": at_once})
    tokens = 2 * recipe.global_batch_size * sum(row.length for row in rows) / len(rows)
    return replace(make_plan(settled, rows, others), tokens_per_step=tokens)


def _corrected_model(recipe: Recipe) -> Path:
    try:
        return check_model_directory(resolve_base_model(recipe.model_name_or_path))
    except IntentflowError as error:
        raise kind_of(error)(
            f"{error} (method dpo corrects a model of intentflow train: give its folder as "
            "model_name_or_path)"
        ) from None


def _agree(row: CorrectedRow, output_format: OutputFormat, path: str) -> bool:
    """Whether label and prediction are the same calls in the same order."""
    try:
        label = parse_calls(row.label)
    except CallSyntaxError as error:
        raise InputError(
            f"{path} row {row.number}: the output {row.label!r} is not a call: {error}"
        ) from None
    try:
        return label == parse_output(row.prediction, output_format)
    except CallSyntaxError:
        return False


def _answer(prediction: str, output_format: OutputFormat) -> str:
    """The model's answer in its output format; a service logs answers in the call language."""
    if output_format == "call":
        return prediction
    try:
        return format_output(parse_calls(prediction), output_format)
    except CallSyntaxError:  # its own format, or no calls at all
        return prediction


def _label(row: CorrectedRow, output_format: OutputFormat) -> str:
    """The label in the model's output format."""
    if output_format == "call":
        return row.label
    return format_output(parse_calls(row.label), output_format)

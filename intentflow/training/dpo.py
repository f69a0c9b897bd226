"""Preference tuning: a trained model learns from the corrections of its answers.

Direct preference optimization (Rafailov et al. 2023): of each pair the human's label becomes more
likely and the model's own answer less, measured against the model as it was. Prompt, taxonomy and
output format are the corrected model's own.

Corrections alone leave open what is answered elsewhere: a model corrected often enough where ``a``
was wrong forgets ``a`` where it is right. Rows in which both agree make no pair; they are anchors,
on which the label's own loss holds the model in place (as in Pang et al. 2024, Iterative Reasoning
Preference Optimization, which adds it to the pairs).
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
from intentflow.artifacts.training import CorrectionRows, TrainedOn, TrainingRecord
from intentflow.calls import CallSyntaxError, OutputFormat, format_output, parse_calls, parse_output
from intentflow.errors import IntentflowError
from intentflow.models.base_models import load_tokenizer, resolve_base_model
from intentflow.models.directory import check_model_directory
from intentflow.models.encoding import rows_that_fit
from intentflow.prompts import (
    PromptSpec,
    answer_token_ids,
    bake_template,
    end_token_id,
    prompt_token_ids,
)
from intentflow.recipe.recipe import Recipe
from intentflow.storage.completeness import require_replaceable
from intentflow.taxonomy import Taxonomy
from intentflow.training.job import Job
from intentflow.training.loop import carry_out
from intentflow.training.pairs import EncodedPair
from intentflow.training.plan import Plan, make_plan

log = logging.getLogger(__name__)


ANCHORS_A_CORRECTION = 4
"""Rows in which nothing is wrong that are kept for each row that corrects something."""
PAIR_TOKENS = {"cpu": 1024, "cuda": 16384}
"""Tokens of pairs, prompts counted twice, that go through the model at once."""


@dataclass(frozen=True, slots=True)
class CorrectedRow:
    """An utterance, the label and the model's other one; ``number`` is its row, from 1."""

    instruction: str
    label: str
    prediction: str
    number: int = 0


@dataclass(frozen=True)
class Corrections:
    """The rows of a file that correct something, and those in which nothing is wrong."""

    rows: list[CorrectedRow]
    agreeing: list[CorrectedRow]

    def anchors(self, seed: int) -> list[CorrectedRow]:
        """Agreeing rows to hold the model in place: some for each correction, by the seed."""
        maximum = ANCHORS_A_CORRECTION * len(self.rows)
        if len(self.agreeing) <= maximum:
            return self.agreeing
        return random.Random(seed).sample(self.agreeing, maximum)

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
    """Tune a model directory by corrections and write another, completely or not at all.

    Args:
        recipe: With the method ``dpo``; its base model is the directory to correct.
        corrections: Rows ``{"instruction", "output", "prediction"}``, as ``evaluate
            --predictions`` writes them: the label and the model's.
        output: The model directory to write.
        validation: Corrections for the validation loss; None for none.

    Returns:
        Recipe, plan, loss history, digests, seconds.

    Raises:
        IntentflowError: No correction in a file, no intentflow model to correct, or as in
            :func:`intentflow.training.sft.train`.
    """
    require_replaceable(output)
    folder = _corrected_model(recipe)
    prompt = PromptSpec.read(folder / "prompt.json")
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
        "%d corrections; both agree in %d rows, of which %d are anchors; %d rows at once",
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
        ),
        counts=CorrectionRows(
            train=len(found.rows),
            validation=len(others),
            agreeing=len(found.agreeing),
            anchors=len(anchors),
        ),
        make_trainer=_trainer,
    )
    return carry_out(job, plan, output)


def _trainer(job: Job, _: Plan, arguments: Any, callbacks: list[Any]) -> Any:
    from intentflow.training.dpo_trainer import make_preference_trainer

    return make_preference_trainer(job, arguments, callbacks)


def read_corrections(path: str | Path, output_format: OutputFormat) -> Corrections:
    """Read a predictions file, apart the rows whose two answers differ in meaning.

    Raises:
        IntentflowError: Not such a file, a label that is no call, or no row that differs.
    """
    rows = [
        CorrectedRow(row.instruction, row.output, row.prediction, number)
        for number, row in enumerate(GivenPrediction.read_rows(path), 1)
    ]
    apart: dict[bool, list[CorrectedRow]] = {True: [], False: []}
    for row in rows:
        apart[_agree(row, output_format, str(path))].append(row)
    if not apart[False]:
        raise IntentflowError(
            f"{path}: in all {len(rows)} rows prediction and output agree, so there is nothing to "
            "correct"
        )
    return Corrections(apart[False], apart[True])


def encode_pairs(
    corrections: Sequence[CorrectedRow],
    tokenizer: Any,
    end_token_id: int,
    output_format: OutputFormat,
) -> list[EncodedPair]:
    """Token ids of every row, by the template baked into ``tokenizer``."""
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
    """Derive length, pairs at once and accumulation.

    Raises:
        IntentflowError: Rows longer than ``max_length``.
    """
    import torch

    rows, others = [pair.longer for pair in pairs], [pair.longer for pair in held_out]
    longest = max(row.length for row in (*rows, *others))
    maximum = PAIR_TOKENS["cuda" if torch.cuda.is_available() else "cpu"]
    at_once = recipe.per_device_train_batch_size or rows_that_fit(
        recipe.global_batch_size, max(maximum / (2 * longest), 1)
    )
    settled = recipe.model_copy(update={"per_device_train_batch_size": at_once})
    tokens = 2 * recipe.global_batch_size * sum(row.length for row in rows) / len(rows)
    return replace(make_plan(settled, rows, others), tokens_per_step=tokens)


def _corrected_model(recipe: Recipe) -> Path:
    try:
        return check_model_directory(resolve_base_model(recipe.model_name_or_path))
    except IntentflowError as error:
        raise IntentflowError(
            f"{error} (method dpo corrects a model that train wrote: give its folder as "
            "model_name_or_path)"
        ) from None


def _agree(row: CorrectedRow, output_format: OutputFormat, path: str) -> bool:
    """Whether label and prediction are the same calls in the same order."""
    try:
        label = parse_calls(row.label)
    except CallSyntaxError as error:
        raise IntentflowError(
            f"{path} row {row.number}: the output {row.label!r} is no call: {error}"
        ) from None
    try:
        return label == parse_output(row.prediction, output_format)
    except CallSyntaxError:
        return False


def _label(row: CorrectedRow, output_format: OutputFormat) -> str:
    """A label as the model is to write it."""
    if output_format == "call":
        return row.label
    return format_output(parse_calls(row.label), output_format)

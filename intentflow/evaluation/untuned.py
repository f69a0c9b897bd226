"""The untuned base model, with the same prompt as the tuned one."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.baselines.answers import Answers
from intentflow.baselines.few_shot import choose_shots, insert_shots
from intentflow.errors import InputError
from intentflow.io.files import atomic_directory
from intentflow.prompts import PromptSpec, bake_template, end_token_id, prompt_token_ids
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy


@dataclass(frozen=True)
class Untuned:
    """Settings of an untuned model.

    Attributes:
        recipe: Recipe with the base model and the prompt.
        taxonomy: The intents; inferred from the training rows if None.
        limit_rows: Maximum number of rows to answer, drawn with ``seed``; None for all.
        seed: Seed of the sample and of the rows in the prompt.
    """

    recipe: Recipe
    taxonomy: Taxonomy | None = None
    limit_rows: int | None = None
    seed: int = 0


def find_base_model(recipe: Recipe) -> None:
    """Check early that a recipe's base model can be used.

    Raises:
        InputError: The recipe is for corrections, or the model does not exist or has no chat
            template.
    """
    from intentflow.models.base_models import load_tokenizer

    if recipe.method == "dpo":
        raise InputError(
            "the recipe corrects a tuned model (method: dpo): give the recipe of its first training"
        )
    end_token_id(load_tokenizer(recipe.model_name_or_path))


def answer_untuned(
    training: Sequence[Example], utterances: Sequence[str], asking: Untuned, shots: int = 0
) -> Answers:
    """Answers of the base model, constrained to the taxonomy.

    Args:
        training: Labelled rows, for the taxonomy and as examples in the prompt.
        utterances: Texts to answer.
        asking: Base model, prompt, and limit of rows.
        shots: Number of labelled rows before each utterance; fewer if they do not fit.

    Raises:
        InputError: The recipe is for corrections, the model does not exist or has no chat template,
            or not a single shot fits.
        ModuleNotFoundError: The ``train`` extra is not installed.
    """
    from intentflow.inference.transformers_engine import TransformersEngine

    sampled = _sample(len(utterances), asking)
    texts = [utterances[at] for at in sampled]
    started = time.perf_counter()
    with _model_directory(training, texts, asking, shots) as (folder, shown):
        engine = TransformersEngine(folder, constrained=True)
        ready = time.perf_counter()
        answers = [answer.text for answer in engine.answer(texts)]
    return Answers(
        answers,
        _about(asking, shown, len(sampled), len(utterances)),
        ready - started,
        time.perf_counter() - ready,
        sampled if len(sampled) < len(utterances) else None,
        asking.recipe.output_format,
        parameters=True,
    )


def _sample(rows: int, asking: Untuned) -> list[int]:
    """Sorted indices of a random sample of rows, because files are often sorted by intent."""
    limit = asking.limit_rows
    if limit is None or limit >= rows:
        return list(range(rows))
    return sorted(random.Random(asking.seed).sample(range(rows), limit))


@contextmanager
def _model_directory(
    training: Sequence[Example], texts: Sequence[str], asking: Untuned, shots: int
) -> Iterator[tuple[Path, int]]:
    """An untrained model directory in the form that training writes, and its number of shots."""
    from intentflow.models.base_models import load_model
    from intentflow.models.directory import save_served_model

    taxonomy = asking.taxonomy or Taxonomy.infer(training)
    prompt = asking.recipe.prompt(taxonomy)
    model = load_model(asking.recipe.model_name_or_path, dtype="auto")
    room = getattr(model.config, "max_position_embeddings", None)
    shown = choose_shots(training, shots, asking.seed)
    tokenizer, end, fitting = _tokenizer(asking.recipe, prompt, shown, texts, room)
    with tempfile.TemporaryDirectory(prefix="intentflow-") as temporary:
        folder = Path(temporary) / "model"
        with atomic_directory(folder) as partial:
            save_served_model(partial, model, tokenizer, end, prompt, taxonomy)
            TrainingRecord(trained=False).write(partial / TRAINING_FILE)
        del model  # the engine has its own
        yield folder, fitting


def _tokenizer(
    recipe: Recipe,
    prompt: PromptSpec,
    shown: list[Example],
    texts: Sequence[str],
    room: int | None,
) -> tuple[Any, int, int]:
    """The tokenizer with prompt and shots, its end token, and the number of shots that fit.

    Raises:
        InputError: No shot fits.
    """
    from intentflow.inference.engines import MAX_NEW_TOKENS
    from intentflow.models.base_models import load_tokenizer

    tokenizer = load_tokenizer(recipe.model_name_or_path)
    end, own = end_token_id(tokenizer), tokenizer.chat_template
    longest = max(texts, key=len)
    for count in range(len(shown), -1, -1):
        tokenizer.chat_template = own
        insert_shots(tokenizer, shown[:count], recipe.output_format)
        bake_template(tokenizer, prompt)
        if room is None or len(prompt_token_ids(tokenizer, longest)) + MAX_NEW_TOKENS <= room:
            break
    if shown and not count:
        raise InputError(
            f"few-shot: the prompt leaves no room for a labelled row in the {room} tokens of "
            f"{recipe.model_name_or_path}; leave few-shot out, or name fewer intents in the prompt"
        )
    return tokenizer, end, count


def _about(asking: Untuned, shown: int, sampled: int, rows: int) -> str:
    recipe = asking.recipe
    turns = f" and {shown} labelled rows shown before the utterance" if shown else ""
    scope = f"all {rows} rows" if sampled == rows else f"a random {sampled} of the {rows} rows"
    return (
        f"{recipe.model_name_or_path} untuned, with the tuned model's prompt (taxonomy: "
        f"{recipe.taxonomy_in_prompt}){turns}, answers constrained to the taxonomy; {scope}."
    )

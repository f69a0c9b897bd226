"""The base model without training."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from intentflow.calls import parse_calls, parse_json_calls
from intentflow.errors import IntentflowError
from intentflow.evaluation.untuned import Untuned, answer_untuned, find_base_model
from tests.baselines.conftest import TEST, TRAINING
from tests.models import TAXONOMY, damage_json, recipe, save_base_model

UTTERANCES = [row.instruction for row in TEST][:6]


def _asking(base: Path, **changes: Any) -> Untuned:
    limit = changes.pop("limit_rows", None)
    return Untuned(recipe(base, taxonomy_in_prompt="names", **changes), TAXONOMY, limit)


def test_every_answer_of_an_untuned_model_is_of_the_taxonomy(tiny_base_model: Path) -> None:
    answers = answer_untuned(TRAINING, UTTERANCES, _asking(tiny_base_model))
    assert len(answers.texts) == len(UTTERANCES)
    assert all(TAXONOMY.accepts(call) for text in answers.texts for call in parse_calls(text))


def test_an_untuned_model_answers_in_the_recipes_format(tiny_base_model: Path) -> None:
    answers = answer_untuned(TRAINING, UTTERANCES, _asking(tiny_base_model, output_format="json"))
    assert answers.output_format == "json"
    assert all(parse_json_calls(text) for text in answers.texts)


def test_without_a_taxonomy_the_training_rows_say_it(tiny_base_model: Path) -> None:
    asking = Untuned(recipe(tiny_base_model, taxonomy_in_prompt="names"))
    answers = answer_untuned(TRAINING, UTTERANCES, asking)
    names = {call.intent for text in answers.texts for call in parse_calls(text)}
    assert names <= set(TAXONOMY.intents)


def test_shots_are_stated_in_the_description(tiny_base_model: Path) -> None:
    answers = answer_untuned(TRAINING, UTTERANCES, _asking(tiny_base_model), shots=3)
    assert "and 3 labelled rows shown before the utterance" in answers.about


def test_shots_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    damage_json(base / "config.json", max_position_embeddings=400)
    answers = answer_untuned(TRAINING, UTTERANCES, _asking(base), shots=30)
    shown = int(answers.about.split(" and ")[1].split()[0])
    assert 0 < shown < 30


def test_a_model_too_short_for_any_shot_is_refused(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    damage_json(base / "config.json", max_position_embeddings=140)
    with pytest.raises(
        IntentflowError, match="few-shot: the prompt leaves no room for a labelled row"
    ):
        answer_untuned(TRAINING, UTTERANCES, _asking(base), shots=3)


def test_a_limit_asks_a_sample_in_the_rows_order(tiny_base_model: Path) -> None:
    answers = answer_untuned(TRAINING, UTTERANCES, _asking(tiny_base_model, limit_rows=3))
    assert answers.row_indices is not None
    assert (len(answers.texts), len(answers.row_indices)) == (3, 3)
    assert list(answers.row_indices) == sorted(answers.row_indices)
    assert "a random 3 of the 6 rows" in answers.about


def test_a_limit_above_the_rows_asks_all(tiny_base_model: Path) -> None:
    answers = answer_untuned(TRAINING, UTTERANCES, _asking(tiny_base_model, limit_rows=99))
    assert answers.row_indices is None


def test_no_model_directory_is_left_behind(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answer_untuned(TRAINING, UTTERANCES[:1], _asking(tiny_base_model))
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_of_corrections_is_refused(tiny_base_model: Path) -> None:
    with pytest.raises(IntentflowError, match="give the recipe of its first training"):
        find_base_model(recipe(tiny_base_model, method="dpo"))


def test_a_model_that_is_not_for_chats_is_refused(tiny_encoder: Path) -> None:
    with pytest.raises(IntentflowError, match="has no chat template"):
        find_base_model(recipe(tiny_encoder))

"""Labelled rows as turns before the utterance."""

from __future__ import annotations

import pytest

from intentflow.baselines.few_shot import choose_shots, insert_shots
from intentflow.prompts import PromptSpec, bake_template, end_token_id
from intentflow.records import Example
from tests.models import CONTROLS, TEMPLATES, make_tokenizer, rows

ROWS = [Example(f"{name} {i}", f"{name}()") for name in "abcd" for i in range(5)]
SPEC = PromptSpec(system="Name the intent.")
SHOTS = [Example("play Queen", "play_music(Queen)"), Example("is it wet", "weather_search(Oslo)")]


def _prompt(kind: str, shots: list[Example], text: str = "hello", fmt: str = "call") -> str:
    tokenizer = make_tokenizer(kind)
    insert_shots(tokenizer, shots, fmt)  # type: ignore[arg-type]
    bake_template(tokenizer, SPEC)
    turns = [{"role": "user", "content": text}]
    return str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


def test_each_label_is_shown_before_one_is_shown_twice() -> None:
    assert {row.output for row in choose_shots(ROWS, 4, seed=0)} == {"a()", "b()", "c()", "d()"}


def test_no_row_is_shown_twice() -> None:
    shots = choose_shots(ROWS, 20, seed=0)
    assert len({row.instruction for row in shots}) == 20


def test_no_more_rows_are_shown_than_there_are() -> None:
    assert len(choose_shots(ROWS, 99, seed=0)) == len(ROWS)


def test_the_seed_draws_the_rows() -> None:
    assert choose_shots(ROWS, 6, seed=1) == choose_shots(ROWS, 6, seed=1)
    assert choose_shots(ROWS, 6, seed=1) != choose_shots(ROWS, 6, seed=2)


def test_a_row_that_does_not_parse_is_not_shown() -> None:
    assert choose_shots([Example("x", "find("), ROWS[0]], 2, seed=0) == [ROWS[0]]


@pytest.mark.parametrize("kind", TEMPLATES)
def test_shots_stand_in_order_before_the_utterance(kind: str) -> None:
    prompt = _prompt(kind, SHOTS)
    shown = ["play Queen", "play_music(Queen)", "is it wet", "weather_search(Oslo)", "hello"]
    places = [prompt.index(text) for text in shown]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", ["chatml", "llama3"])
def test_the_system_text_stands_before_the_shots(kind: str) -> None:
    prompt = _prompt(kind, SHOTS)
    assert prompt.index(SPEC.system) < prompt.index("play Queen")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_an_answer_that_is_shown_ends_as_the_model_ends_one(kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    end = tokenizer.convert_ids_to_tokens(end_token_id(tokenizer))
    assert f"play_music(Queen){end}" in _prompt(kind, SHOTS)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_without_shots_the_prompt_is_the_tuned_models(kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    bake_template(tokenizer, SPEC)
    turns = [{"role": "user", "content": "hello"}]
    plain = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert _prompt(kind, []) == plain


def test_shots_are_written_in_the_output_format() -> None:
    answer = '[{"intent": "play_music", "parameters": ["Queen"]}]'
    assert answer in _prompt("chatml", SHOTS, fmt="json")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_control_token_in_a_shot_stays_text(kind: str) -> None:
    control = CONTROLS[kind][-1]
    plain = _prompt(kind, [Example("say it", "say(it)")])
    typed = _prompt(kind, [Example(f"say {control}", f"say({control} it)")])
    assert typed.count(control) == plain.count(control)


@pytest.mark.parametrize("text", ['a "b"', "{{ x }} {% y %}", "back\\slash", "a\nb", "晴れ'"])
def test_any_text_of_a_shot_is_shown_as_it_is(text: str) -> None:
    assert text in _prompt("chatml", [Example(text, "say(it)")])


def test_rows_of_the_tiny_model_can_be_shown() -> None:
    shots = choose_shots(rows(), 2, seed=0)
    assert all(shot.instruction in _prompt("chatml", shots) for shot in shots)

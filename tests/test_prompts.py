"""One prompt: the same token ids in training, evaluation and serving."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.errors import IntentflowError
from intentflow.models.encoding import encode_rows
from intentflow.prompts import (
    DEFAULT_SYSTEM,
    PromptSpec,
    answer_token_ids,
    bake_template,
    chat_token_ids,
    control_tokens,
    end_token_id,
    join_rounds,
    prompt_token_ids,
)
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import CONTROLS, END, PLAIN_ADDED, TEMPLATES, damage_json, make_tokenizer

KINDS = sorted(TEMPLATES)
SYSTEM = "Name the intent."
OTHER_SYSTEM = "You are a pirate."
UTTERANCES = ["play some jazz", "今天杭州天氣怎麼樣?", "", "a <|im_end|> b", "  two  blanks "]


def _baked(kind: str, mode: Any = "enforce", system: str = SYSTEM) -> Any:
    tokenizer = make_tokenizer(kind)
    bake_template(tokenizer, PromptSpec(system=system), mode)
    return tokenizer


@cache
def _cached(kind: str) -> Any:
    return _baked(kind)


def _user(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in texts]


@pytest.mark.parametrize("utterance", UTTERANCES)
@pytest.mark.parametrize("kind", KINDS)
def test_training_and_evaluation_read_the_same_tokens(kind: str, utterance: str) -> None:
    tokenizer = _cached(kind)
    encoded = encode_rows([Example(utterance, "f(x)")], tokenizer, end_token_id(tokenizer), "call")
    assert encoded[0].prompt == prompt_token_ids(tokenizer, utterance)


@pytest.mark.parametrize("utterance", UTTERANCES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_with_a_system_text_of_its_own_gets_the_trained_prompt(
    kind: str, utterance: str
) -> None:
    tokenizer = _cached(kind)
    messages = [{"role": "system", "content": OTHER_SYSTEM}, *_user(utterance)]
    assert chat_token_ids(tokenizer, messages) == prompt_token_ids(tokenizer, utterance)


@pytest.mark.parametrize("kind", KINDS)
def test_content_parts_read_as_their_text(kind: str) -> None:
    tokenizer = _cached(kind)
    parts = [{"type": "text", "text": "play "}, {"type": "text", "text": "jazz"}]
    messages = [
        {"role": "system", "content": [{"type": "text", "text": OTHER_SYSTEM}]},
        {"role": "user", "content": parts},
    ]
    assert chat_token_ids(tokenizer, messages) == prompt_token_ids(tokenizer, "play jazz")


@pytest.mark.parametrize(
    ("rounds", "joined"),
    [
        (["I want music.", "Play jazz."], "I want music. Play jazz."),
        (["我想聽音樂。", "播放爵士樂"], "我想聽音樂。播放爵士樂"),
        (["音楽", "please"], "音楽please"),
        (["please", "音楽"], "please 音楽"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_user_rounds_are_joined_and_assistant_rounds_dropped(
    kind: str, rounds: list[str], joined: str
) -> None:
    tokenizer = _cached(kind)
    first, second = _user(*rounds)
    between = {"role": "assistant", "content": "What kind?"}
    assert chat_token_ids(tokenizer, [first, between, second]) == prompt_token_ids(
        tokenizer, joined
    )


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.sampled_from(KINDS))
def test_the_template_joins_rounds_as_join_rounds_does(rounds: list[str], kind: str) -> None:
    tokenizer = _cached(kind)
    expected = prompt_token_ids(tokenizer, join_rounds(rounds))
    assert chat_token_ids(tokenizer, _user(*rounds)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_prompt_is_the_models_own_template_around_system_and_utterance(kind: str) -> None:
    own = make_tokenizer(kind)
    turns = (
        _user(f"{SYSTEM}\n\nplay jazz")
        if kind == "mistral"
        else [{"role": "system", "content": SYSTEM}, *_user("play jazz")]
    )
    text = own.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    expected = own(text, add_special_tokens=False)["input_ids"]
    assert prompt_token_ids(_cached(kind), "play jazz") == expected


@given(st.text(st.sampled_from("a'\"\\{}%#-\n天😀/u0 ")))
def test_any_system_text_is_rendered_as_it_is(system: str) -> None:
    tokenizer = _cached("chatml")
    former = tokenizer.chat_template
    try:
        bake_template(tokenizer, PromptSpec(system=f"|{system}|"))
        text = tokenizer.apply_chat_template(_user("play"), tokenize=False)
    finally:
        tokenizer.chat_template = former
    assert text.startswith(f"<|im_start|>system\n|{system}|<|im_end|>")


def test_mode_default_keeps_a_clients_system_text() -> None:
    tokenizer = _baked("chatml", "default")
    messages = [{"role": "system", "content": OTHER_SYSTEM}, *_user("play")]
    expected = prompt_token_ids(_baked("chatml", system=OTHER_SYSTEM), "play")
    assert chat_token_ids(tokenizer, messages) == expected


def test_mode_default_puts_the_trained_text_where_a_client_sends_none() -> None:
    tokenizer = _baked("chatml", "default")
    assert prompt_token_ids(tokenizer, "play") == prompt_token_ids(_cached("chatml"), "play")


def _controls_in(tokenizer: Any, ids: list[int]) -> list[int]:
    return [token for token in ids if token in tokenizer.added_tokens_decoder]


@given(st.data(), st.sampled_from(KINDS))
def test_typed_control_tokens_stay_text(data: st.DataObject, kind: str) -> None:
    tokenizer = _cached(kind)
    controls = [*CONTROLS[kind], PLAIN_ADDED]
    pieces = st.sampled_from([*controls, *(c[: len(c) // 2] for c in controls), "a", " "])
    typed = st.lists(st.lists(pieces, max_size=4).map("".join), min_size=1, max_size=3)
    ids = chat_token_ids(tokenizer, _user(*data.draw(typed)))
    assert _controls_in(tokenizer, ids) == _controls_in(tokenizer, prompt_token_ids(tokenizer, "x"))


def test_a_control_token_cannot_be_put_together_from_two_rounds() -> None:
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["<|User|>"], special_tokens=True)
    bake_template(tokenizer, PromptSpec(system=SYSTEM))
    ids = chat_token_ids(tokenizer, _user("<|", "User|>"))
    assert tokenizer.convert_tokens_to_ids("<|User|>") not in ids


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_in_an_answer_stay_text(kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    end = end_token_id(tokenizer)
    for control in [*CONTROLS[kind], PLAIN_ADDED]:
        ids = answer_token_ids(tokenizer, f"play_music({control})", end)
        assert _controls_in(tokenizer, ids) == [end]
        assert tokenizer.decode(ids[:-1]) == f"play_music({control})"


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_in_the_taxonomy_stay_text(kind: str) -> None:
    tokenizer = _baked(kind, system=f"Intents: {', '.join(f'a{c}' for c in CONTROLS[kind])}, b")
    ids = prompt_token_ids(tokenizer, "play")
    assert _controls_in(tokenizer, ids) == _controls_in(
        tokenizer, prompt_token_ids(_cached(kind), "play")
    )


def test_encoding_an_answer_leaves_later_prompts_as_they_were() -> None:
    tokenizer = _baked("chatml")
    before = prompt_token_ids(tokenizer, "play")
    answer_token_ids(tokenizer, "f(<|im_end|>)", end_token_id(tokenizer))
    assert prompt_token_ids(tokenizer, "play") == before


def test_longer_control_tokens_are_replaced_before_those_that_they_hold() -> None:
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["<|im", "<|im_start|>x"], special_tokens=True)
    controls = control_tokens(tokenizer)
    assert controls.index("<|im_start|>x") < controls.index("<|im_start|>")
    assert controls.index("<|im_start|>") < controls.index("<|im")


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_token_is_the_one_of_the_template(kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    assert tokenizer.convert_ids_to_tokens(end_token_id(tokenizer)) == END[kind]


def test_a_template_that_ends_a_turn_with_text_is_refused() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
    with pytest.raises(IntentflowError, match="end an assistant turn with a special token"):
        end_token_id(tokenizer)


def test_a_base_model_without_a_template_is_refused() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(IntentflowError, match="has no chat template: add a chat_template"):
        bake_template(tokenizer, PromptSpec(system=SYSTEM))


def test_of_several_templates_the_default_one_is_taken() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = {"default": TEMPLATES["chatml"], "tool_use": "{{ tools }}"}
    bake_template(tokenizer, PromptSpec(system=SYSTEM))
    assert prompt_token_ids(tokenizer, "play") == prompt_token_ids(_cached("chatml"), "play")


@pytest.mark.parametrize("kind", KINDS)
def test_training_a_trained_model_further_takes_the_new_prompt_in_place_of_the_old(
    kind: str,
) -> None:
    tokenizer = _baked(kind, system="The former text.")
    bake_template(tokenizer, PromptSpec(system=SYSTEM))
    assert prompt_token_ids(tokenizer, "play") == prompt_token_ids(_cached(kind), "play")


def test_the_template_survives_saving(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    _cached("llama3").save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert prompt_token_ids(again, "天氣 x") == prompt_token_ids(_cached("llama3"), "天氣 x")


TAXONOMY = Taxonomy(
    intents={
        "weather": Intent(description="weather for a place", parameters=["place"]),
        "bye": Intent(),
    }
)


@pytest.mark.parametrize(
    ("how_much", "end"),
    [
        ("none", ""),
        ("names", "\nIntents: weather, bye"),
        ("parameters", "\nIntents:\nweather(place)\nbye()"),
        ("full", "\nIntents:\nweather(place): weather for a place\nbye()"),
    ],
)
def test_the_taxonomy_stands_in_the_prompt_as_asked(how_much: Any, end: str) -> None:
    spec = PromptSpec.build(taxonomy=TAXONOMY, taxonomy_in_prompt=how_much)
    assert spec.system == DEFAULT_SYSTEM["en"] + end


@pytest.mark.parametrize("language", ["en", "zh", "id"])
def test_each_language_has_a_default_and_a_json_instruction(language: Any) -> None:
    spec = PromptSpec.build(language=language, output_format="json")
    assert spec.system.startswith(DEFAULT_SYSTEM[spec.language])
    assert '[{"intent": "…", "parameters": ["…"]}]' in spec.system


def test_a_taxonomy_asked_for_and_not_there_is_refused() -> None:
    with pytest.raises(IntentflowError, match="taxonomy_in_prompt: names needs a taxonomy"):
        PromptSpec.build(taxonomy_in_prompt="names")


def test_prompt_json_reads_back(tmp_path: Path) -> None:
    spec = PromptSpec.build(taxonomy=TAXONOMY, taxonomy_in_prompt="full", language="zh")
    spec.write(tmp_path / "prompt.json")
    assert PromptSpec.read(tmp_path / "prompt.json") == spec


@pytest.mark.parametrize("change", [{"system": "Ahoy."}, {"digest": "0" * 64}])
def test_a_changed_prompt_json_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    PromptSpec(system=SYSTEM).write(tmp_path / "prompt.json")
    damage_json(tmp_path / "prompt.json", **change)
    with pytest.raises(IntentflowError, match="was changed after training"):
        PromptSpec.read(tmp_path / "prompt.json")


def test_an_unknown_key_of_prompt_json_is_refused_with_the_nearest(tmp_path: Path) -> None:
    PromptSpec(system=SYSTEM).write(tmp_path / "prompt.json")
    damage_json(tmp_path / "prompt.json", langage="en")
    with pytest.raises(IntentflowError, match="unknown key langage; did you mean language"):
        PromptSpec.read(tmp_path / "prompt.json")


def test_prompt_json_without_a_digest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prompt.json").write_text(json.dumps({"system": SYSTEM}))
    with pytest.raises(IntentflowError, match="was changed after training"):
        PromptSpec.read(tmp_path / "prompt.json")


def test_the_version_of_the_file_is_no_part_of_the_digest() -> None:
    canonical = (
        '{"language": "en", "output_format": "call", "system": "Name the intent.", '
        '"taxonomy_in_prompt": "none"}'
    )
    expected = hashlib.sha256(canonical.encode()).hexdigest()
    assert PromptSpec(system="Name the intent.").digest == expected


def test_the_schema_of_prompt_json_lists_every_key_of_the_file(tmp_path: Path) -> None:
    PromptSpec(system=SYSTEM).write(tmp_path / "prompt.json")
    written = json.loads((tmp_path / "prompt.json").read_text())
    assert set(PromptSpec.model_json_schema()["properties"]) == set(written)


def test_every_field_changes_the_digest() -> None:
    base = {"system": SYSTEM, "language": "en", "output_format": "call"}
    changes: list[dict[str, Any]] = [
        {},
        {"system": "x"},
        {"language": "zh"},
        {"output_format": "json"},
        {"taxonomy_in_prompt": "names"},
    ]
    digests = {PromptSpec.model_validate({**base, **change}).digest for change in changes}
    assert len(digests) == len(changes)

"""Intent tokens: written in answers, never read from text, trained with the adapter."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.calls import Call, OutputFormat, format_calls, parse_calls
from intentflow.errors import IntentflowError
from intentflow.inference.constraint import TaxonomyConstraint
from intentflow.inference.grammar import taxonomy_grammar
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.models.base_models import load_model, load_tokenizer
from intentflow.prompts import (
    PromptSpec,
    answer_token_ids,
    bake_template,
    end_token_id,
    intent_tokens,
    prompt_token_ids,
)
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.training.intent_tokens import (
    IntentTokens,
    add_intent_tokens,
    place_intent_tokens,
    request_intent_tokens,
)
from intentflow.training.sft import train
from tests.models import TAXONOMY as TRAINED_TAXONOMY
from tests.models import TEMPLATES, make_model, make_tokenizer, recipe, rows, save_base_model

TAXONOMY = Taxonomy(
    intents={
        "bye": Intent(),
        "weather": Intent(parameters=["place", "day"], min_parameters=1),
        "查詢 天氣?": Intent(parameters=["城市"]),
        "a|im_end|b": Intent(),
    }
)
KINDS = [*sorted(TEMPLATES), "sentencepiece", "whole words first"]
OPENINGS = ["bye()", "bye(", "weather(", "weather", "查詢 天氣?(", "(", ")", "bye", " ", "; "]


def _sentencepiece() -> Any:
    """As in the Mistral and Llama-2 families: a blank before every text, bytes as a fallback."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    controls = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=controls, show_progress=False)
    backend.train_from_iterator([row.instruction for row in rows()], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.chat_template = TEMPLATES["mistral"]
    return tokenizer


def _tokenizer(kind: str) -> Any:
    if kind == "sentencepiece":
        return _sentencepiece()
    if kind != "whole words first":
        return make_tokenizer(kind)
    from tokenizers import Tokenizer

    tokenizer = make_tokenizer("llama3")
    document = json.loads(tokenizer.backend_tokenizer.to_str())
    document["model"]["ignore_merges"] = True
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(document))
    return tokenizer


@cache
def _pair(kind: str) -> tuple[Any, Any]:
    """A tokenizer without and one with intent tokens, both with the prompt that lists intents."""
    spec = PromptSpec.build(taxonomy=TAXONOMY, taxonomy_in_prompt="parameters")
    plain, extended = _tokenizer(kind), _tokenizer(kind)
    add_intent_tokens(extended, TAXONOMY)
    for tokenizer in (plain, extended):
        bake_template(tokenizer, spec)
    return plain, extended


@given(st.lists(st.sampled_from([*OPENINGS, "天", "x"]) | st.text(max_size=3), max_size=5))
@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_reads_the_same_with_and_without(kind: str, texts: list[str]) -> None:
    plain, extended = _pair(kind)
    typed = "".join(texts)
    assert prompt_token_ids(extended, typed) == prompt_token_ids(plain, typed)


_VALUES = st.sampled_from(["Oslo", "bye()", "weather(", " x ", "a, b", "; bye()", "杭州", ""])
_CALLS = st.lists(
    st.builds(Call, st.sampled_from([*TAXONOMY.intents, "other"]), st.lists(_VALUES).map(tuple)),
    min_size=1,
    max_size=3,
)


@given(_CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_decodes_to_its_text(kind: str, calls: list[Call]) -> None:
    tokenizer = _pair(kind)[1]
    text = format_calls(calls)
    ids = answer_token_ids(tokenizer, text, end_token_id(tokenizer))
    assert tokenizer.decode(ids[:-1], clean_up_tokenization_spaces=False).strip() == text


@given(_CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_call_of_the_taxonomy_opens_with_its_token_and_no_value_holds_one(
    kind: str, calls: list[Call]
) -> None:
    tokenizer = _pair(kind)[1]
    tokens = intent_tokens(tokenizer)
    ids = answer_token_ids(tokenizer, format_calls(calls), end_token_id(tokenizer))
    opened = [name for call in calls if (name := _opening(call)) in tokens]
    assert [i for i in ids if i in tokens.values()] == [tokens[name] for name in opened]


def _opening(call: Call) -> str:
    never_any = call.intent in TAXONOMY.intents and not TAXONOMY.intents[call.intent].parameters
    if never_any:
        return "none" if call.parameters else f"{call.intent}()"
    return f"{call.intent}("


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_without_parameters_is_two_tokens(kind: str) -> None:
    tokenizer = _pair(kind)[1]
    assert len(answer_token_ids(tokenizer, "bye()", end_token_id(tokenizer))) == 2


@pytest.mark.parametrize("text", ["bye ( )", "bye( )", "no call", "bye(", "bye(x)"])
def test_an_answer_in_another_form_is_text(text: str) -> None:
    plain, extended = _pair("chatml")
    end = end_token_id(extended)
    assert answer_token_ids(extended, text, end) == answer_token_ids(plain, text, end)


@pytest.mark.parametrize("kind", KINDS)
def test_other_tokens_keep_their_ids(kind: str) -> None:
    plain, extended = _pair(kind)
    former = plain.get_vocab()
    assert {text: i for text, i in extended.get_vocab().items() if text in former} == former
    assert extended.added_tokens_decoder.keys() == plain.added_tokens_decoder.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_tokenizer_has_them_again(kind: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = _pair(kind)[1]
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    end = end_token_id(again)
    text = "weather(Oslo); 查詢 天氣?(杭州)"
    assert intent_tokens(again) == intent_tokens(tokenizer)
    assert answer_token_ids(again, text, end) == answer_token_ids(tokenizer, text, end)
    assert prompt_token_ids(again, "weather(") == prompt_token_ids(tokenizer, "weather(")


def test_a_name_that_a_lookup_of_words_would_read_stays_text() -> None:
    tokenizer = _tokenizer("whole words first")
    tokens = add_intent_tokens(tokenizer, Taxonomy(intents={"?": Intent(), "bye": Intent()}))
    assert tokens.left_as_text == ["?()"]
    assert set(intent_tokens(tokenizer)) == {"bye()"}


def test_a_word_that_the_vocabulary_has_already_stays_text() -> None:
    tokenizer = make_tokenizer()
    add_intent_tokens(tokenizer, Taxonomy(intents={"bye": Intent()}))
    tokenizer.init_kwargs.clear()  # as if the word were the base model's own
    tokens = add_intent_tokens(tokenizer, Taxonomy(intents={"bye": Intent()}))
    assert (tokens.ids, tokens.left_as_text) == ([], ["bye()"])


def _unigram() -> Any:
    """A tokenizer that merges no pairs."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.Unigram([("a", 0.0)])))


def test_a_tokenizer_that_merges_no_pairs_is_refused() -> None:
    with pytest.raises(IntentflowError, match=r"needs a tokenizer of kind BPE.* is Unigram"):
        add_intent_tokens(_unigram(), TAXONOMY)


def _placed(tied: bool) -> tuple[Any, Any, IntentTokens]:
    """A model before and after its tokens were placed, and the tokens."""
    tokenizer = make_tokenizer()
    tokens = add_intent_tokens(tokenizer, TAXONOMY)
    models = [make_model(make_tokenizer(), tied=tied) for _ in range(2)]
    place_intent_tokens(models[1], tokens)
    return *models, tokens


@pytest.mark.parametrize("tied", [True, False])
def test_a_new_token_begins_as_the_mean_of_its_pieces(tied: bool) -> None:
    before, after, tokens = _placed(tied)
    for get in ("get_input_embeddings", "get_output_embeddings"):
        old, new = getattr(before, get)().weight, getattr(after, get)().weight
        for token, pieces in tokens.fresh.items():
            assert torch.allclose(new[token], old[pieces].mean(0))
    assert len(tokens.fresh) == len(TAXONOMY.intents)


def test_a_padded_embedding_is_not_enlarged() -> None:
    before, after, _ = _placed(tied=True)
    assert after.get_input_embeddings().weight.shape == before.get_input_embeddings().weight.shape


def test_a_full_embedding_gets_the_rows_that_are_missing() -> None:
    tokenizer = make_tokenizer()
    model = make_model(tokenizer, spare_rows=0)
    tokens = add_intent_tokens(tokenizer, TAXONOMY)
    place_intent_tokens(model, tokens)
    assert model.get_input_embeddings().weight.shape[0] == tokens.rows == len(tokenizer)
    assert model.config.vocab_size == tokens.rows


def _train(base: Path, output: Path, **changes: Any) -> dict[str, Any]:
    settings = {"intent_tokens": True, **changes}
    return train(recipe(base, **settings), rows()[:16], rows()[16:20], output, TRAINED_TAXONOMY)


def _logits(model: Any) -> torch.Tensor:
    ids = torch.arange(3, 403)[None]  # the intent tokens are the last two
    with torch.inference_mode():
        logits: torch.Tensor = model(ids).logits
    return logits


@pytest.mark.parametrize("spare_rows", [7, 0])
@pytest.mark.parametrize("tied", [True, False])
def test_merged_weights_answer_as_the_adapter_with_its_token_rows(
    tied: bool, spare_rows: int, tmp_path: Path
) -> None:
    from peft import PeftModel

    base_folder = save_base_model(tmp_path / "base", tied=tied, spare_rows=spare_rows)
    _train(base_folder, tmp_path / "m", method="lora", learning_rate=1e-2)
    merged = load_model(str(tmp_path / "m"), dtype=torch.float32)
    base = load_model(str(base_folder), dtype=torch.float32)
    base.resize_token_embeddings(merged.config.vocab_size, mean_resizing=False)
    adapted = PeftModel.from_pretrained(base, str(tmp_path / "m" / "adapter"))
    assert torch.allclose(_logits(adapted), _logits(merged), atol=2e-2)


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("tied", [True, False])
def test_the_rows_of_the_tokens_are_trained(method: str, tied: bool, tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base", tied=tied, spare_rows=0)
    _train(base, tmp_path / "m", method=method, learning_rate=1e-2)
    after = load_model(str(tmp_path / "m"), dtype=torch.float32)
    tokenizer = load_tokenizer(str(base))
    before = load_model(str(base), dtype=torch.float32)
    tokens = add_intent_tokens(tokenizer, TRAINED_TAXONOMY)
    place_intent_tokens(before, tokens)
    for get in ("get_input_embeddings", "get_output_embeddings"):
        old, new = getattr(before, get)().weight, getattr(after, get)().weight
        moved = (old - new).abs().amax(1) > 5e-3
        assert moved[tokens.ids].all()
        assert method == "full" or moved.sum() == len(tokens.ids)


def test_the_adapter_holds_the_tokens_rows_and_no_other(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    base = save_base_model(tmp_path / "base", spare_rows=0)
    _train(base, tmp_path / "m", method="lora")
    weights = load_file(tmp_path / "m" / "adapter" / "adapter_model.safetensors")
    rows_of = {name: w.shape[0] for name, w in weights.items() if "lora" not in name}
    assert list(rows_of.values()) == [2]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_training_resumes_from_its_checkpoint(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    base = save_base_model(tmp_path / "base", spare_rows=0)
    settings: dict[str, Any] = {"method": method, "max_steps": 4, "save_steps": 2}
    _train(base, tmp_path / "whole", **settings)
    real = transformers.Trainer.training_step

    def killed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(transformers.Trainer, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            _train(base, tmp_path / "m", **settings)
    assert (tmp_path / ".m.checkpoints" / "checkpoint-2" / "whole.json").is_file()
    _train(base, tmp_path / "m", **settings)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "m")]
    assert weights[0] == weights[1]


ONLY_CALLS = Taxonomy(intents={"bye": Intent(), "weather_search": Intent(parameters=["place"])})


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that answers ``bye()`` to everything."""
    from tests.models import one_thread

    folder = tmp_path_factory.mktemp("learned")
    base = save_base_model(folder / "base", spare_rows=0)
    examples = [Example(row.instruction, "bye()") for row in rows()[:16]]
    settings = recipe(base, intent_tokens=True, max_steps=20, learning_rate=3e-3)
    with one_thread():
        train(settings, examples, [], folder / "m", ONLY_CALLS)
    return folder / "m"


@pytest.mark.parametrize("constrained", [True, False])
def test_a_served_answer_without_parameters_is_one_token_and_its_end(
    constrained: bool, learned: Path
) -> None:
    engine = TransformersEngine(learned, constrained=constrained)
    done = engine.complete([{"role": "user", "content": "bye() bye("}], 20)
    assert (done.text, done.answer_tokens, done.ended) == ("bye()", 1, True)


def _constraint(tokenizer: Any) -> TaxonomyConstraint:
    grammar = taxonomy_grammar(TAXONOMY, "call", intent_tokens(tokenizer))
    return TaxonomyConstraint(tokenizer, len(tokenizer), end_token_id(tokenizer), grammar)


@given(st.integers(0, 1000))
def test_constrained_answers_are_calls_of_the_taxonomy(seed: int) -> None:
    tokenizer = _pair("chatml")[1]
    end = end_token_id(tokenizer)
    constraint = _constraint(tokenizer)
    random = np.random.default_rng(seed)
    favoured = [*intent_tokens(tokenizer).values(), end]
    answer = constraint.begin()
    while len(answer.tokens) < 60:
        scores = random.random(len(tokenizer))
        scores[favoured] += 0.5
        token = int(np.where(constraint.allowed([answer])[0], scores, -1.0).argmax())
        if token == end:
            text = tokenizer.decode(answer.tokens)
            assert all(TAXONOMY.accepts(call) for call in parse_calls(text))
            return
        answer.accept(token)
        answer.forced()


def test_a_constrained_answer_opens_with_an_intent_token() -> None:
    tokenizer = _pair("chatml")[1]
    constraint = _constraint(tokenizer)
    allowed = set(constraint.allowed([constraint.begin()])[0].nonzero()[0].tolist())
    assert allowed == {*intent_tokens(tokenizer).values()}


def test_the_intent_token_of_a_second_call_is_admitted_where_names_begin_alike() -> None:
    tokenizer = make_tokenizer()
    alike = Taxonomy(intents={"get_a": Intent(parameters=["x"]), "get_b": Intent()})
    add_intent_tokens(tokenizer, alike)
    tokens = intent_tokens(tokenizer)
    end = end_token_id(tokenizer)
    grammar = taxonomy_grammar(alike, "call", tokens)
    constraint = TaxonomyConstraint(tokenizer, len(tokenizer), end, grammar)
    answer = constraint.begin()
    for token in answer_token_ids(tokenizer, "get_b();", end)[:-1]:
        answer.accept(token)
    answer.forced()
    allowed = set(constraint.allowed([answer])[0].nonzero()[0].tolist())
    assert allowed == set(tokens.values())


def test_training_further_keeps_the_tokens_and_adds_those_of_new_intents(
    learned: Path, tmp_path: Path
) -> None:
    more = Taxonomy(intents={"bye": Intent(), "play_music": Intent(parameters=["artist"])})
    examples = [Example(row.instruction, "bye()") for row in rows()[:8]]
    train(recipe(learned, intent_tokens=True), examples, [], tmp_path / "m", more)
    before = intent_tokens(load_tokenizer(str(learned)))
    after = intent_tokens(load_tokenizer(str(tmp_path / "m")))
    assert after.keys() == {"bye()", "play_music("}
    assert after["bye()"] == before["bye()"]
    assert after["play_music("] not in before.values()


def test_training_further_without_writes_answers_as_text(learned: Path, tmp_path: Path) -> None:
    examples = [Example(row.instruction, "bye()") for row in rows()[:8]]
    train(recipe(learned), examples, [], tmp_path / "m", ONLY_CALLS)
    assert intent_tokens(load_tokenizer(str(tmp_path / "m"))) == {}


def _derived(tokenizer: Any, output_format: OutputFormat) -> IntentTokens | None:
    """The tokens of a recipe that leaves ``intent_tokens`` open."""
    return request_intent_tokens(tokenizer, TAXONOMY, None, output_format)


def test_calls_have_intent_tokens_unless_a_recipe_states_otherwise() -> None:
    tokens = _derived(make_tokenizer(), "call")
    assert tokens is not None
    assert len(tokens.ids) == len(TAXONOMY.intents)


def test_json_answers_have_none_where_a_recipe_leaves_it_open() -> None:
    assert _derived(make_tokenizer(), "json") is None


def test_a_tokenizer_that_cannot_have_them_trains_on_text_where_a_recipe_leaves_it_open() -> None:
    assert _derived(_unigram(), "call") is None


def test_the_record_states_whether_intents_became_tokens(learned: Path) -> None:
    assert TrainingRecord.read(learned / TRAINING_FILE).recipe.intent_tokens is True


def test_json_answers_have_no_intent_tokens(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="they need output_format: call"):
        recipe(tmp_path, intent_tokens=True, output_format="json")

"""Models of a few kilobytes with random weights, and the tokenizers and data that go with them."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}"
    "<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate user and assistant') }}{% endif %}"
    "{% if message['role'] == 'user' %}[INST] {{ message['content'] }} [/INST]"
    "{% else %}{{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
TEMPLATES = {"chatml": CHATML, "llama3": LLAMA3, "mistral": MISTRAL}
# The last one is an added token that is no special token, as Qwen's tool calls are.
CONTROLS = {
    "chatml": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "llama3": ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "mistral": ["<s>", "</s>", "[INST]", "[/INST]"],
}
PLAIN_ADDED = "<tool_call>"
END = {"chatml": "<|im_end|>", "llama3": "<|eot_id|>", "mistral": "</s>"}
FIRST = {"chatml": None, "llama3": "<|begin_of_text|>", "mistral": "<s>"}

PLACES = "Hangzhou,Paris,Oslo,Lima,Cairo,Rome,Bergen,Quito,Delhi,Kyoto,Turin,Porto,Bonn,Nice,Kiel"
ARTISTS = "Queen,Abba,Muse,Blur,Bach,Moby,Enya,Dido,Toto,Cher,Prince,Adele,Sting,Seal,Garbage"
TAXONOMY = Taxonomy(
    intents={
        "weather_search": Intent(parameters=["place"], min_parameters=1),
        "play_music": Intent(parameters=["artist"]),
    }
)


def rows(times: int = 2) -> list[Example]:
    """30 rows a time, two intents, no utterance twice."""
    frames = [
        ("what is the weather in {} {}", "put on {} {}"),
        ("is it raining in {} {}", "I want to hear {} {}"),
    ]
    words = ["now", "today", "please", "tonight"]
    return [
        example
        for time in range(times)
        for place, artist in zip(PLACES.split(","), ARTISTS.split(","), strict=True)
        for example in (
            Example(
                frames[time % 2][0].format(place, words[time // 2]), f"weather_search({place})"
            ),
            Example(frames[time % 2][1].format(artist, words[time // 2]), f"play_music({artist})"),
        )
    ]


def make_tokenizer(kind: str = "chatml") -> Any:
    """A byte-level tokenizer with the control tokens and the template of a family of models."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=CONTROLS[kind],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [f"{row.instruction}\n{row.output}" for row in rows()]
    backend.train_from_iterator([*texts, "system user assistant intent recognition"], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=FIRST[kind],
        eos_token=END[kind],
        pad_token=END[kind],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_tokens([PLAIN_ADDED])
    tokenizer.chat_template = TEMPLATES[kind]
    return tokenizer


def make_model(
    tokenizer: Any,
    architecture: str = "llama",
    layers: int = 2,
    tied: bool = True,
    spare_rows: int = 7,
    width: int = 64,
    positions: int = 1024,
) -> Any:
    """A model with random weights, the same at every call.

    Its embeddings have ``spare_rows`` more than the tokenizer has tokens, as real models' are
    padded, and are one where they are ``tied``.
    """
    import torch
    import transformers

    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer) + spare_rows,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": positions,
        "tie_word_embeddings": tied,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    family = {"llama": "Llama", "qwen2": "Qwen2", "mistral": "Mistral"}[architecture]
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**settings)
    return getattr(transformers, f"{family}ForCausalLM")(config)


def save_base_model(
    folder: Path, kind: str = "chatml", architecture: str = "llama", **shape: Any
) -> Path:
    """A base model folder as a hub would give it; ``shape`` as for :func:`make_model`."""
    tokenizer = make_tokenizer(kind)
    make_model(tokenizer, architecture, **shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def recipe(base: Path, **changes: Any) -> Recipe:
    """A recipe of two steps on a tiny base model, whose answers are text."""
    settings: dict[str, Any] = {
        "model_name_or_path": str(base),
        "method": "full",
        "global_batch_size": 8,
        "learning_rate": 1e-3,
        "num_train_epochs": 1,
        "max_steps": 2,
        "precision": "fp32",
    }
    method = changes.get("method", "full")
    if method != "full":
        settings["lora_r"] = 4
    if method != "dpo":
        settings["intent_tokens"] = False
    return Recipe.from_mapping({**settings, **changes}, "recipe")


def damage_json(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file in place."""
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **changes}), encoding="utf-8")


@contextmanager
def one_thread() -> Iterator[None]:
    """Tiny tensors are slower on several threads than on one."""
    import torch

    former = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _leave_out_what_is_loaded() -> None:
    """Load what trains, and have the garbage collector leave it out.

    Every training collects twice, and would look at all objects of these libraries.
    """
    import intentflow.baselines.linear
    import intentflow.training.sft

    del intentflow
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ChatML base model."""
    folder = save_base_model(tmp_path_factory.mktemp("base") / "tiny")
    _leave_out_what_is_loaded()
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory that ``train`` wrote; not to be changed."""
    from intentflow.training.sft import train

    folder = tmp_path_factory.mktemp("trained") / "model"
    with one_thread():
        train(recipe(tiny_base_model), rows()[:40], rows()[40:], folder, TAXONOMY)
    return folder


@pytest.fixture(scope="session")
def ranking_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose intents are tokens, with heads as wide as vLLM's attention takes them."""
    from intentflow.training.sft import train

    folder = tmp_path_factory.mktemp("ranking")
    base = save_base_model(folder / "base", width=128)
    settings = recipe(base, intent_tokens=True, max_steps=40, learning_rate=3e-3)
    with one_thread():
        train(settings, rows()[:40], rows()[40:], folder / "model", TAXONOMY)
    return folder / "model"


@pytest.fixture(scope="session")
def wide_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nearly random weights, with heads as wide as vLLM's attention on a CPU takes them."""
    from intentflow.training.sft import train

    folder = tmp_path_factory.mktemp("wide")
    base = save_base_model(folder / "base", width=128)
    with one_thread():
        train(recipe(base), rows()[:40], rows()[40:], folder / "model", TAXONOMY)
    return folder / "model"

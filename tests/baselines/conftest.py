"""Rows with several labels, and an encoder of a few kilobytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.records import Example
from tests.models import one_thread, rows

TRAINING = rows()[:40]
TEST = rows()[40:]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower on several threads than on one."""
    with one_thread():
        yield


def save_encoder(folder: Path, padding: bool = True) -> Path:
    """A BERT with random weights, the same at every call, that knows the rows' words."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    texts: list[Example] = rows()
    words = sorted({word for row in texts for word in row.instruction.lower().split()})
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        pad_token="[PAD]" if padding else None,
        model_max_length=32,
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder's folder; not to be changed."""
    return save_encoder(tmp_path_factory.mktemp("encoder") / "tiny")

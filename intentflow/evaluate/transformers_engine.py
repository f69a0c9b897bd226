"""The transformers library as an engine: a model directory in this process, no server."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from intentflow.evaluate.engines import MAX_NEW_TOKENS, Answer, Completion, Keep
from intentflow.prompts import PromptSpec, chat_token_ids, prompt_token_ids
from intentflow.taxonomy import Taxonomy

if TYPE_CHECKING:
    from intentflow.evaluate.constraint import TaxonomyConstraint


@dataclass(frozen=True)
class SharedPrompt:
    """Keys and values of the tokens that all prompts begin with."""

    length: int
    cache: Any

    def repeated(self, rows: int) -> Any:
        """A copy for a batch; decoding appends to it."""
        batch = copy.deepcopy(self.cache)
        batch.batch_repeat_interleave(rows)
        return batch


class TransformersEngine:
    """Generation in this process, in left-padded batches of rows of like length.

    Args:
        folder: A model directory as ``train`` writes it.
        constrained: Keep answers inside the taxonomy.
        batch_size: Rows decoded together.
    """

    name = "transformers"

    def __init__(self, folder: str | Path, *, constrained: bool, batch_size: int = 64) -> None:
        from intentflow.train.export import check_model_directory

        self.folder = check_model_directory(folder)
        self.prompt = PromptSpec.read(self.folder / "prompt.json")
        self.taxonomy = Taxonomy.from_yaml(self.folder / "taxonomy.yaml")
        self.constrained = constrained
        self.batch_size = batch_size
        self.tokenizer, self.model = _load(self.folder)
        self.end_token_ids = _end_tokens(self.model)

    def answer(self, instructions: Sequence[str], keep: Keep | None = None) -> list[Answer]:
        """One answer per instruction, in order; ``keep`` gets those of a batch when it ends."""
        prompts = [prompt_token_ids(self.tokenizer, text) for text in instructions]
        shared = self._compute_shared(prompts)
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        answers: list[Answer] = [Answer("", 0.0)] * len(prompts)
        for batch in _batches(order, self.batch_size):
            started = time.perf_counter()
            new = self._new_tokens([prompts[i] for i in batch], MAX_NEW_TOKENS, shared=shared)
            texts = [self._decode(row.tolist()) for row in new]
            seconds = time.perf_counter() - started
            for i, text in zip(batch, texts, strict=True):
                answers[i] = Answer(text, seconds)
                if keep:
                    keep(i, answers[i])
        return answers

    def complete(
        self, messages: Sequence[Mapping[str, Any]], limit: int, streamer: Any = None
    ) -> Completion:
        """Answer a client's messages with at most ``limit`` tokens.

        Args:
            messages: OpenAI chat messages.
            limit: Tokens of the answer, its end not counted.
            streamer: Gets the tokens as they are decoded; a transformers streamer.
        """
        ids = chat_token_ids(self.tokenizer, messages)
        new = self._new_tokens([ids], limit, streamer)[0].tolist()
        own = [token for token in new if token not in self.end_token_ids]
        return Completion(self._decode(new), len(ids), len(own), len(own) < len(new))

    def _new_tokens(
        self,
        prompts: list[list[int]],
        limit: int,
        streamer: Any = None,
        shared: SharedPrompt | None = None,
    ) -> Any:
        """Greedy continuations, int64 of shape (rows, at most ``limit``), padded at the end.

        Padding stands between the shared prefix, whose keys and values are there already, and
        a row's own tokens.
        """
        import torch

        size = shared.length if shared else 0
        width = max(map(len, prompts))
        padding = self.end_token_ids[0]
        gaps = [width - len(prompt) for prompt in prompts]
        pairs = list(zip(prompts, gaps, strict=True))
        ids = torch.tensor([p[:size] + [padding] * gap + p[size:] for p, gap in pairs])
        mask = torch.tensor([[1] * size + [0] * gap + [1] * (len(p) - size) for p, gap in pairs])
        device = self.model.device
        with torch.inference_mode():
            output = self.model.generate(
                ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=limit,
                do_sample=False,
                pad_token_id=padding,
                eos_token_id=self.end_token_ids,
                logits_processor=self._processors(len(prompts), width, limit),
                streamer=streamer,
                past_key_values=shared.repeated(len(prompts)) if shared else None,
            )
        return output[:, width:]

    def _compute_shared(self, prompts: list[list[int]]) -> SharedPrompt | None:
        """Keys and values of the prompts' common prefix, computed once."""
        import torch

        from intentflow.train.dataset import shared_prefix

        prefix = shared_prefix(prompts) if len(prompts) > 1 else []
        if not prefix:
            return None
        with torch.inference_mode():
            ids = torch.tensor([prefix], device=self.model.device)
            cache = self.model(ids, use_cache=True, logits_to_keep=1).past_key_values
        return SharedPrompt(len(prefix), cache)

    def _processors(self, rows: int, width: int, limit: int) -> list[Any]:
        if not self.constrained:
            return []
        self._constraint.start(rows, width, limit)
        return [self._constraint]

    @cached_property
    def _constraint(self) -> TaxonomyConstraint:
        """Made once, for the vocabulary takes long to read; one generation at a time uses it."""
        from intentflow.evaluate.constraint import (
            TaxonomyConstraint,
            call_openings,
            taxonomy_grammar,
        )

        return TaxonomyConstraint(
            self.tokenizer,
            self.model.config.vocab_size,
            self.end_token_ids[0],
            taxonomy_grammar(self.taxonomy, self.prompt.output_format),
            call_openings(self.taxonomy, self.prompt.output_format),
        )

    def _decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, **_DECODING)).strip()


_DECODING: dict[str, Any] = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}


def _load(folder: Path) -> tuple[Any, Any]:
    import torch

    from intentflow.train.base_models import load_model, load_tokenizer
    from intentflow.train.run import fast_precision

    dtype = torch.bfloat16 if fast_precision() == "bf16" else torch.float32
    model = load_model(str(folder), dtype=dtype)
    if torch.cuda.is_available():
        model = model.to("cuda")
    return load_tokenizer(str(folder)), model.eval()


def _end_tokens(model: Any) -> list[int]:
    ids = model.generation_config.eos_token_id
    return list(ids) if isinstance(ids, list) else [int(ids)]


def _batches(order: list[int], size: int) -> Iterator[list[int]]:
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    interval = 0.5 if sys.stderr.isatty() else 10.0
    yield from tqdm(
        chunks, desc="evaluate", unit="batch", disable=len(order) < 2, mininterval=interval
    )

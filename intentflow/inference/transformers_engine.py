"""The engine of the transformers library: a model directory in this process, without a server."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from importlib import metadata
from itertools import pairwise
from os.path import commonprefix
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intentflow.errors import InputError
from intentflow.inference.confidence import answer_confidence
from intentflow.inference.copied_values import copies
from intentflow.inference.dialogues import Arrivals, Dialogue, Session, joined_rounds
from intentflow.inference.engines import MAX_NEW_TOKENS, Answer, Completion, Keep
from intentflow.inference.fused_classifier import read_fused_classifier
from intentflow.inference.intent_distribution import IntentVocabulary, Ranking
from intentflow.inference.loading import end_tokens, load_for_decoding
from intentflow.io.progress import progress_bar
from intentflow.prompts import (
    PROMPT_FILE,
    PromptSpec,
    chat_token_ids,
    intent_tokens,
    prompt_token_ids,
    require_baked,
)
from intentflow.taxonomy import Taxonomy

if TYPE_CHECKING:
    from intentflow.inference.constraint import TaxonomyConstraint
    from intentflow.inference.decoding import Decoded, Decoder, Request
    from intentflow.models.attention import States

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 128


class TransformersEngine:
    """Greedy decoding in this process, many rows at a time with a shared prefix.

    Args:
        folder: A model directory of ``train``.
        constrained: Whether to constrain answers to the taxonomy.
        batch_size: Maximum number of rows decoded together; fewer if memory runs out.
        precision: ``bf16``, ``fp32``, or ``auto`` for the faster one.

    Raises:
        InputError: The directory is not a model, or its attention is not supported.
    """

    name = "transformers"
    version: str | None = None
    grammar_backend: str | None = "llguidance"

    def __init__(
        self,
        folder: str | Path,
        *,
        constrained: bool,
        batch_size: int = ROWS_AT_ONCE,
        precision: str = "auto",
    ) -> None:
        from intentflow.models.attention import share_prefixes
        from intentflow.models.directory import check_model_directory

        self.version = metadata.version("transformers")
        self.folder = check_model_directory(folder)
        self.prompt = PromptSpec.read(self.folder / PROMPT_FILE)
        self.taxonomy = Taxonomy.from_yaml(self.folder / "taxonomy.yaml")
        self.constrained = constrained
        self.batch_size = batch_size
        self.tokenizer, self.model = load_for_decoding(self.folder, precision)
        require_baked(self.tokenizer, self.prompt, str(self.folder))
        self.intents = IntentVocabulary.of(self.taxonomy, intent_tokens(self.tokenizer))
        self.fused = read_fused_classifier(str(self.folder), self.intents) if constrained else None
        share_prefixes(self.model)
        self.end_token_ids = end_tokens(self.model)
        self._prefix: tuple[list[int], States] = ([], {})

    def answer(self, instructions: Sequence[str], keep: Keep | None = None) -> list[Answer]:
        """One answer per instruction, in order; ``keep`` is called with each one.

        Raises:
            InputError: A row's prompt leaves no room for an answer; or not even one row fits
                into memory.
        """
        prompts = [prompt_token_ids(self.tokenizer, text) for text in instructions]
        answers: list[Answer] = [Answer("", 0.0)] * len(prompts)
        with progress_bar("answer", total=len(prompts), unit="row", in_log=True) as progress:
            biases = self.fused.biases(instructions) if self.fused else [[]] * len(prompts)
            for done in self._decode_all(prompts, biases, MAX_NEW_TOKENS, instructions):
                answers[done.number] = self._answer(done, biases[done.number])
                if keep:
                    keep(done.number, answers[done.number])
                progress.update()
        return answers

    def rank(self, instructions: Sequence[str]) -> list[Ranking]:
        """The intents of each instruction by the model's own probability, without an answer.

        Raises:
            InputError: Not every intent has a token; or see :meth:`answer`.
        """
        if self.intents is None:
            raise InputError(f"{self.folder}: not every intent has a token, so nothing is ranked")
        prompts = [prompt_token_ids(self.tokenizer, text) for text in instructions]
        rankings: list[Ranking] = [{}] * len(prompts)
        with progress_bar("rank", total=len(prompts), unit="row", in_log=True) as progress:
            for done in self._decode_all(prompts, [[]] * len(prompts), 1):
                rankings[done.number] = self.intents.ranking(done.intent_scores)
                progress.update()
        return rankings

    def complete(
        self, messages: Sequence[Mapping[str, Any]], limit: int, streamer: Any = None
    ) -> Completion:
        """Answer a client's messages with at most ``limit`` tokens.

        Args:
            messages: OpenAI chat messages.
            limit: Maximum number of tokens of the answer, without its end token.
            streamer: A transformers streamer that gets the tokens as they are decoded.
        """
        ids = chat_token_ids(self.tokenizer, messages)
        room = self._context - len(ids)
        dialogue = Dialogue(
            token_ids=ids,
            limit=min(limit, room),
            streamer=streamer,
            biases=self.biases(messages),
            utterance=joined_rounds(messages),
        )
        _, completion = next(self.complete_all([dialogue]))
        return completion

    def biases(self, messages: Sequence[Mapping[str, Any]]) -> list[float]:
        """The classifier's biases for a client's messages; empty if nothing is fused."""
        return self.fused.biases([joined_rounds(messages)])[0] if self.fused else []

    def complete_all(
        self, dialogues: Sequence[Dialogue], arrivals: Arrivals = tuple
    ) -> Iterator[tuple[Dialogue, Completion]]:
        """Answer dialogues together and yield each answer at its end.

        A dialogue whose answer is no longer wanted is dropped.

        Args:
            dialogues: Dialogues to answer.
            arrivals: Function that gives more dialogues before every pass, which join.

        Raises:
            InputError: One of the first dialogues leaves no room for an answer.
        """
        waiting = list(dialogues)
        while waiting:
            prompts = [dialogue.token_ids for dialogue in waiting]
            prefix, states = self._shared_states(self._checked(prompts))
            session = Session(prefix, arrivals)
            requests = [session.request(dialogue) for dialogue in waiting]
            rows = self.batch_size
            for done in self._decoder.decode(_longest_first(requests), states, rows, session.join):
                dialogue = session.end(done.number)
                yield dialogue, self._completion(dialogue, done)
            waiting = session.deferred

    def _completion(self, dialogue: Dialogue, done: Decoded) -> Completion:
        if dialogue.streamer:
            dialogue.streamer.end()
        own = [token for token in done.tokens if token not in self.end_token_ids]
        ended = len(own) < len(done.tokens)
        answer = self._answer(done, dialogue.biases)
        counts = len(dialogue.token_ids), len(own)
        return Completion(answer.text, *counts, ended, answer.confidence, answer.ranking)

    def _decode_all(
        self,
        prompts: list[list[int]],
        biases: Sequence[Sequence[float]],
        limit: int,
        utterances: Sequence[str] | None = None,
    ) -> Iterator[Decoded]:
        """All answers as they end; if memory runs out, again with half the rows at a time."""
        from intentflow.models.memory import free_memory, is_out_of_memory

        texts = utterances or [""] * len(prompts)
        requests, prefix = (
            self._after_prefix(prompts, biases, limit, texts) if prompts else ([], {})
        )
        waiting = {request.number: request for request in requests}
        while waiting:
            try:
                for done in self._decoder.decode([*waiting.values()], prefix, self.batch_size):
                    del waiting[done.number]
                    yield done
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._halve_batch()
            if waiting:  # the error is gone, and with it the frames that held its tensors
                free_memory()

    def _halve_batch(self) -> None:
        former, self.batch_size = self.batch_size, self.batch_size // 2
        if not self.batch_size:
            raise InputError(f"{self.folder}: not even one row fits into memory") from None
        log.warning(
            "out of memory with %d rows at a time: continuing with %d", former, self.batch_size
        )

    def _after_prefix(
        self,
        prompts: list[list[int]],
        biases: Sequence[Sequence[float]],
        limit: int,
        utterances: Sequence[str],
    ) -> tuple[list[Request], States]:
        """The prompts, longest first, and the states of their common prefix."""
        from intentflow.inference.decoding import Request

        prefix, states = self._shared_states(self._checked(prompts))
        requests = [
            Request(
                number,
                prompt[len(prefix) :],
                min(limit, self._context - len(prompt)),
                biases=biases[number],
                utterance=utterances[number],
            )
            for number, prompt in enumerate(prompts)
        ]
        return _longest_first(requests), states

    def _checked(self, prompts: list[list[int]]) -> list[list[int]]:
        """The prompts, all of which leave room for an answer."""
        for row, prompt in enumerate(prompts, 1):
            if len(prompt) >= self._context:
                raise InputError(
                    f"row {row}: its prompt has {len(prompt)} tokens, which leaves no room for an "
                    f"answer in the model's context of {self._context}: shorten or remove the row"
                )
        return prompts

    @property
    def _context(self) -> int:
        return int(self.model.config.max_position_embeddings)

    def _shared_states(self, prompts: list[list[int]]) -> tuple[list[int], States]:
        """The common prefix of these and all other prompts, and its states; cached."""
        import torch

        from intentflow.models.prefix import read_prefix, shared_prefix

        prefix = shared_prefix([*prompts, prompt_token_ids(self.tokenizer, "?")])
        tokens, states = self._prefix
        if tokens[: len(prefix)] != prefix or (prefix and not states):
            with torch.inference_mode():
                states = read_prefix(self.model, torch.tensor(prefix, device=self.model.device))
            self._prefix = (prefix, states)
        size = len(prefix)
        cut = {layer: tuple(state[:, :, :size] for state in pair) for layer, pair in states.items()}
        return prefix, cut if prefix else {}

    @cached_property
    def _decoder(self) -> Decoder:
        from intentflow.inference.decoding import Decoder

        constraint = self._constraint if self.constrained else None
        intent_ids = self.intents.ids if self.intents else ()
        return Decoder(self.model, self.end_token_ids, constraint, intent_ids)

    @cached_property
    def _constraint(self) -> TaxonomyConstraint:
        """The constraint, created once, because reading the vocabulary takes long."""
        from intentflow.inference.constraint import TaxonomyConstraint
        from intentflow.inference.grammar import Endings, taxonomy_grammar

        facts = self.taxonomy, self.prompt.output_format, intent_tokens(self.tokenizer)
        return TaxonomyConstraint(
            self.tokenizer,
            self.model.config.vocab_size,
            self.end_token_ids[0],
            taxonomy_grammar(*facts),
            Endings.of(self.taxonomy, self.prompt.output_format),
            partial(taxonomy_grammar, *facts) if copies(self.taxonomy) else None,
        )

    def _answer(self, done: Decoded, biases: Sequence[float]) -> Answer:
        text = self._text(done.tokens)
        confidence = 0.0  # for an answer that the model did not end
        if done.ended:
            pieces = self._pieces(done.tokens, text)
            confidence = answer_confidence(
                pieces, done.log_probabilities, self.prompt.output_format
            )
        margin = done.margin if math.isfinite(done.margin) else None
        ranking, own = self._ranked(done.intent_scores, biases)
        return Answer(
            text.strip(), done.seconds, confidence, margin=margin, ranking=ranking, own_intent=own
        )

    def _ranked(
        self, scores: Sequence[float], biases: Sequence[float]
    ) -> tuple[Ranking | None, str | None]:
        """The intents by probability, and the one that the model alone puts first."""
        if self.intents is None:
            return None, None
        if self.fused is None:
            return self.intents.ranking(scores), None
        ranking = self.intents.ranking(scores, self.fused.temperature)
        return ranking, self.fused.own_intent(scores, biases)

    def _pieces(self, tokens: list[int], text: str) -> list[str]:
        """The text that each token adds; one that ends within a character adds none yet."""
        begun = [self._text(tokens[:size]) for size in range(len(tokens))]
        ends = [len(commonprefix([part, text])) for part in [*begun, text]]  # noqa: RUF071 - texts
        return [text[start:end] for start, end in pairwise(ends)]

    def _text(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, **_DECODING))


_DECODING: dict[str, Any] = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}


def _longest_first(requests: Sequence[Request]) -> list[Request]:
    return sorted(requests, key=lambda request: -len(request.own))

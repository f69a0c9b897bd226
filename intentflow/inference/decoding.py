"""Greedy decoding of many prompts with a shared prefix.

The prefix is computed once. Rows then come and go: a finished row makes room for the next, so that
a pass through the model only contains useful tokens, and tokens that the constraint forces are
processed together with the next chosen one.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from intentflow.inference.constraint import ConstrainedAnswer, TaxonomyConstraint
from intentflow.inference.row_attention import Block, DecodingPass, RowCache
from intentflow.models.attention import States

PASS_TOKENS = {"cpu": 512, "cuda": 4096}
"""Maximum tokens of one pass; rows that would exceed it wait."""

CACHE_TOKENS = {"cpu": 16_384, "cuda": 131_072}
"""Maximum own tokens of all rows in decoding together; one long row may have more."""

Listener = Callable[[list[int]], None]
"""Called with the tokens of an answer as they are decoded."""


@dataclass(frozen=True)
class Decoded:
    """One answer.

    Attributes:
        number: Index of the prompt that it answers, from 0.
        tokens: Token ids, with the end token if it has one.
        log_probabilities: Natural logarithm per token, among the allowed tokens.
        ended: Whether the model ended it; False if it reached its limit.
        seconds: Time from the row's first pass to its end.
        margin: Smallest lead of a chosen token's log probability over the second best allowed
            one; infinite if no token had an alternative.
        intent_scores: Scores of the intents' tokens at the first step, in the decoder's order;
            empty if it knows none.
    """

    number: int
    tokens: list[int]
    log_probabilities: list[float]
    ended: bool
    seconds: float
    margin: float = math.inf
    intent_scores: Sequence[float] = ()


@dataclass
class Request:
    """A prompt to answer.

    Attributes:
        number: Index among all prompts, from 0.
        own: Tokens of the prompt after the shared prefix; at least one.
        limit: Maximum number of tokens of its answer.
        listener: Function that gets its tokens as they are decoded; None for none.
        is_wanted: Whether its answer is still wanted; called before every pass.
        biases: Addends to the scores of the intents' tokens at each step; empty for none.
        utterance: Text that values are copied from; empty for any values.
    """

    number: int
    own: list[int]
    limit: int
    listener: Listener | None = None
    is_wanted: Callable[[], bool] = lambda: True
    biases: Sequence[float] = ()
    utterance: str = ""


class _Choice(NamedTuple):
    """A chosen token, its log probability, and its lead over the second best."""

    token: int
    log_probability: float
    margin: float


@dataclass
class _Row:
    """A request in decoding.

    Attributes:
        block: Tokens that the model has not processed yet.
    """

    request: Request
    guide: ConstrainedAnswer | None
    block: list[int]
    seen: int = 0
    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    margin: float = math.inf
    intent_scores: list[float] = field(default_factory=list)

    def add(self, tokens: list[int], choice: _Choice) -> None:
        """Append a chosen token and the forced ones after it, up to the limit."""
        self.margin = min(self.margin, choice.margin)
        room = self.request.limit - len(self.tokens)
        self.seen += len(self.block)
        self.block = tokens[:room]
        self.tokens += self.block
        self.log_probabilities += [choice.log_probability, *[0.0] * (len(self.block) - 1)]

    def done(self, ended: bool) -> Decoded:
        """The answer so far."""
        closed = self.guide is not None and self.guide.is_closed
        seconds = time.perf_counter() - self.started
        numbers = (self.request.number, self.tokens, self.log_probabilities)
        return Decoded(*numbers, ended and not closed, seconds, self.margin, self.intent_scores)


class Decoder:
    """Decodes with one model.

    Args:
        model: Model whose attention supports packed passes, see
            :func:`intentflow.models.attention.share_prefixes`.
        end_token_ids: Tokens that end an answer.
        constraint: Grammar constraint of the answers; None for none.
        intent_ids: The intents' tokens, whose scores at the first step are kept.
    """

    def __init__(
        self,
        model: Any,
        end_token_ids: Sequence[int],
        constraint: TaxonomyConstraint | None,
        intent_ids: Sequence[int] = (),
    ) -> None:
        self._model = model
        self._end = frozenset(end_token_ids)
        self._constraint = constraint
        self._intent_ids = list(intent_ids)
        kind = "cuda" if model.device.type == "cuda" else "cpu"
        self._pass_tokens = PASS_TOKENS[kind]
        self._cache_tokens = CACHE_TOKENS[kind]

    def decode(
        self,
        requests: Sequence[Request],
        prefix: States,
        rows_at_once: int,
        join: Callable[[], Sequence[Request]] | None = None,
    ) -> Iterator[Decoded]:
        """Decode the answers and yield each at its end; put the longest prompts first.

        An answer that is no longer wanted is dropped.

        Args:
            requests: Prompts to answer.
            prefix: Keys and values of the shared prefix.
            rows_at_once: Maximum number of rows in decoding.
            join: Function that gives more requests with the same prefix before every pass.
        """
        waiting = deque(requests)
        rows: list[_Row] = []
        cache = RowCache(prefix)
        self._reserve(requests, rows_at_once, cache)
        while waiting or rows:
            waiting.extend(join() if join else ())
            waiting = deque(request for request in waiting if request.is_wanted())
            _drop_unwanted(rows, cache)
            self._admit(waiting, rows, rows_at_once)
            if rows:
                yield from self._step(rows, cache)

    @torch.inference_mode()
    def _step(self, rows: list[_Row], cache: RowCache) -> list[Decoded]:
        """One pass; rows that end with it are removed."""
        scores = self._read(rows, cache)
        self._add_biases(rows, scores)
        self._keep_intent_scores(rows, scores)
        chosen = self._choose(rows, scores)
        ended: list[Decoded] = []
        staying: list[int] = []
        for place, row in enumerate(rows):
            done = self._continue(row, chosen[place])
            if row.request.listener:
                row.request.listener(row.block)
            if done:
                ended.append(done)
            else:
                staying.append(place)
        _close_gaps(rows, staying, cache)
        return ended

    def _reserve(self, requests: Sequence[Request], rows_at_once: int, cache: RowCache) -> None:
        """Reserve memory for rows of the longest prompt, because growth fragments memory."""
        longest = max(map(_room, requests), default=1)
        max_rows = max(self._cache_tokens // longest, 1)
        cache.reserve(min(rows_at_once, len(requests), max_rows), longest)

    def _admit(self, waiting: deque[Request], rows: list[_Row], rows_at_once: int) -> None:
        """Start as many rows as fit into this pass and into the cache."""
        tokens = sum(len(row.block) for row in rows)
        longest = max((_room(row.request) for row in rows), default=0)
        while waiting and len(rows) < rows_at_once:
            request = waiting[0]
            tokens += len(request.own)
            longest = max(longest, _room(request))
            full = tokens > self._pass_tokens or (len(rows) + 1) * longest > self._cache_tokens
            if rows and full:
                return
            waiting.popleft()
            rows.append(self._begin(request))

    def _begin(self, request: Request) -> _Row:
        guide = None
        if self._constraint:
            guide = self._constraint.begin(request.limit, request.utterance)
        return _Row(request, guide, list(request.own))

    def _read(self, rows: Sequence[_Row], cache: RowCache) -> torch.Tensor:
        """Scores of the next tokens, float32 of shape (rows, vocabulary)."""
        cache.reserve(len(rows), max(row.seen + len(row.block) for row in rows))
        blocks = [Block(i, row.seen, len(row.block)) for i, row in enumerate(rows)]
        device = self._model.device
        packing = DecodingPass(cache, blocks, device)
        ids = torch.tensor([token for row in rows for token in row.block], device=device)
        last = torch.tensor([block.length for block in blocks], device=device).cumsum(0) - 1
        scores: torch.Tensor = self._model(
            input_ids=ids[None],
            position_ids=(packing.places + cache.prefix_length)[None],
            logits_to_keep=last,
            use_cache=False,
            packing=packing,
        ).logits[0]
        return scores.float()

    def _add_biases(self, rows: Sequence[_Row], scores: torch.Tensor) -> None:
        """Add to the intents' scores of the rows that have biases."""
        places = [place for place, row in enumerate(rows) if row.request.biases]
        if places:
            biases = torch.tensor([list(rows[place].request.biases) for place in places])
            ids = torch.tensor(self._intent_ids, device=scores.device)
            at = torch.tensor(places, device=scores.device)[:, None], ids
            scores[at] += biases.to(scores)

    def _keep_intent_scores(self, rows: Sequence[_Row], scores: torch.Tensor) -> None:
        """Keep the intents' scores of the rows whose answer begins with this step."""
        begun = [place for place, row in enumerate(rows) if not row.tokens]
        if self._intent_ids and begun:
            found = scores[begun][:, self._intent_ids].tolist()
            for place, intent_scores in zip(begun, found, strict=True):
                rows[place].intent_scores = intent_scores

    def _choose(self, rows: Sequence[_Row], scores: torch.Tensor) -> list[_Choice]:
        """The most likely tokens, which are the first of equal ones."""
        if self._constraint:
            guides = [row.guide for row in rows if row.guide]
            allowed = torch.from_numpy(self._constraint.allowed(guides)).to(scores.device)
            scores = scores.masked_fill_(~allowed, -torch.inf)
        best, chosen = scores.max(-1)
        logs = best - scores.logsumexp(-1)
        second = scores.topk(2, -1).values[:, 1]
        found = (chosen.tolist(), logs.tolist(), (best - second).tolist())
        return [_Choice(*choice) for choice in zip(*found, strict=True)]

    def _continue(self, row: _Row, choice: _Choice) -> Decoded | None:
        """Append the chosen token; returns the answer if it is finished."""
        token = choice.token
        tokens = [token]
        if row.guide and token not in self._end:
            row.guide.accept(token)
            tokens += row.guide.forced()
        row.add(tokens, choice)
        if row.tokens[-1] in self._end:
            return row.done(ended=True)
        return row.done(ended=False) if len(row.tokens) >= row.request.limit else None


def _room(request: Request) -> int:
    """Number of tokens that a row needs: its own, and at least an answer of the usual length."""
    return len(request.own) + min(request.limit, 32)


@torch.inference_mode()
def _drop_unwanted(rows: list[_Row], cache: RowCache) -> None:
    """Remove the rows whose answer nobody wants any more.

    The cache holds tensors of the inference mode, which may be changed in it alone.
    """
    staying = [place for place, row in enumerate(rows) if row.request.is_wanted()]
    _close_gaps(rows, staying, cache)


def _close_gaps(rows: list[_Row], staying: list[int], cache: RowCache) -> None:
    """Move the remaining rows to the first slots; those at the end fill the gaps."""
    count = len(staying)
    gaps = sorted(set(range(count)) - set(staying))
    movers = [place for place in staying if place >= count]
    for source, target in zip(movers, gaps, strict=True):
        rows[target] = rows[source]
    del rows[count:]
    if gaps:
        cache.move(movers, gaps)

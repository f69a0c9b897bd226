"""Attention of rows in decoding: one shared prefix, and a separate past for each row.

The tokens of a pass are in one sequence, a block of one or more from each row, so nothing is
computed for padding. Attention to the prefix is one product for all rows; attention to a row's own
tokens uses a cache; the two are combined by the sums of their softmaxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from intentflow.models.attention import States

_ROOM_STEP = 16


class Block(NamedTuple):
    """Tokens of one row in a pass.

    Attributes:
        slot: Slot of the row in the cache.
        start: Position of the first token after the prefix.
        length: Number of tokens.
    """

    slot: int
    start: int
    length: int


class RowCache:
    """Keys and values of rows, each in its own slot.

    Attributes:
        prefix: Keys and values of the shared prefix; empty without a prefix.
        prefix_length: Number of tokens of the prefix.
    """

    def __init__(self, prefix: States) -> None:
        self.prefix = prefix
        self.prefix_length = next(iter(prefix.values()))[0].shape[2] if prefix else 0
        self._layers: dict[int, list[torch.Tensor]] = {}
        self._slots = 0
        self._room = 0

    def reserve(self, slots: int, tokens: int) -> None:
        """Reserve memory for ``slots`` rows of ``tokens`` own tokens; present content stays."""
        if slots > self._slots or tokens > self._room:
            if slots > self._slots:  # more than required, so that it is rarely enlarged
                self._slots = max(slots, 2 * self._slots)
            self._room = -(-tokens // _ROOM_STEP) * _ROOM_STEP
            for states in self._layers.values():
                states[:] = [self._resized(state) for state in states]

    def move(self, source: Sequence[int], target: Sequence[int]) -> None:
        """Copy rows to other slots."""
        for states in self._layers.values():
            for state in states:
                state[list(target)] = state[list(source)]

    def write(
        self,
        layer: int,
        states: tuple[torch.Tensor, torch.Tensor],
        slots: torch.Tensor,
        places: torch.Tensor,
    ) -> list[torch.Tensor]:
        """Store keys and values of shape (1, heads, tokens, size).

        Returns:
            The layer's keys and values, of shape (slots, heads, room, size).
        """
        if layer not in self._layers:
            shape = (self._slots, states[0].shape[1], self._room, states[0].shape[3])
            self._layers[layer] = [state.new_zeros(shape) for state in states]
        for kept, new in zip(self._layers[layer], states, strict=True):
            kept[slots, :, places] = new[0].transpose(0, 1)
        return self._layers[layer]

    def _resized(self, state: torch.Tensor) -> torch.Tensor:
        slots, heads, room, size = state.shape
        larger = state.new_zeros((self._slots, heads, self._room, size))
        kept = min(room, self._room)
        larger[:slots, :, :kept] = state[:, :, :kept]
        return larger


@dataclass(frozen=True)
class _Group:
    """Blocks of similar length, padded to the longest of them.

    Attributes:
        slots: int64 of shape (rows,); None for the first slots, in order.
        tokens: int64 of shape (rows, longest): index in the pass; padding repeats a token.
        places: int64, shaped like ``tokens``: position of the token in its row, after the prefix.
        real: bool, shaped like ``tokens``: False for padding.
    """

    slots: torch.Tensor | None
    tokens: torch.Tensor
    places: torch.Tensor
    real: torch.Tensor


class DecodingPass:
    """One pass of blocks through the model, as :class:`intentflow.models.attention.Packing`.

    Args:
        cache: Cache with room for all blocks, which stores their keys and values.
        blocks: One per row, in the order of their tokens in the pass.
        device: Device of the model.
    """

    def __init__(self, cache: RowCache, blocks: Sequence[Block], device: torch.device) -> None:
        self._cache = cache
        self._width = max(block.start + block.length for block in blocks)
        slots = [block.slot for block in blocks for _ in range(block.length)]
        places = [p for b in blocks for p in range(b.start, b.start + b.length)]
        self._slots = torch.tensor(slots, device=device)
        self.places = torch.tensor(places, device=device)
        self._groups = _group(blocks, device)
        self._masks: dict[int | None, list[torch.Tensor]] = {}

    def attend(
        self,
        layer: int,
        states: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        window: int | None,
        *,
        scale: float | None,
        **_: float,
    ) -> torch.Tensor:
        """The layer's attention, of shape (1, heads, tokens, size) like its queries."""
        query, key, value = states
        kept = self._cache.write(layer, (key, value), self._slots, self.places)
        queries = query[0] * (query.shape[3] ** -0.5 if scale is None else scale)
        output, weight = self._see_rows(queries, kept, window)
        if self._cache.prefix:
            found, other = self._see_prefix(queries, self._cache.prefix[layer], window)
            share = torch.sigmoid(weight - other)[..., None].to(output.dtype)
            output = torch.lerp(found, output, share)
        return output[None]

    def _see_rows(
        self, queries: torch.Tensor, kept: list[torch.Tensor], window: int | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if window not in self._masks:
            self._masks[window] = [self._row_mask(group, window) for group in self._groups]
        output = torch.empty_like(queries)
        weight = queries.new_empty(queries.shape[:2], dtype=torch.float32)
        for group, mask in zip(self._groups, self._masks[window], strict=True):
            rows, longest = group.tokens.shape
            keys, values = (self._of_group(state, group) for state in kept)
            heads, size = keys.shape[1], queries.shape[2]
            scaled = queries[:, group.tokens].transpose(0, 1).reshape(rows, heads, -1, size)
            found, sums = _attend(scaled, keys, values, mask)
            found = found.view(rows, -1, longest, size).transpose(0, 1)
            sums = sums.view(rows, -1, longest).transpose(0, 1)
            own = group.tokens[group.real]
            output[:, own] = found[:, group.real]
            weight[:, own] = sums[:, group.real]
        return output, weight

    def _see_prefix(
        self, queries: torch.Tensor, prefix: tuple[torch.Tensor, ...], window: int | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        keys, values = (state[0] for state in prefix)
        heads, length, size = keys.shape
        scaled = queries.reshape(heads, -1, size)
        found, sums = _attend(scaled, keys, values, self._prefix_mask(length, window))
        return found.view(queries.shape), sums.view(queries.shape[:2])

    def _of_group(self, state: torch.Tensor, group: _Group) -> torch.Tensor:
        if group.slots is None:
            return state[: len(group.tokens), :, : self._width]
        return state[group.slots, :, : self._width]

    def _row_mask(self, group: _Group, window: int | None) -> torch.Tensor:
        """Shape (rows, 1, group of heads x longest, width); true if a query does not attend."""
        keys = torch.arange(self._width, device=group.places.device)
        ahead = keys - group.places[..., None]
        hidden = ahead > 0
        if window is not None:
            hidden |= ahead <= -window
        return hidden[:, None]

    def _prefix_mask(self, length: int, window: int | None) -> torch.Tensor | None:
        if window is None or self._width + length <= window:
            return None
        keys = torch.arange(length, device=self.places.device)
        return (self.places[:, None] + length - keys >= window)[None]


def _attend(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, hidden: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Softmax attention of shape (…, queries, size), and the logarithm of each softmax's sum.

    Args:
        queries: Scaled, of shape (…, queries, size); several heads after another share keys.
        keys: Shape (…, keys, size).
        values: Shape (…, keys, size).
        hidden: Bool, true if a query of one head does not attend to a key.
    """
    scores = torch.matmul(queries, keys.transpose(-1, -2)).float()
    if hidden is not None:
        by_head = scores.view(*scores.shape[:-2], -1, *hidden.shape[-2:])
        by_head.masked_fill_(hidden[..., None, :, :], -torch.inf)
    max_score = scores.amax(-1, keepdim=True).clamp_min_(torch.finfo(scores.dtype).min)
    weights = scores.sub_(max_score).exp_()
    total = weights.sum(-1, keepdim=True)
    output = torch.matmul(weights.to(values.dtype), values) / total.clamp_min(1.0).to(values.dtype)
    return output, (total.log() + max_score)[..., 0]


def _group(blocks: Sequence[Block], device: torch.device) -> list[_Group]:
    """Blocks of 1, of 2 to 3, of 4 to 7, … tokens."""
    starts = [0]
    for block in blocks:
        starts.append(starts[-1] + block.length)
    by_length: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        by_length.setdefault(block.length.bit_length(), []).append(i)
    return [_pad(blocks, starts, chosen, device) for chosen in by_length.values()]


def _pad(
    blocks: Sequence[Block], starts: Sequence[int], chosen: list[int], device: torch.device
) -> _Group:
    by_slot = {blocks[i].slot: (starts[i], *blocks[i][1:]) for i in chosen}
    every = max(by_slot) + 1
    slots: Sequence[int] = list(by_slot)
    if dense := 2 * len(by_slot) > every:  # a few idle rows cost less than a copy of the others
        slots = range(every)
    table = torch.tensor([by_slot.get(slot, (0, 0, 0)) for slot in slots])
    first, place, length = (column[:, None] for column in table.unbind(1))
    steps = torch.arange(int(length.max()))[None]
    real = steps < length
    steps = steps.minimum((length - 1).clamp_min(0))
    return _Group(
        None if dense else torch.tensor(slots, device=device),
        (first + steps).to(device),
        (place + steps).to(device),
        real.to(device),
    )

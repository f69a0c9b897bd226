"""Pieces of a streamed answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from intentflow.serving.streaming import stripped


def _stream(pieces: list[str]) -> list[str]:
    async def source() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    async def collect() -> list[str]:
        return [str(piece) async for piece in stripped(source())]

    return asyncio.run(collect())


@given(st.lists(st.text(alphabet=" \na(", max_size=4), max_size=6))
def test_pieces_join_to_the_answer_in_one_piece(pieces: list[str]) -> None:
    assert "".join(_stream(pieces)) == "".join(pieces).strip()


def test_a_piece_is_handed_on_as_it_comes() -> None:
    assert _stream(["play_music(", "Queen", ")"]) == ["play_music(", "Queen", ")"]

"""Utterances for tests: English, and no two alike."""

import random
from functools import cache

from intentflow.records import Example

_TEXT = """
about account afternoon another answer apple balance because behind bicycle blanket bottle breakfast
bridge brother camera careful carpet change charge children coffee corner country curtain daughter
decide describe dinner doctor driver during early elephant evening every family farmer finger flower
forest forget friend garden glass grandmother green guitar hammer happy holiday hotel hungry island
jacket kitchen ladder language laugh letter library little machine market medicine minute mirror
money morning mountain music neighbour never newspaper number office orange parcel pencil people
picture pillow please pocket quiet rather river sandwich school shoulder silver sister station
storm street sugar suitcase summer table teacher ticket together tomorrow train travel umbrella
village water weather window winter without yellow yesterday
"""
_WORDS = _TEXT.split()


@cache
def say(number: int) -> str:
    """The utterance of a number, from 0: six words."""
    return " ".join(random.Random(number).sample(_WORDS, 6))


def good_rows(count: int = 60) -> list[Example]:
    """``count`` rows each of the intents a, b and c, with nothing to find in them."""
    return [
        Example(say(i + count * place), f"{name}()")
        for place, name in enumerate("abc")
        for i in range(count)
    ]

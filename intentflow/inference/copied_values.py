"""Values that are copied from the utterance: the part of a grammar that belongs to one request."""

from __future__ import annotations

import json
from collections.abc import Iterable

from intentflow.calls import OutputFormat
from intentflow.io.surrogates import is_unicode
from intentflow.spans import text_pieces
from intentflow.taxonomy import Taxonomy

MAX_CHARACTERS = 4000
"""Characters of the longest utterance whose spans stand in a grammar; of a longer one any text is
allowed."""

COPIED = "copied"
"""The grammar's rule of a value that is a span of the utterance."""

# As values are written: bare without syntax characters, else as a JSON string.
_BARE = r'/[^ (),;"\x00-\x1f]([^(),;"\x00-\x1f]*[^ (),;"\x00-\x1f])?/'
_INSIDE_QUOTES = r"/[^ ](.*[^ ])?/"
_NEEDS_QUOTES = r'/.*[(),;"].*/'
_SYNTAX = frozenset('(),;"')


def copied_rules(utterance: str, output_format: OutputFormat) -> str | None:
    """The rule ``copied`` of an utterance, whose values are runs of its words.

    Args:
        utterance: Text of the user, rounds joined.
        output_format: Format of the answers.

    Returns:
        Text in llguidance's Lark dialect; None where the utterance has no letter or digit, or is
        too long, so that any text has to be allowed.

    Example:
        >>> copied_rules("to Rome", "call").splitlines()[1][:58]
        'COPIED: %regex {"substring_chunks": ["to", " ", "Rome"]} &'
    """
    pieces = text_pieces(utterance)
    if len(utterance) > MAX_CHARACTERS or not is_unicode(utterance):
        return None
    if not any(piece[0].isalnum() for piece in pieces):
        return None
    bare = f"COPIED: {_substring(pieces)} & {_BARE}"
    quoted = f"QUOTED_COPY: {_substring(map(_escaped, pieces))} & {_INSIDE_QUOTES}"
    if output_format == "json":
        return f'{COPIED}: "\\"" QUOTED_COPY "\\""\n{quoted}'
    if not _SYNTAX & set(utterance):
        return f"{COPIED}: COPIED\n{bare}"
    return f'{COPIED}: COPIED | "\\"" QUOTED_COPY "\\""\n{bare}\n{quoted} & {_NEEDS_QUOTES}'


def first_word(utterance: str) -> str:
    """The first word of an utterance, a value of last resort; empty if there is none."""
    return next((piece for piece in text_pieces(utterance) if piece[0].isalnum()), "")


def copies(taxonomy: Taxonomy) -> bool:
    """Whether values of any intent are copied from the utterance."""
    return any(
        intent.is_copied(name) for intent in taxonomy.intents.values() for name in intent.parameters
    )


def _substring(pieces: Iterable[str]) -> str:
    return f"%regex {json.dumps({'substring_chunks': [*pieces]}, ensure_ascii=False)}"


def _escaped(piece: str) -> str:
    return json.dumps(piece, ensure_ascii=False)[1:-1]

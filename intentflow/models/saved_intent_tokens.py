"""The intent tokens of a model directory, read without its tokenizer."""

from __future__ import annotations

import json

from intentflow.errors import InputError
from intentflow.prompts import INTENT_TOKENS

TOKENIZER_FILE = "tokenizer_config.json"
"""The file of a model directory that has them."""


def saved_intent_tokens(content: bytes | None, where: str) -> dict[str, int]:
    """Call openings that are one token in answers, with their ids; empty if answers are text.

    Args:
        content: :data:`TOKENIZER_FILE` of the model; None if it has none.
        where: Location of the file, for messages.

    Raises:
        InputError: The file is not a JSON object, or its intent tokens are not ids by text.

    Example:
        >>> saved_intent_tokens(b'{"intent_tokens": {"stop()": 512}}', "tokenizer_config.json")
        {'stop()': 512}
    """
    if content is None:
        return {}
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InputError(f"{where}: not a JSON object")
    tokens = document.get(INTENT_TOKENS) or {}
    if not isinstance(tokens, dict) or not all(type(it) is int for it in tokens.values()):
        raise InputError(f"{where}: {INTENT_TOKENS} are not token ids by the call's beginning")
    return tokens

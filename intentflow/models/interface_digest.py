"""Digest of what a service applies to a model's requests and answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def interface_digest(
    prompt_digest: str,
    taxonomy: bytes | None,
    calibration: bytes | None,
    intent_tokens: Mapping[str, int],
    classifier: bytes | None = None,
) -> str:
    """SHA-256 of everything that a service applies; models with the same one can be exchanged.

    Args:
        prompt_digest: Digest of the prompt.
        taxonomy: ``taxonomy.yaml`` of the model; None if it has none.
        calibration: ``calibration.json`` of the model; None if it has none.
        intent_tokens: Call openings that are one token, whose ids stand in the requests' grammar.
        classifier: ``classifier/classifier.json`` of the model, which names its weights; None if
            it has none.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> interface_digest("p", b"intents: {}", None, {}) == interface_digest("p", None, None, {})
        False
    """
    files = [
        hashlib.sha256(it).hexdigest() if it is not None else "" for it in (taxonomy, calibration)
    ]
    tokens = [json.dumps(intent_tokens, sort_keys=True)] if intent_tokens else []
    tokens += [hashlib.sha256(classifier).hexdigest()] if classifier is not None else []
    return hashlib.sha256(" ".join([prompt_digest, *files, *tokens]).encode()).hexdigest()

"""Digest of what a service applies to a model's requests and answers."""

from __future__ import annotations

import hashlib


def interface_digest(prompt_digest: str, taxonomy: bytes | None, calibration: bytes | None) -> str:
    """SHA-256 of prompt, taxonomy and calibration: models with the same one can be exchanged.

    Args:
        prompt_digest: Digest of the prompt.
        taxonomy: ``taxonomy.yaml`` of the model; None if it has none.
        calibration: ``calibration.json`` of the model; None if it has none.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> interface_digest("p", b"intents: {}", None) == interface_digest("p", None, None)
        False
    """
    files = [
        hashlib.sha256(it).hexdigest() if it is not None else "" for it in (taxonomy, calibration)
    ]
    return hashlib.sha256(" ".join([prompt_digest, *files]).encode()).hexdigest()

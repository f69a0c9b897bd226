"""Limits of one request's size and duration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a service; what exceeds them is refused before the model is asked.

    Attributes:
        max_body_bytes: Bytes of a request's body.
        max_instances: Utterances or dialogues of one request.
        max_messages: Messages of one dialogue.
        max_characters: Characters of one utterance, or of a dialogue's messages together.
        max_concurrent: Requests in work and waiting; more are refused with 429.
        body_seconds: Time in which a request's body has to come.
        timeout_seconds: Time of one answer, the model's included.
    """

    max_body_bytes: int = 1_000_000
    max_instances: int = 64
    max_messages: int = 400
    max_characters: int = 20_000
    max_concurrent: int = 256
    body_seconds: float = 30.0
    timeout_seconds: float = 30.0

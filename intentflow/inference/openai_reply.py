"""Facts about the tokens of an OpenAI endpoint's replies, and the requests for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from intentflow.calls import OutputFormat
from intentflow.inference.confidence import listed_confidence
from intentflow.inference.engines import TokenUsage
from intentflow.inference.intent_distribution import Ranking

# vLLM lists tokens that the grammar excludes with -9999.
_EXCLUDED = -1_000.0


class ChatReply(NamedTuple):
    """Text, confidence, margin, likely first tokens and usage of a reply, and why it ended.

    Who knows the intents' tokens adds ranking and own intent, see
    :class:`intentflow.inference.engines.Answer`.
    """

    text: str
    confidence: float | None
    margin: float | None
    finish_reason: str | None
    likely: Sequence[tuple[str, float]] = ()
    ranking: Ranking | None = None
    own_intent: str | None = None
    usage: TokenUsage | None = None


@dataclass(frozen=True)
class RequestForm:
    """Facts about tokens that a request asks for.

    Attributes:
        arguments: Arguments of the request.
        without: The argument of the richer form that this one leaves out.
        lacks: Name of the fact that answers lack without it.
    """

    arguments: dict[str, Any]
    without: str = ""
    lacks: str = ""


def request_forms(alternatives: int) -> list[RequestForm]:
    """The forms of a request, the one that asks for most facts first.

    Args:
        alternatives: Number of likely tokens to ask for at each place; 0 for none.
    """
    listed = {"logprobs": True}
    plain = RequestForm({}, "logprobs", "confidence")
    if not alternatives:
        return [RequestForm(listed), plain]
    rich = RequestForm({**listed, "top_logprobs": alternatives})
    return [rich, RequestForm(listed, "top_logprobs", "margin"), plain]


def read_reply(reply: Any, output_format: OutputFormat) -> ChatReply:
    """Read the first choice of a chat completion.

    Raises:
        IndexError, AttributeError, TypeError, ValueError: The reply has an unexpected format.
    """
    choice = reply.choices[0]
    text = choice.message.content or ""
    if not isinstance(text, str):
        raise TypeError("content is not text")
    text.encode()  # a lone surrogate cannot be written to a file
    listed = getattr(getattr(choice, "logprobs", None), "content", None) or []
    confidence = _confidence(listed, text, output_format)
    likely = _likely(listed[0]) if listed else []
    return ChatReply(
        text, confidence, _margin(listed), choice.finish_reason, likely, usage=_usage(reply)
    )


def _usage(reply: Any) -> TokenUsage | None:
    """The numbers of tokens; None where the endpoint states none, or no counts."""
    stated = getattr(reply, "usage", None)
    prompt, answer = (
        getattr(stated, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    if not (isinstance(prompt, int) and isinstance(answer, int) and min(prompt, answer) >= 0):
        return None
    return TokenUsage(prompt, answer)


def _confidence(listed: list[Any], text: str, output_format: OutputFormat) -> float | None:
    """The confidence from the server's list of tokens; None if they do not match the text."""
    tokens = [
        (t.token.encode() if t.bytes is None else bytes([*t.bytes]), _number(t.logprob))
        for t in listed
    ]
    return listed_confidence(tokens, text, output_format)


def _likely(token: Any) -> list[tuple[str, float]]:
    """Text and log probability of the likely tokens at a place."""
    return [(str(one.token), _number(one.logprob)) for one in token.top_logprobs or ()]


def _margin(listed: list[Any]) -> float | None:
    """The smallest lead of a token over the second best; None if none had an alternative."""
    leads = []
    for token in listed:
        best = sorted((_number(one.logprob) for one in token.top_logprobs or ()), reverse=True)
        if len(best) > 1 and best[1] > _EXCLUDED:
            leads.append(float(token.logprob) - best[1])
    return min(filter(math.isfinite, leads), default=None)


def _number(value: Any) -> float:
    if math.isnan(number := float(value)):
        raise ValueError("a probability is not a number")
    return number

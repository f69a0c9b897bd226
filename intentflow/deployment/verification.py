"""Verification of a rollout from outside: the wanted model answers, and answers correctly.

The status of an InferenceService stays Ready while pods of the former model answer. So the service
is asked: each of its answers names the model that gave it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, model_validator

from intentflow.config import Flag, StrictModel
from intentflow.deployment.smoke_test import ask, read_model_taxonomy, read_probes
from intentflow.deployment.transformer import openai_url
from intentflow.errors import CheckFailed
from intentflow.inference.openai_engine import KEY, key_from_environment
from intentflow.io.addresses import require_address
from intentflow.openai_api.model_header import MODEL_HEADER

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.5
_REPLY_SECONDS = 60.0
# Any text gets an answer; which one is not compared.
_UTTERANCE = "hello"


class VerifyConfig(StrictModel):
    """Configuration of ``intentflow verify``."""

    url: Annotated[str, Flag(metavar="URL")] = Field(
        description="URL of the service's transformer, without /openai/v1"
    )
    model_digest: Annotated[str, Flag(metavar="DIGEST")] = Field(
        pattern=r"^[0-9a-f]{64}$", description="Digest of the model that has to answer"
    )
    probe: Annotated[str | None, Flag(metavar="F")] = Field(
        None,
        description="Rows for a smoke test: instruction, and the evaluated prediction or the "
        "output; a path or s3://",
    )
    model: Annotated[str | None, Flag(metavar="URI")] = Field(
        None, description="The published model, whose taxonomy answers to these rows must fit"
    )
    timeout_seconds: Annotated[float, Flag("--timeout", metavar="S")] = Field(
        1800.0, gt=0, description="Seconds that the model has to answer in"
    )
    answers: Annotated[int, Flag(metavar="N")] = Field(
        10,
        ge=1,
        description="Answers in a row that the model has to give, each over a new connection, "
        "because pods of the former one may still answer others",
    )

    @model_validator(mode="after")
    def _fit_probe(self) -> Self:
        if self.model and not self.probe:
            raise ValueError("model: it is for the taxonomy of probe rows; give --probe, too")
        return self


@dataclass(frozen=True)
class VerifyResult:
    """A verified service.

    Attributes:
        url: Base URL that was asked.
        model_digest: Digest of the model that answers.
        probes: Number of known utterances with correct answers.
        seconds: Seconds until the model answered.
    """

    url: str
    model_digest: str
    probes: int
    seconds: float


def verify(config: VerifyConfig) -> VerifyResult:
    """Wait until a model answers all requests of a service, then compare known answers.

    Raises:
        InputError: The probe rows or the taxonomy cannot be read.
        ServiceError: The storage of the probe rows does not answer.
        CheckFailed: The key is refused; the model does not answer in time; or an answer is wrong.
    """
    url = openai_url(require_address(config.url, "service", KEY), has_transformer=True)
    probes = read_probes(config.probe) if config.probe else []
    taxonomy = read_model_taxonomy(config.model) if config.model else None
    start = time.monotonic()
    _await_model(url, config)
    seconds = time.monotonic() - start
    log.info("%s: model %s answers after %.0f s", url, config.model_digest[:12], seconds)
    if probes:
        ask(url, probes, taxonomy)
    return VerifyResult(url, config.model_digest, len(probes), round(seconds, 1))


def _await_model(url: str, config: VerifyConfig) -> None:
    """Ask until enough answers in a row are the model's; each change of the fault is logged."""
    deadline = time.monotonic() + config.timeout_seconds
    in_a_row, last = 0, ""
    while time.monotonic() < deadline:
        fault = _fault(url, config.model_digest)
        in_a_row = 0 if fault else in_a_row + 1
        if in_a_row == config.answers:
            return
        if fault and fault != last:
            log.info("%s: %s", url, fault)
            last = fault
        if fault:
            time.sleep(_PAUSE_SECONDS)
    raise CheckFailed(
        f"{url}: after {config.timeout_seconds:g} s model {config.model_digest[:12]} does not "
        f"answer all requests: {last or 'too few answers within this time'}"
    )


def _fault(url: str, digest: str) -> str | None:
    """The reason why one request was not answered by the model; None if it was.

    Raises:
        CheckFailed: The key is refused.
    """
    import httpx2 as httpx

    key = key_from_environment()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"messages": [{"role": "user", "content": _UTTERANCE}]}
    try:
        # A connection of its own each time: one that is kept stays with one pod.
        with (
            httpx.Client(timeout=_REPLY_SECONDS) as client,
            client.stream("POST", f"{url}/chat/completions", json=body, headers=headers) as reply,
        ):
            status, answering = reply.status_code, reply.headers.get(MODEL_HEADER)
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    if status == HTTPStatus.UNAUTHORIZED:
        raise CheckFailed(f"{url} refused the key (HTTP {status}): set {KEY}")
    if status != HTTPStatus.OK:
        return f"HTTP {status}"
    if answering is None:
        return f"the answer does not name its model ({MODEL_HEADER}); is it an older transformer?"
    return None if answering == digest else f"another model answers ({answering[:12]})"

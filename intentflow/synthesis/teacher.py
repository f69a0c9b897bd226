"""The teacher's configuration file: where it is, what it may cost, how many rows are wanted."""

from __future__ import annotations

import hashlib
import json
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from intentflow.config import StrictModel

_NOT_THE_ANSWERS = frozenset(
    {"api_key_env", "timeout_seconds", "retries", "concurrency", "budget", "max_tokens_parameter"}
)


class TeacherBudget(StrictModel):
    """What a synthesis may cost altogether, resumed runs included."""

    max_requests: int = Field(
        default=500, ge=1, description="requests sent, the repeated ones and second labels included"
    )
    max_tokens: int = Field(
        default=1_000_000,
        ge=1,
        description="tokens of prompts and answers as the server counts them; a request that "
        "could exceed the rest is not sent",
    )


class Teacher(StrictModel):
    """An OpenAI-compatible endpoint that writes new phrasings, and the limits it works in."""

    base_url: str = Field(description="for example https://api.openai.com/v1; no key in it")
    model: str = Field(min_length=1, description="the model's name at that endpoint")
    api_key_env: str | None = Field(
        default="OPENAI_API_KEY",
        description="environment variable that holds the key; null for an endpoint without keys",
    )
    timeout_seconds: float = Field(
        default=120, gt=0, le=3600, description="longest time for one whole reply"
    )
    retries: int = Field(
        default=3, ge=0, le=20, description="times that a failed request is sent again"
    )
    concurrency: int = Field(default=4, ge=1, le=64, description="requests under way at a time")
    budget: TeacherBudget = Field(default_factory=TeacherBudget)
    max_answer_tokens: int = Field(
        default=2000, ge=64, description="longest answer, its reasoning included"
    )
    max_tokens_parameter: Literal["max_completion_tokens", "max_tokens"] = Field(
        default="max_completion_tokens",
        description="what the endpoint calls that limit; older servers know max_tokens only",
    )
    temperature: float | None = Field(
        default=1.0, ge=0, le=2, description="for new phrasings; null where the model takes none"
    )
    target_rows: int | None = Field(
        default=None, ge=1, description="rows each intent should have; default: the median"
    )
    max_growth: float = Field(
        default=3.0, gt=1, description="rows of an intent at most, in multiples of its real rows"
    )
    phrasings_per_request: int = Field(default=5, ge=1, le=20)
    examples_per_request: int = Field(
        default=8, ge=1, le=50, description="real rows that a request shows, redacted"
    )

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        """An address without secrets; one without a path gets the API's usual ``/v1``."""
        url = url.strip().rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as https://api.openai.com/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "expected no user, password or ?query: the key is read from the environment "
                "variable that api_key_env names"
            )
        return url if parts.path else f"{url}/v1"

    @model_validator(mode="after")
    def _key_is_a_name(self) -> Self:
        """A key pasted in place of the variable's name would end up in error messages."""
        name = self.api_key_env
        if name is not None and not (name.isidentifier() and name.isascii()):
            raise ValueError("api_key_env is the name of an environment variable, not the key")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what the answers depend on; limits of time and cost may change in between."""
        settings = self.model_dump(exclude=set(_NOT_THE_ANSWERS))
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

"""Configuration of the teacher: endpoint, budget and target numbers of rows."""

from __future__ import annotations

import hashlib
import json
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from intentflow.config import StrictModel

_WITHOUT_EFFECT_ON_ANSWERS = frozenset(
    {"api_key_env", "timeout_seconds", "retries", "concurrency", "budget", "max_tokens_parameter"}
)


class TeacherBudget(StrictModel):
    """Limits of a synthesis, including all its resumed runs."""

    max_requests: int = Field(
        default=500, ge=1, description="number of requests, including retries and second labels"
    )
    max_tokens: int = Field(
        default=1_000_000,
        ge=1,
        description="tokens of prompts and answers as the server counts them; a request that "
        "could exceed the remaining budget is not sent",
    )


class Teacher(StrictModel):
    """An OpenAI-compatible endpoint that writes new phrasings, with its limits and targets."""

    base_url: str = Field(
        description="URL of the endpoint, such as https://api.openai.com/v1; no key in it"
    )
    model: str = Field(min_length=1, description="the model's name at that endpoint")
    api_key_env: str | None = Field(
        default="OPENAI_API_KEY",
        description="environment variable with the API key; null for an endpoint without keys",
    )
    timeout_seconds: float = Field(
        default=120, gt=0, le=3600, description="maximum time for one complete reply"
    )
    retries: int = Field(
        default=3, ge=0, le=20, description="number of retries of a failed request"
    )
    concurrency: int = Field(
        default=4, ge=1, le=64, description="maximum number of concurrent requests"
    )
    budget: TeacherBudget = Field(default_factory=TeacherBudget)
    max_answer_tokens: int = Field(
        default=2000, ge=64, description="maximum tokens of an answer, including its reasoning"
    )
    max_tokens_parameter: Literal["max_completion_tokens", "max_tokens"] = Field(
        default="max_completion_tokens",
        description="the endpoint's name of that limit; older servers know only max_tokens",
    )
    temperature: float | None = Field(
        default=1.0,
        ge=0,
        le=2,
        description="temperature of new phrasings; null if the model accepts none",
    )
    target_rows: int | None = Field(
        default=None, ge=1, description="desired rows of each intent; default: the median"
    )
    max_growth: float = Field(
        default=3.0, gt=1, description="maximum rows of an intent, in multiples of its real rows"
    )
    phrasings_per_request: int = Field(
        default=5, ge=1, le=20, description="phrasings that one request asks for"
    )
    examples_per_request: int = Field(
        default=8, ge=1, le=50, description="real rows that a request shows, redacted"
    )

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        """Check the address; one without a path gets the API's usual ``/v1``."""
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
        """Refuse a key in place of the variable's name, which would appear in error messages."""
        name = self.api_key_env
        if name is not None and not (name.isidentifier() and name.isascii()):
            raise ValueError("api_key_env is the name of an environment variable, not the key")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the settings that affect answers; limits may change between runs."""
        settings = self.model_dump(exclude=set(_WITHOUT_EFFECT_ON_ANSWERS))
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

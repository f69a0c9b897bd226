"""Predict: whom to ask for the calls of utterances, and for what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel

LOCAL_URL = "http://127.0.0.1:8000"
"""Endpoint of ``intentflow serve``."""
TOKEN_VARIABLE = "INTENTFLOW_TOKEN"
"""Environment variable with the token of a deployed service."""


class PredictConfig(StrictModel):
    """Configuration of ``intentflow predict``.

    Example:
        >>> PredictConfig(model="runs/example/model", top_k=3).name
        'intent'
    """

    url: Annotated[str | None, Flag(metavar="URL")] = Field(
        None, description=f"URL of an OpenAI endpoint (default: {LOCAL_URL})"
    )
    service: Annotated[str | None, Flag(metavar="URL")] = Field(
        None,
        description=f"URL of a deployed intent service; its token comes from {TOKEN_VARIABLE}",
    )
    name: Annotated[str, Flag(metavar="NAME")] = Field(
        "intent", description="Name of the deployed service"
    )
    model: Annotated[str | None, Flag(metavar="DIR")] = Field(
        None, description="A model directory, loaded for this call"
    )
    field: Annotated[str | None, Flag(metavar="NAME")] = Field(
        None, description="Name of the utterance's field in --data; found unless given"
    )
    allow_thinking: bool = Field(
        False,
        description="Leave out a thinking block at the beginning of an endpoint's answers",
    )
    top_k: Annotated[int | None, Flag(metavar="N")] = Field(
        None,
        ge=1,
        description="Number of the most probable intents to rank, with --service or --model",
    )

"""The address of a published model, for readers that do not know its digest."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import ClosedArtifact


class PublishedModel(ClosedArtifact):
    """A published model: ``published.json`` next to it.

    Example:
        >>> PublishedModel(uri="s3://models/intent/sha256-0", digest="0").uri
        's3://models/intent/sha256-0'
    """

    WRONG_KIND: ClassVar[str] = "not the address of a published model"

    uri: str = Field(description="Address of the model directory")
    digest: str = Field(description="SHA-256 of the model directory")

"""Publish: a model or a data set to where its digest names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intentflow.config import Flag, Place, StrictModel

if TYPE_CHECKING:
    from intentflow.storage import Published

DESTINATION = "Folder or s3://bucket/prefix; the digest is added to it"


class PublishConfig(StrictModel):
    """Where what is published goes."""

    destination: Annotated[str, Place(), Flag("destination")] = Field(description=DESTINATION)


def run_publish(source: str | Path, config: PublishConfig) -> Published:
    """Store a model directory, a data directory or a file under its digest.

    Args:
        source: Directory or file to store; files that are there already are not sent again.
        config: Destination.

    Returns:
        Its URI, ``<destination>/sha256-<digest>``, and what was sent.

    Raises:
        IntentflowError: Nothing there, or the storage refused.
    """
    from intentflow.storage import publish

    return publish(Path(source), config.destination)

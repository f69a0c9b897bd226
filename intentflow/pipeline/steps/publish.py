"""Publish: a model or a data set to a content-addressed location."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intentflow.config import Flag, Place, StrictModel

if TYPE_CHECKING:
    from intentflow.storage import Published

DESTINATION = "Folder or s3://bucket/prefix; the digest is appended"


class PublishConfig(StrictModel):
    """Configuration of publishing."""

    destination: Annotated[str, Place(), Flag("destination")] = Field(description=DESTINATION)


def run_publish(source: str | Path, config: PublishConfig) -> Published:
    """Store a model directory, a data directory or a file under its digest.

    Args:
        source: Directory or file to store; files that exist already are not sent again.
        config: Destination.

    Returns:
        Its URI, ``<destination>/sha256-<digest>``, and the numbers of files and bytes.

    Raises:
        InputError: The source does not exist.
        ServiceError: The storage refused.
    """
    from intentflow.storage import publish

    return publish(Path(source), config.destination)

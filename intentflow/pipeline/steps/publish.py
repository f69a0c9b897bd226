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
    """Configuration of publishing.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> Path("sets").mkdir()
        >>> for part in ("train", "test"):
        ...     _ = Path(f"sets/{part}.jsonl").write_text(f"rows of {part}")
        >>> config = intentflow.PublishConfig(destination="store")  # or s3://bucket/prefix
        >>> published = intentflow.publish("sets", config)
        >>> published.files, Path(published.uri).name == f"sha256-{published.digest}"
        (2, True)
    """

    destination: Annotated[str, Place(), Flag("destination", metavar="DIR|URI")] = Field(
        description=DESTINATION
    )


def run_publish(source: str | Path, config: PublishConfig) -> Published:
    r"""Store a model directory, a data directory or a file under its digest.

    Args:
        source: Directory or file to store; files that exist already are not sent again.
        config: Destination.

    Returns:
        URI of the copy, ``<destination>/sha256-<digest>``, and the numbers of files and bytes.

    Raises:
        InputError: The source does not exist.
        ServiceError: The storage refused.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> _ = Path("records.jsonl").write_text('{"instruction": "stop", "output": "stop()"}\n')
        >>> config = intentflow.PublishConfig(destination="store")  # or s3://bucket/prefix
        >>> published = intentflow.publish("records.jsonl", config)
        >>> published.uri.endswith(f"store/sha256-{published.digest}/records.jsonl")
        True
        >>> intentflow.publish("records.jsonl", config).uploaded_files  # it is there already
        0
    """
    from intentflow.storage import publish

    return publish(Path(source), config.destination)

"""The model of a job: published by its main process, downloaded by the submitter."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from intentflow.artifacts.published import PublishedModel
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import ServiceError
from intentflow.io.files import atomic_directory
from intentflow.storage import fetch, publish, read_file
from intentflow.storage.s3 import S3Store
from intentflow.storage.uris import parse_s3

POINTER = "published.json"
"""A file next to a published model with its URI, for readers that do not know its digest."""


def publish_result(model: str | Path, destination: str) -> str:
    """Publish a trained model and, last, the pointer to it; returns its URI.

    Raises:
        InputError: The destination is not ``s3://``.
        ServiceError: The storage refused.
    """
    location = parse_s3(destination)
    published = publish(model, destination)
    pointer = PublishedModel(uri=published.uri, digest=published.digest)
    S3Store().write(location / POINTER, json.dumps(pointer.as_dict()).encode())
    return published.uri


def fetch_model(results: str, output: str) -> TrainingRecord:
    """Download the model that a job has published into a model directory.

    Raises:
        InputError: The pointer to it is not what this release writes.
        ServiceError: There is no pointer, or the storage refused.
    """
    pointer = read_file(results, POINTER)
    if pointer is None:
        raise ServiceError(
            f"{results}: the job is complete but wrote no {POINTER}: does its image contain "
            "this release of intentflow?"
        )
    published = PublishedModel.from_mapping(_parsed(pointer), f"{results}/{POINTER}")
    target = Path(output)
    with (
        atomic_directory(target) as partial,
        tempfile.TemporaryDirectory(prefix=".fetched-", dir=target.parent) as scratch,
    ):
        for part in fetch(published.uri, scratch).iterdir():
            part.replace(partial / part.name)
    return TrainingRecord.read(target / TRAINING_FILE)


def _parsed(content: bytes) -> object:
    try:
        document: object = json.loads(content)
    except ValueError:
        return None
    return document

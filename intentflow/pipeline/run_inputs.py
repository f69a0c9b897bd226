"""Checks of a run's inputs before its first step, which later steps would find after hours."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from intentflow.artifacts.metrics import Metrics
from intentflow.conversion.sources import find_sources
from intentflow.errors import InputError
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.steps.given_test import read_test
from intentflow.storage import is_remote


def require_inputs(config: RunConfig, folder: Path) -> None:
    """Refuse a run whose local inputs are missing or cannot be read.

    What lies in a bucket is looked up by the graph's first step.

    Args:
        config: The run configuration.
        folder: Folder of the run's results, in which no source may lie.

    Raises:
        InputError: A source or a test file is missing or holds the folder, no test row can be
            read, or the champion's scores cannot; the message names the key.
    """
    for key, sources in (("data.sources", config.data.sources), ("data.test", config.data.test)):
        _require_apart(key, sources, folder)
        _require_found(key, sources)
    _require_apart("retrain.feedback", config.retrain.feedback, folder)
    if config.data.test and not any(map(is_remote, config.data.test)):
        read_test(config.data.test, config.data)
    if config.champion and not is_remote(config.champion):
        Metrics.read(config.champion)


def _require_apart(key: str, sources: Sequence[str], root: Path) -> None:
    """Refuse a source that holds the run's own folder, whose results would be read as labels."""
    for source in sources:
        if not is_remote(source) and root.is_relative_to(Path(source).resolve()):
            raise InputError(
                f"{key}: {source} holds the folder of the run, {root}: name another folder "
                "or its files, or another folder for the run"
            )


def _require_found(key: str, sources: Sequence[str]) -> None:
    local = [source for source in sources if not is_remote(source)]
    if not local:
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            find_sources(local, Path(scratch))
        except InputError as error:
            raise InputError(f"{key}: {error}") from None

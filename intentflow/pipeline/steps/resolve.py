"""Resolve: digests and scores of what a run depends on, as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intentflow.artifacts.metrics import Metrics


@dataclass(frozen=True)
class Resolved:
    """Digests of everything that a run depends on.

    Attributes:
        sources_digest: Digests of the sources, separated by blanks.
        test_digest: Digest of the test file; empty if the test rows are split off.
        champion: Scores of the model in service that a gate compares; None for a first model.
    """

    sources_digest: str
    test_digest: str
    champion: Metrics | None


def run_resolve(
    sources: Sequence[str], *, test: str | Path | None = None, champion: str | Path | None = None
) -> Resolved:
    """Find what is there now.

    Args:
        sources: Files, folders or ``s3://`` URIs of exports; a folder is read as all its files.
        test: Test file that bypasses the split; None if there is none.
        champion: ``metrics.json`` of the model in service; None for a first model.

    Raises:
        InputError: One of them cannot be read.
    """
    from intentflow.artifacts.metrics import Metrics
    from intentflow.evaluation.scores import for_comparing
    from intentflow.storage import digest_of

    return Resolved(
        sources_digest=" ".join(digest_of(source, allow_prefix=True) for source in sources),
        test_digest=digest_of(str(test)) if test else "",
        champion=for_comparing(Metrics.read(champion)) if champion else None,
    )

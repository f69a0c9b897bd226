"""Resolve: digests and scores of what a run depends on, as it is now."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intentflow.artifacts.metrics import Metrics
    from intentflow.deployment.options import DeployOptions
    from intentflow.pipeline.steps.look import Champion
    from intentflow.pipeline.steps.recorded import RecordConfig
    from intentflow.pipeline.steps.split import SplitConfig

log = logging.getLogger(__name__)

EMPTY_LOG = "empty"
"""Digest of a log to which nothing is written yet."""


@dataclass(frozen=True)
class Resolved:
    """Digests of everything that a run depends on.

    Attributes:
        sources_digest: Digests of the sources, separated by blanks.
        test_digest: Digests of the test files, separated by blanks; empty if the test rows are
            split off.
        champion: Scores of the model in service, where they are given, that a gate compares; None
            without any.
        champion_model: Address of the model in service under its digest, which is scored on the
            test rows of the run; empty if there is none, or its scores are given.
        champion_entry: Id of the registry's champion; empty if there is none.
        champion_data: Address of the data set that it was trained on; empty if unknown.
        feedback_digest: Digests of the service's logs, separated by blanks.
        erased_digest: Digest of the persons and utterances whose rows are left out; empty if none.
        start_model: Address of the registry's champion, if the training starts from it.
    """

    sources_digest: str
    test_digest: str
    champion: Metrics | None
    champion_model: str = ""
    champion_entry: str = ""
    champion_data: str = ""
    feedback_digest: str = ""
    erased_digest: str = ""
    start_model: str = ""


def run_resolve(
    sources: Sequence[str],
    *,
    split: SplitConfig | None = None,
    champion: str | Path | None = None,
    service: DeployOptions | None = None,
    record: RecordConfig | None = None,
    feedback: Sequence[str] = (),
    starts_from_champion: bool = False,
) -> Resolved:
    """Find what is there now.

    Args:
        sources: Files, folders or ``s3://`` URIs of exports; a folder is read as all its files.
        split: Configuration of the split, which may have test rows of its own; None if there are
            none.
        champion: ``metrics.json`` of the model in service; None if there is none, or the model is
            found.
        service: Options of the deployment; without ``champion``, the model of that service is the
            champion: in the cluster with mode ``apply``, in the repository with mode ``git``.
        record: Place of the registry; with ``compare``, its champion is the model in service where
            no scores are given and no service is found.
        feedback: Logs of the service: files, folders or ``s3://`` prefixes.
        starts_from_champion: Whether the training starts from the registry's champion, if it has
            one.

    Raises:
        InputError: One of them cannot be read, or no test row can.
        ServiceError: The cluster or the repository does not answer, or refuses.
        UsageError: The repository has no such branch.
    """
    from intentflow.artifacts.metrics import Metrics
    from intentflow.evaluation.scores import for_comparing
    from intentflow.pipeline.steps.given_test import read_test
    from intentflow.pipeline.steps.look import find_champion
    from intentflow.registry.erasures import read_erasures

    test = split.test if split else []
    if split and test:
        read_test(test, split)  # otherwise it would fail after hours of work on the other rows
    known = find_champion(record) if record and record.compare else None
    in_registry = (known.model.uri or "") if known else ""
    return Resolved(
        sources_digest=_digests(sources),
        test_digest=_digests(test),
        champion=for_comparing(Metrics.read(champion)) if champion else None,
        champion_model="" if champion else _model_in_service(service) or in_registry,
        champion_entry=known.model.id if known else "",
        champion_data=(known.data.uri or "") if known and known.data else "",
        feedback_digest=" ".join(map(_log_digest, feedback)),
        erased_digest=read_erasures(record.registry).digest if record and record.registry else "",
        start_model=_start(known) if starts_from_champion else "",
    )


def _start(known: Champion | None) -> str:
    """The address of the champion to train on with; empty if the base model has to do."""
    if known is None or not known.model.uri:
        log.info("the registry has no stored champion: the training begins with the base model")
        return ""
    if known.stale_since:
        log.warning(
            "the champion is stale, rows were erased at %s: the training begins with the base "
            "model",
            known.stale_since,
        )
        return ""
    return known.model.uri


def _digests(sources: Sequence[str]) -> str:
    from intentflow.storage import digest_of

    return " ".join(digest_of(source, allow_prefix=True) for source in sources)


def _log_digest(place: str) -> str:
    """The digest of a service's log, to which nothing may be written yet."""
    from intentflow.feedback.log_files import is_empty_log
    from intentflow.storage import digest_of

    if is_empty_log(place):
        log.info("%s: the log is empty, there was no traffic yet", place)
        return EMPTY_LOG
    return digest_of(place, allow_prefix=True)


def _model_in_service(service: DeployOptions | None) -> str:
    """The address of the model that a service answers with; empty without one."""
    from intentflow.deployment.in_service import model_in_service

    found = model_in_service(service) if service else None
    if found:
        log.info("the new model is compared with the one in service: %s", found)
    return found or ""

"""Record: what a run made, and which model of a service is in use, in the registry."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from intentflow.errors import InputError
from intentflow.pipeline.steps.lease import keep_lease

if TYPE_CHECKING:
    from intentflow.artifacts.erasures import Erasures
    from intentflow.artifacts.metrics import Metrics
    from intentflow.artifacts.verdict import Decision
    from intentflow.pipeline.steps.recorded import Recorded
    from intentflow.pipeline.steps.recorded_recipes import DataRecipe, ModelRecipe
    from intentflow.registry import Registry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataFacts:
    """Origin of a data set.

    Attributes:
        sources: Addresses of the sources.
        digests: Digests of the sources, in the same order.
        recipe: Configurations of the steps that made it; None if they are unknown.
        origins: People or tools that each source came from, by its address.
    """

    sources: Sequence[str]
    digests: Sequence[str]
    recipe: DataRecipe | None = None
    origins: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgedModel:
    """A model that the gate has judged.

    Attributes:
        metrics: Scores of the model.
        verdict: The gate's decision.
        recipe: Configurations of its training and its gate; None if they are unknown.
        reports: Addresses of reports by name.
        pairs: Digest of the corrections that tuned it by preference; empty if none did.
    """

    metrics: Metrics
    verdict: Decision
    recipe: ModelRecipe | None = None
    reports: Mapping[str, str] = field(default_factory=dict)
    pairs: str = ""

    @classmethod
    def read(
        cls,
        metrics: str | Path,
        verdict: str | Path,
        recipe: ModelRecipe,
        reports: Mapping[str, str],
        pairs: str = "",
    ) -> Self:
        """Read its files.

        Raises:
            InputError: A file is missing or invalid.
        """
        from intentflow.artifacts.metrics import Metrics
        from intentflow.artifacts.verdict import Verdict

        return cls(Metrics.read(metrics), Verdict.read(verdict).decision, recipe, reports, pairs)


def record_data(recorded: Recorded, parts: Mapping[str, Path], facts: DataFacts) -> str:
    """Store a data set under its digest next to the registry, and write its entry.

    Args:
        recorded: The run.
        parts: Files of training, validation and test rows by part; empty ones are left out.
        facts: Origin of the rows.

    Returns:
        Id of the entry; empty without a registry.

    Raises:
        InputError: A file cannot be read, or the registry cannot be written; or a row was erased
            while the run was under way.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.artifacts.registry_entry import EntrySource
    from intentflow.registry.erasures import read_erasures
    from intentflow.storage import publish

    registry = open_registry(recorded)
    if registry is None:
        return ""
    keep_lease(recorded)
    sources = [
        EntrySource(uri=uri, digest=digest, origins=facts.origins.get(uri, []))
        for uri, digest in zip(facts.sources, facts.digests, strict=True)
    ]
    erasures = read_erasures(str(registry))
    _require_none_erased(parts, erasures)
    with tempfile.TemporaryDirectory() as folder:
        rows = _gathered(parts, Path(folder))
        destination = f"{registry}/data"
        _make_private(destination)
        stored = publish(folder, destination)
    entry = recorded.entry(
        "dataset",
        uri=stored.uri,
        digest=stored.digest,
        sources=sources,
        recipe=facts.recipe,
        rows=rows,
        erasures=erasures.digest,
    )
    return recorded.write(registry, entry)


def read_origins(
    files: str | Path | None, sources: Sequence[str], logs: Sequence[str]
) -> dict[str, list[str]]:
    """The people or tools that sources came from: formats and annotators of exports and logs.

    Args:
        files: Formats and annotators by the names of files, as convert writes them; None if they
            are unknown.
        sources: Addresses of the exports.
        logs: Addresses of a service's logs, whose corrections name their annotators.

    Raises:
        InputError: A file or a log cannot be read.
        ServiceError: The storage does not answer, or refuses.
    """
    import json

    from intentflow.conversion.origins import origins_below
    from intentflow.feedback.log_files import EmptyLog
    from intentflow.feedback.service_log import read_service_log

    formats = json.loads(Path(files).read_text(encoding="utf-8")) if files else {}
    found = {source: origins_below(formats, source) for source in sources}
    for log_place in logs:
        try:
            corrections = read_service_log([log_place]).corrections
        except EmptyLog:  # no line is usable, or the rows of all were erased
            corrections = []
        found[log_place] = sorted({one.annotator for one in corrections} - {""})
    return found


def record_model(
    recorded: Recorded, judged: JudgedModel, uri: str | None = None, *, start: str = ""
) -> str:
    """Write the entry of a model that the gate has judged.

    Args:
        recorded: The run; its data set's entry is the parent.
        judged: The model, its scores and its verdict.
        uri: Address of the published model; None if it was not published.
        start: Id of the entry of the model that the training went on with, a second parent; empty
            for the base model.

    Returns:
        Id of the entry; empty without a registry.

    Raises:
        InputError: The registry cannot be read or written.
        ServiceError: The storage does not answer, or refuses.
    """
    registry = open_registry(recorded)
    if registry is None:
        return ""
    keep_lease(recorded)
    before = registry.of_run(recorded.run) if recorded.run else {}
    entry = recorded.entry(
        "model",
        uri=uri,
        digest=judged.metrics.model_digest or "",
        recipe=judged.recipe,
        rows={"scored": judged.metrics.n or 0},
        metrics=_scores(judged.metrics),
        verdict=judged.verdict,
        reports=judged.reports,
        pairs=judged.pairs,
        parents=[*([before["dataset"].id] if "dataset" in before else []), *filter(None, [start])],
    )
    return recorded.write(registry, entry)


def open_registry(recorded: Recorded) -> Registry | None:
    """The registry of a run; None, which is logged, if none is configured.

    Raises:
        InputError: The registry's address is invalid.
        ServiceError: There are no credentials for S3.
    """
    from intentflow.registry import Registry

    if not recorded.config.registry:
        log.info("no registry is configured (key registry): nothing is recorded")
        return None
    return Registry(recorded.config.registry)


def _require_none_erased(parts: Mapping[str, Path], erasures: Erasures) -> None:
    """Refuse rows that were erased after the run had read them."""
    from intentflow.erasure.rows import ErasedRows
    from intentflow.pipeline.steps.split import PARTS
    from intentflow.records import read_records

    gone = ErasedRows.of(erasures)
    for name in PARTS if gone else ():
        path = parts.get(name)
        rows = read_records(path) if path and path.stat().st_size else []
        if count := sum(map(gone.has, rows)):
            raise InputError(
                f"record: {count} {name} rows were erased while the run was under way: run again"
            )


def _gathered(parts: Mapping[str, Path], folder: Path) -> dict[str, int]:
    """Copy the parts that have rows under plain names into a folder; their numbers of rows."""
    rows = {}
    for name, path in parts.items():
        with path.open("rb") as stream:
            count = sum(1 for line in stream if line.strip())
        if count:
            shutil.copyfile(path, folder / f"{name}.jsonl")
        rows[name] = count
    return rows


def _make_private(destination: str) -> None:
    """Let the owner alone read the rows, which are users' words."""
    from intentflow.storage import is_remote

    if is_remote(destination):
        return
    try:
        Path(destination).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {destination}: {error.strerror}") from None


def _scores(metrics: Metrics) -> dict[str, float | None]:
    """The scores of all rows by name, those that were measured."""
    from intentflow.artifacts.metrics import Metrics
    from intentflow.artifacts.scores import scores_of

    values = {name: metrics.value(name) for name, score in scores_of(Metrics) if score.share}
    return {name: value for name, value in values.items() if value is not None}

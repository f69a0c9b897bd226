"""A training on several nodes, from local files to a local model directory.

Rows, recipe and taxonomy are published to S3 under their digest; the job's main process publishes
the model there, and it is downloaded when the job is complete. The job's name is derived from all
of that, so that a step that is retried finds its job again.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from intentflow.artifacts.training import TrainingRecord
from intentflow.cluster.client import Cluster, is_missing
from intentflow.errors import InputError, IntentflowError, ServiceError
from intentflow.recipe.recipe import Recipe
from intentflow.records import write_records
from intentflow.storage import is_remote, publish
from intentflow.training.files import TrainingFiles
from intentflow.training.trainjob.manifest import (
    FIELD_MANAGER,
    TRAINJOB,
    Staged,
    render_trainjob,
)
from intentflow.training.trainjob.results import fetch_model
from intentflow.training.trainjob.status import follow, read_state

log = logging.getLogger(__name__)


_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_GONE_SECONDS = 120.0
_POLL_SECONDS = 1.0


def train_on_cluster(recipe: Recipe, files: TrainingFiles, output: str) -> TrainingRecord:
    """Train with a Kubeflow ``TrainJob``, wait for it, and download the model.

    Ctrl-C or the end of the step deletes the job.

    Returns:
        The record of the training.

    Raises:
        InputError: The recipe names no storage.
        ServiceError: There is no cluster, or the job failed or was deleted.
    """
    storage = recipe.distributed.cluster.storage
    if storage is None:
        raise InputError(
            f"distributed.nodes: {recipe.distributed.nodes}: several nodes exchange rows and "
            "model through S3: set distributed.cluster.storage=s3://bucket/prefix"
        )
    cluster = Cluster(
        needs="Kubeflow Trainer", role="manifests/trainer", without="set distributed.nodes=1"
    )
    staged = stage(recipe, files, storage)
    namespace = recipe.distributed.cluster.namespace or _own_namespace()
    job = render_trainjob(recipe.distributed, staged, namespace, os.environ)
    with _deleted_when_stopped(cluster, job):
        follow(cluster, _submit(cluster, job))
    return fetch_model(staged.results, output)


def stage(recipe: Recipe, files: TrainingFiles, storage: str) -> Staged:
    """Publish the inputs of the nodes under their digest."""
    _note_local_model(recipe)
    training, validation = files.rows()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "inputs"
        folder.mkdir()
        write_records(folder / "train.jsonl", training)
        if validation:
            write_records(folder / "validation.jsonl", validation)
        if files.taxonomy:
            files.taxonomy.write(folder / "taxonomy.yaml")
        (folder / "recipe.yaml").write_text(recipe.model_dump_json(exclude_unset=True), "utf-8")
        names = frozenset(file.name for file in folder.iterdir())
        published = publish(folder, f"{storage.rstrip('/')}/inputs")
    results = f"{storage.rstrip('/')}/results/sha256-{published.digest}"
    return Staged(published.uri, names, results)


def _submit(cluster: Cluster, job: dict[str, Any]) -> dict[str, Any]:
    """Create the job, or take over the one that an earlier attempt of the same step created."""
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    former = _find(cluster, name, namespace)
    if former and (former["metadata"].get("deletionTimestamp") or read_state(former).failed):
        _remove(cluster, name, namespace)
        former = None
    planned = cluster.apply(job, FIELD_MANAGER, dry_run=True)
    if "runtimePatches" in job["spec"] and "runtimePatches" not in planned["spec"]:
        raise ServiceError(
            f"TrainJob {name} in {namespace}: this cluster's Kubeflow Trainer would ignore the "
            "options of its pods, because its TrainJob has no spec.runtimePatches, which Trainer "
            "2.2 introduced: update it"
        )
    found = cluster.apply(job, FIELD_MANAGER)
    verb = "following the existing TrainJob" if former else "submitted TrainJob"
    log.info("%s %s in %s", verb, name, namespace)
    return found


def _find(cluster: Cluster, name: str, namespace: str) -> dict[str, Any] | None:
    try:
        return cluster.get(*TRAINJOB, name, namespace)
    except IntentflowError as error:
        if is_missing(error):
            return None
        raise


def _remove(cluster: Cluster, name: str, namespace: str) -> None:
    """Delete a job and wait until its name is free."""
    _delete(cluster, name, namespace)
    retrying = Retrying(
        retry=retry_if_result(lambda found: found is not None),
        stop=stop_after_delay(_GONE_SECONDS),
        wait=wait_fixed(_POLL_SECONDS),
    )
    try:
        retrying(_find, cluster, name, namespace)
    except RetryError:
        raise ServiceError(
            f"TrainJob {name} in {namespace} could not be deleted; delete it manually"
        ) from None


def _delete(cluster: Cluster, name: str, namespace: str) -> None:
    try:
        cluster.delete(*TRAINJOB, name, namespace)
    except IntentflowError as error:
        if not is_missing(error):
            raise


@contextmanager
def _deleted_when_stopped(cluster: Cluster, job: Mapping[str, Any]) -> Iterator[None]:
    """Delete the job if this command is stopped, by Ctrl-C or by the end of its pod."""
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        try:
            _delete(cluster, name, namespace)
            log.info("deleted TrainJob %s in %s", name, namespace)
        except IntentflowError as error:
            log.warning("TrainJob %s may still run: %s", name, error)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _own_namespace() -> str:
    return _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.is_file() else "default"


def _note_local_model(recipe: Recipe) -> None:
    name = recipe.model_name_or_path
    if not is_remote(name) and Path(name).is_dir():
        log.warning(
            "%s is a folder: each node must have it at the same path, in its image or on a volume",
            name,
        )

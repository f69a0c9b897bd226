"""Training on several machines: the job as it is applied, followed, and cleaned up.

The API server and S3 are real; the test plays Kubeflow Trainer and the pods.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.cluster.client import Cluster
from intentflow.errors import IntentflowError
from intentflow.models.directory import check_model_directory
from intentflow.recipe.distributed import Distributed
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records, write_records
from intentflow.storage import digest_of
from intentflow.training.files import TrainingFiles
from intentflow.training.launch import launch_training
from intentflow.training.sft import train
from intentflow.training.trainjob.manifest import TRAINJOB, Staged, render_trainjob
from intentflow.training.trainjob.results import publish_result
from intentflow.training.trainjob.status import follow, read_state
from tests.models import TAXONOMY, recipe, rows
from tests.real_parts.kube import KubeApi
from tests.real_parts.process import free_port
from tests.real_parts.strict import violations

STAGED = Staged(
    f"s3://models/inputs/sha256-{'a' * 64}",
    frozenset({"recipe.yaml", "train.jsonl"}),
    f"s3://models/results/sha256-{'a' * 64}",
)
EVERYTHING: dict[str, Any] = {
    "checkpoints_claim": "checkpoints",
    "service_account": "trainer",
    "image_pull_secrets": ["registry"],
    "node_selector": {"nvidia.com/gpu.product": "NVIDIA-H100"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    "timeout_seconds": 3600,
}


def _settings(**cluster: Any) -> Distributed:
    machines = {"strategy": "fsdp", "nodes": 2, "devices": 4}
    return Distributed.from_mapping({**machines, "cluster": cluster}, "distributed")


def _condition(kind: str, reason: str, message: str) -> dict[str, Any]:
    now = "2026-01-01T00:00:00Z"
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": now,
    }


RUNNING = {
    "jobsStatus": [
        {"name": "node", "active": 2, "ready": 2, "succeeded": 0, "failed": 0, "suspended": 0}
    ],
    "trainerStatus": {
        "lastUpdatedTime": "2026-01-01T00:00:00Z",
        "progressPercentage": 40,
        "estimatedRemainingSeconds": 90,
        "metrics": [{"name": "loss", "value": "0.31"}],
    },
}
COMPLETE = {"conditions": [_condition("Complete", "JobsCompleted", "all jobs are complete")]}
FAILED = {"conditions": [_condition("Failed", "JobsFailed", "jobset failed")]}


@pytest.mark.parametrize("cluster", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_the_job_is_what_the_crd_describes(cluster: dict[str, Any]) -> None:
    job = render_trainjob(_settings(**cluster), STAGED, "team-a", {"AWS_REGION": "eu-1"})
    assert violations(job) == []


def test_keys_of_the_storage_are_references() -> None:
    environment = {"AWS_SECRET_ACCESS_KEY": "hidden", "S3_ENDPOINT_URL": "http://s3:9000"}
    job = render_trainjob(_settings(), STAGED, "team-a", environment)
    assert "hidden" not in yaml.safe_dump(job)
    variables = {item["name"]: item for item in job["spec"]["trainer"]["env"]}
    assert variables["S3_ENDPOINT_URL"]["value"] == "http://s3:9000"
    assert variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"] == {
        "name": "intentflow-s3",
        "key": "AWS_SECRET_ACCESS_KEY",
    }


def test_each_node_has_as_many_gpus_as_processes_unless_set_otherwise() -> None:
    for cluster, gpus in (({}, "4"), ({"gpus": 2}, "2"), ({"gpus": 0}, None)):
        job = render_trainjob(_settings(**cluster), STAGED, "team-a", {})
        limits = job["spec"]["trainer"]["resourcesPerNode"]["limits"]
        assert limits.get("nvidia.com/gpu") == gpus


def test_the_name_follows_from_what_is_trained_on_what() -> None:
    names = [
        render_trainjob(_settings(**cluster), STAGED, "team-a", {})["metadata"]["name"]
        for cluster in ({}, {}, {"memory": "128Gi"})
    ]
    assert names[0] == names[1] != names[2]


def test_pods_run_the_same_command_under_torchs_launcher() -> None:
    trainer = render_trainjob(_settings(), STAGED, "team-a", {})["spec"]["trainer"]
    assert trainer["command"] == ["torchrun", "-m", "intentflow.cli.main"]
    assert trainer["args"][:3] == ["train", "--recipe", f"{STAGED.inputs}/recipe.yaml"]
    assert (trainer["numNodes"], trainer["numProcPerNode"]) == (2, 4)


def test_progress_is_one_line() -> None:
    assert read_state({"status": RUNNING}).message == (
        "40 %, 90 s left, loss 0.31; node: 2 active, 2 ready"
    )
    assert "is the Kubeflow Trainer controller running" in read_state({}).message
    suspended = {"conditions": [_condition("Suspended", "Suspended", "queued")]}
    assert read_state({"status": suspended}).message == "suspended: Suspended queued"


class Away:
    """A cluster whose API server is away for some answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def get(self, *_: str) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise IntentflowError("the cluster cannot be reached")
        return {"metadata": {"uid": "1"}, "status": COMPLETE}


JOB: dict[str, Any] = {"metadata": {"name": "j", "namespace": "team-a", "uid": "1"}}


def test_an_api_server_that_comes_back_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("intentflow.training.trainjob.status._POLL_SECONDS", 0.01)
    cluster: Any = Away(5)
    follow(cluster, JOB)
    assert capsys.readouterr().err.count("cannot be reached; retrying") == 5


def test_an_api_server_that_stays_away_ends_the_following_and_not_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intentflow.training.trainjob.status._POLL_SECONDS", 0.01)
    monkeypatch.setattr("intentflow.training.trainjob.status.PATIENCE_SECONDS", 0.1)
    cluster: Any = Away(10_000)
    with pytest.raises(IntentflowError, match="continues without this command: run it again"):
        follow(cluster, JOB)


def _several(base: Path, storage: str | None, **cluster: Any) -> Recipe:
    distributed = {
        "strategy": "ddp",
        "nodes": 2,
        "devices": 1,
        "cluster": {"gpus": 0, **({"storage": storage} if storage else {}), **cluster},
    }
    return recipe(base, distributed=distributed)


@pytest.fixture
def files(tmp_path: Path) -> TrainingFiles:
    write_records(tmp_path / "train.jsonl", rows()[:16])
    write_records(tmp_path / "validation.jsonl", rows()[16:20])
    return TrainingFiles(
        str(tmp_path / "train.jsonl"), str(tmp_path / "validation.jsonl"), TAXONOMY
    )


def test_without_storage_several_nodes_are_refused_in_one_line(
    tiny_base_model: Path, files: TrainingFiles, tmp_path: Path
) -> None:
    with pytest.raises(IntentflowError, match=r"set distributed\.cluster\.storage") as caught:
        launch_training(_several(tiny_base_model, None), files, str(tmp_path / "m"))
    assert "\n" not in str(caught.value)


def test_without_a_cluster_several_nodes_are_refused_in_one_line(
    tiny_base_model: Path,
    files: TrainingFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    settings = _several(tiny_base_model, "s3://bucket/x").model_dump(exclude_unset=True)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    arguments = ["--recipe", str(tmp_path / "recipe.yaml"), "--train", files.train]
    assert main(["train", *arguments, "-o", str(tmp_path / "m")]) == 2
    error = capsys.readouterr().err
    assert "no cluster is configured" in error
    assert "distributed.nodes=1" in error
    assert error.count("\n") == 1


class Trainer:
    """Plays Kubeflow Trainer and the pods of its jobs."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        from kubernetes.client import CoreV1Api, CustomObjectsApi

        self.namespace = namespace
        self.core = CoreV1Api(api.client())
        self._objects = CustomObjectsApi(api.client())
        self._where = {
            "group": "trainer.kubeflow.org",
            "version": "v1alpha1",
            "namespace": namespace,
            "plural": "trainjobs",
        }

    def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._objects.list_namespaced_custom_object(**self._where)[
            "items"
        ]
        return found

    def wait_for_job(self, unlike: str = "") -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for job in self.jobs():
                if job["metadata"]["uid"] != unlike:
                    return job
            time.sleep(0.1)
        raise AssertionError("no TrainJob")

    def patch_status(self, job: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        name = job["metadata"]["name"]
        self._objects.patch_namespaced_custom_object_status(
            **self._where, name=name, body={"status": status}
        )

    def delete(self, job: Mapping[str, Any]) -> None:
        self._objects.delete_namespaced_custom_object(**self._where, name=job["metadata"]["name"])

    def fail_pod(self, job: Mapping[str, Any], message: str) -> None:
        name = job["metadata"]["name"]
        labels = {"jobset.sigs.k8s.io/jobset-name": name}
        container = {"name": "node", "image": "intentflow"}
        pod = {"metadata": {"name": f"{name}-node-0", "labels": labels}}
        self.core.create_namespaced_pod(
            self.namespace, {**pod, "spec": {"containers": [container]}}
        )
        ended = {"terminated": {"exitCode": 2, "reason": "Error", "message": message}}
        status = {
            **container,
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": ended,
        }
        self.core.patch_namespaced_pod_status(
            f"{name}-node-0", self.namespace, {"status": {"containerStatuses": [status]}}
        )

    def train(self, job: Mapping[str, Any], model: Path) -> None:
        """What the pods would do: leave a model where their arguments say."""
        publish_result(model, job["spec"]["trainer"]["args"][-1])

    @contextmanager
    def acting(self, play: Callable[[], None]) -> Iterator[None]:
        """Act beside the block; what went wrong there is raised here."""
        errors: list[BaseException] = []

        def run() -> None:
            try:
                play()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            thread.join(timeout=240)
        assert not errors, errors


@pytest.fixture
def trainer(kube_api: KubeApi, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    monkeypatch.setattr("intentflow.training.trainjob.status._POLL_SECONDS", 0.2)
    return Trainer(kube_api, namespace)


@pytest.fixture
def several(tiny_base_model: Path, s3_bucket: str, trainer: Trainer) -> Recipe:
    return _several(tiny_base_model, f"s3://{s3_bucket}/t", namespace=trainer.namespace)


@pytest.mark.real
def test_the_model_of_a_job_that_is_complete_is_brought_here(
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def play() -> None:
        job = trainer.wait_for_job()
        trainer.patch_status(job, RUNNING)
        time.sleep(1)
        trainer.train(job, tiny_model)
        trainer.patch_status(job, COMPLETE)

    with trainer.acting(play):
        record = launch_training(several, files, str(tmp_path / "m")).record
    assert check_model_directory(tmp_path / "m")
    assert digest_of(tmp_path / "m") == digest_of(tiny_model)
    assert record.rows.train == 40  # as that model's own record says
    said = capsys.readouterr().err
    assert "submitted TrainJob intentflow-train-" in said
    assert "40 %, 90 s left, loss 0.31; node: 2 active, 2 ready" in said


@pytest.mark.real
def test_pods_find_the_rows_and_the_recipe_that_were_given(
    several: Recipe, files: TrainingFiles, trainer: Trainer, tiny_model: Path, tmp_path: Path
) -> None:
    found: dict[str, Any] = {}

    def play() -> None:
        job = trainer.wait_for_job()
        arguments = job["spec"]["trainer"]["args"]
        named = dict(zip(arguments[1::2], arguments[2::2], strict=True))
        found["rows"] = read_records(named["--train"])
        found["recipe"] = Recipe.load(named["--recipe"])
        found["taxonomy"] = type(TAXONOMY).from_yaml(named["--taxonomy"])
        trainer.train(job, tiny_model)
        trainer.patch_status(job, COMPLETE)

    with trainer.acting(play):
        launch_training(several, files, str(tmp_path / "m"))
    assert found == {"rows": rows()[:16], "recipe": several, "taxonomy": TAXONOMY}


def _machine(job: Mapping[str, Any], number: int, port: int, folder: Path) -> Any:
    """The job's own command with what Kubeflow Trainer sets in the pod of a machine."""
    trainer = job["spec"]["trainer"]
    arguments = [
        str(folder / "m") if before == "--output" else word
        for before, word in pairwise(["", *trainer["args"]])
    ]
    variables = {
        "PET_NNODES": str(trainer["numNodes"]),
        "PET_NPROC_PER_NODE": str(trainer["numProcPerNode"]),
        "PET_NODE_RANK": str(number),
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    program = str(Path(sys.executable).with_name(trainer["command"][0]))
    return subprocess.Popen(
        [program, *trainer["command"][1:], *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=(folder / f"machine-{number}").open("w"),
    )


@pytest.mark.real
def test_two_nodes_that_run_the_jobs_command_train_what_one_process_does(
    several: Recipe, files: TrainingFiles, trainer: Trainer, tmp_path: Path
) -> None:
    def play() -> None:
        job = trainer.wait_for_job()
        port = free_port()
        machines = [_machine(job, number, port, tmp_path) for number in (0, 1)]
        ended = [machine.wait(timeout=200) for machine in machines]
        said = (tmp_path / "machine-0").read_text()[-2000:]
        trainer.patch_status(job, COMPLETE if ended == [0, 0] else FAILED)
        assert ended == [0, 0], said

    with trainer.acting(play):
        found = launch_training(several, files, str(tmp_path / "brought")).record
    alone = several.model_copy(update={"distributed": Distributed()})
    expected = train(alone, rows()[:16], rows()[16:20], tmp_path / "alone", TAXONOMY)
    assert found.plan.devices == 2
    for curve in ("training_loss", "validation_loss"):
        pairs = zip(getattr(found.history, curve), getattr(expected.history, curve), strict=True)
        for left, right in pairs:
            assert left == pytest.approx(right, abs=1e-5)


@pytest.mark.real
def test_a_job_that_fails_brings_its_pods_last_words(
    several: Recipe, files: TrainingFiles, trainer: Trainer, tmp_path: Path
) -> None:
    def play() -> None:
        job = trainer.wait_for_job()
        trainer.fail_pod(job, "the loss is nan at step 3")
        trainer.patch_status(job, FAILED)

    with trainer.acting(play), pytest.raises(IntentflowError) as caught:
        launch_training(several, files, str(tmp_path / "m"))
    message = str(caught.value)
    assert "failed: JobsFailed jobset failed" in message
    assert "exit code 2 Error the loss is nan at step 3" in message
    assert "\n" not in message
    assert not (tmp_path / "m").exists()


@pytest.mark.real
def test_a_retry_takes_over_the_job_that_runs_and_replaces_one_that_failed(
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uids = []

    def fail() -> None:
        job = trainer.wait_for_job()
        uids.append(job["metadata"]["uid"])
        trainer.patch_status(job, FAILED)

    def leave_and_complete() -> None:
        job = trainer.wait_for_job(unlike=uids[0])
        uids.append(job["metadata"]["uid"])
        trainer.train(job, tiny_model)
        trainer.patch_status(job, COMPLETE)

    with trainer.acting(fail), pytest.raises(IntentflowError):
        launch_training(several, files, str(tmp_path / "m"))
    with trainer.acting(leave_and_complete):
        launch_training(several, files, str(tmp_path / "m"))
    capsys.readouterr()
    launch_training(several, files, str(tmp_path / "again"))
    assert "following the existing TrainJob" in capsys.readouterr().err
    assert [job["metadata"]["uid"] for job in trainer.jobs()] == uids[1:]


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_step_that_is_stopped_deletes_its_job(
    number: signal.Signals,
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def play() -> None:
        trainer.patch_status(trainer.wait_for_job(), RUNNING)
        time.sleep(1)
        os.kill(os.getpid(), number)

    with trainer.acting(play), pytest.raises(KeyboardInterrupt):
        launch_training(several, files, str(tmp_path / "m"))
    assert "deleted TrainJob intentflow-train-" in capsys.readouterr().err
    assert trainer.jobs() == []


@pytest.mark.real
def test_a_job_that_somebody_deleted_is_reported(
    several: Recipe, files: TrainingFiles, trainer: Trainer, tmp_path: Path
) -> None:
    def play() -> None:
        job = trainer.wait_for_job()
        time.sleep(1)
        trainer.delete(job)

    with trainer.acting(play), pytest.raises(IntentflowError, match="was deleted by another user"):
        launch_training(several, files, str(tmp_path / "m"))


@pytest.mark.real
def test_a_complete_job_without_a_model_asks_for_its_image(
    several: Recipe, files: TrainingFiles, trainer: Trainer, tmp_path: Path
) -> None:
    with (
        trainer.acting(lambda: trainer.patch_status(trainer.wait_for_job(), COMPLETE)),
        pytest.raises(IntentflowError, match=r"wrote no published\.json: does its image"),
    ):
        launch_training(several, files, str(tmp_path / "m"))


@pytest.mark.real
def test_a_cluster_without_kubeflow_trainer_is_one_line(
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "intentflow.training.trainjob.client.TRAINJOB", ("trainer.kubeflow.org/v9", "TrainJob")
    )
    with pytest.raises(IntentflowError, match="is Kubeflow Trainer installed") as caught:
        launch_training(several, files, str(tmp_path / "m"))
    assert "\n" not in str(caught.value)


def _as_account(
    api: KubeApi, namespace: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *manifests: str
) -> None:
    """Become the trainer's own service account, with what these manifests give it."""
    from kubernetes.client import CoreV1Api

    cluster = Cluster()
    root = Path(__file__).parents[2] / "manifests" / "trainer"
    for name in ("serviceaccount.yaml", *manifests):
        manifest = yaml.safe_load((root / name).read_text())
        manifest["metadata"]["namespace"] = namespace
        for subject in manifest.get("subjects", ()):
            subject["namespace"] = namespace
        cluster.apply(manifest, "tests")
    body = {"spec": {"audiences": [api.server], "expirationSeconds": 600}}
    answer = CoreV1Api(api.client()).create_namespaced_service_account_token(
        "intentflow-trainer", namespace, body
    )
    kubeconfig = api.kubeconfig_for(answer.status.token, folder / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))


@pytest.mark.real
def test_the_role_in_manifests_is_enough(
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    kube_api: KubeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _as_account(kube_api, trainer.namespace, tmp_path, monkeypatch, "role.yaml", "rolebinding.yaml")

    def play() -> None:
        job = trainer.wait_for_job()
        trainer.fail_pod(job, "no memory")
        trainer.patch_status(job, FAILED)
        trainer.wait_for_job(unlike=job["metadata"]["uid"])
        os.kill(os.getpid(), signal.SIGTERM)

    with trainer.acting(play):
        with pytest.raises(IntentflowError, match="exit code 2 Error no memory"):
            launch_training(several, files, str(tmp_path / "m"))
        with pytest.raises(KeyboardInterrupt):
            launch_training(several, files, str(tmp_path / "m"))
    assert trainer.jobs() == []


@pytest.mark.real
def test_a_missing_role_is_one_line(
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    kube_api: KubeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _as_account(kube_api, trainer.namespace, tmp_path, monkeypatch)
    with pytest.raises(IntentflowError, match=r"not allowed: .* manifests/trainer") as caught:
        launch_training(several, files, str(tmp_path / "m"))
    assert "\n" not in str(caught.value)


@pytest.mark.real
def test_the_server_knows_the_job(several: Recipe, trainer: Trainer) -> None:
    job = render_trainjob(several.distributed, STAGED, trainer.namespace, {})
    Cluster().apply(job, "tests")
    (found,) = trainer.jobs()
    assert (found["apiVersion"], found["kind"]) == TRAINJOB
    assert found["spec"]["trainer"]["args"] == job["spec"]["trainer"]["args"]

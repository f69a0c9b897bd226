"""Training on several nodes: the job as it is applied, followed, and cleaned up.

The API server, its admission and S3 are real; Kubeflow Trainer is played by
``tests.real_parts.trainer_controller``, the pods by the tests.
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
from intentflow.errors import IntentflowError, ServiceError
from intentflow.models.directory import check_model_directory
from intentflow.pipeline.options import PipelineOptions
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
from intentflow.version import __version__
from tests.models import TAXONOMY, recipe, rows
from tests.real_parts.kube import KubeApi, without_spec_field
from tests.real_parts.process import free_port
from tests.real_parts.strict import violations
from tests.real_parts.trainer_controller import TrainerController, ended_status, running_status

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
    "env_from_secrets": {"hub": {"token": "HF_TOKEN"}},
}


def _settings(**cluster: Any) -> Distributed:
    nodes = {"strategy": "fsdp", "nodes": 2, "devices": 4}
    return Distributed.from_mapping({**nodes, "cluster": cluster}, "distributed")


REPORT: dict[str, Any] = {
    "progressPercentage": 40,
    "estimatedRemainingSeconds": 90,
    "metrics": [{"name": "loss", "value": "0.31"}],
}


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


def _pod(**cluster: Any) -> dict[str, Any]:
    """What the job adds to the runtime's pods."""
    (patch,) = render_trainjob(_settings(**cluster), STAGED, "team-a", {})["spec"]["runtimePatches"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod: dict[str, Any] = job["template"]["spec"]["template"]["spec"]
    return pod


def test_nodes_have_room_for_shared_memory() -> None:
    pod = _pod(shared_memory="4Gi")
    assert pod["volumes"] == [
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}
    ]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [{"name": "shared-memory", "mountPath": "/dev/shm"}]


def test_nodes_check_the_storage_with_certificates_of_a_private_authority() -> None:
    settings = _settings(ca_config_map="our-ca")
    variables = render_trainjob(settings, STAGED, "team-a", {})["spec"]["trainer"]["env"]
    assert {"name": "SSL_CERT_FILE", "value": "/etc/intentflow/ca/cabundle.crt"} in variables
    pod = _pod(ca_config_map="our-ca")
    assert {"name": "ca", "configMap": {"name": "our-ca"}} in pod["volumes"]
    (container,) = pod["containers"]
    assert {"name": "ca", "mountPath": "/etc/intentflow/ca"} in container["volumeMounts"]


def test_nodes_with_a_role_get_no_keys() -> None:
    job = render_trainjob(_settings(s3_secret=None), STAGED, "team-a", {})
    assert job["spec"]["trainer"]["env"] == []


def test_pods_are_what_restricted_namespaces_take() -> None:
    pod = _pod()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_runtime_alone_decides_where_that_is_asked_for() -> None:
    settings = _settings(security_context="runtime", shared_memory=None)
    assert "runtimePatches" not in render_trainjob(settings, STAGED, "team-a", {})["spec"]


def test_a_secrets_key_becomes_a_variable_of_the_nodes() -> None:
    settings = _settings(env_from_secrets={"hub": {"token": "HF_TOKEN"}})
    variables = render_trainjob(settings, STAGED, "team-a", {})["spec"]["trainer"]["env"]
    reference = {"secretKeyRef": {"name": "hub", "key": "token"}}
    assert {"name": "HF_TOKEN", "valueFrom": reference} in variables


@pytest.mark.parametrize(
    ("cluster", "environment", "image"),
    [
        ({}, {}, f"intentflow/train:{__version__}"),
        ({}, {"INTENTFLOW_TRAIN_IMAGE": "r.example/train:1"}, "r.example/train:1"),
        ({"image": "own:2"}, {"INTENTFLOW_TRAIN_IMAGE": "r.example/train:1"}, "own:2"),
    ],
)
def test_nodes_run_the_image_of_the_step_unless_the_recipe_names_one(
    cluster: dict[str, Any], environment: dict[str, str], image: str
) -> None:
    job = render_trainjob(_settings(**cluster), STAGED, "team-a", environment)
    assert job["spec"]["trainer"]["image"] == image


def test_a_graph_tells_its_train_step_which_image_that_is() -> None:
    options = PipelineOptions.model_validate({"registry": "r.example/team"})
    assert options.for_step("train").env == {
        "INTENTFLOW_TRAIN_IMAGE": f"r.example/team/intentflow/train:{__version__}"
    }
    assert options.for_step("convert").env == {}


def test_the_runtime_in_manifests_is_what_the_crd_describes() -> None:
    folder = Path(__file__).parents[2] / "manifests" / "trainer"
    runtime = yaml.safe_load((folder / "runtime.yaml").read_text())
    assert violations(runtime) == []
    (job,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    assert job["template"]["spec"]["backoffLimit"] == 3


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


def test_what_the_trainer_reports_is_one_line() -> None:
    status = {**running_status(ready=True), "trainerStatus": REPORT}
    assert read_state({"status": status}).message == "40 %, 90 s left, loss 0.31"


def test_a_number_of_jobs_is_not_reported_as_one_of_pods() -> None:
    assert read_state({"status": running_status(ready=True)}).message == ""


class Away:
    """A cluster whose API server is away for some answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def get(self, *_: str) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise ServiceError("the cluster cannot be reached")
        return {"metadata": {"uid": "1"}, "status": ended_status("j", failed=False)}

    def list(self, *_: str) -> list[dict[str, Any]]:
        return []


JOB: dict[str, Any] = {
    "metadata": {"name": "j", "namespace": "team-a", "uid": "1"},
    "spec": {"trainer": {"numNodes": 2}},
}


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


class Trainer(TrainerController):
    """Plays Kubeflow Trainer while a command runs, and what its pods would do."""

    def train(self, job: Mapping[str, Any], model: Path) -> None:
        """What the pods would do: leave a model where their arguments say."""
        publish_result(model, job["spec"]["trainer"]["args"][-1])

    @contextmanager
    def acting(self, play: Callable[[], None]) -> Iterator[None]:
        """Act while the block runs; what went wrong there is raised here."""
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
def trainer(
    kube_api: KubeApi, namespace: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Trainer]:
    monkeypatch.setattr("intentflow.training.trainjob.status._POLL_SECONDS", 0.2)
    played = Trainer(kube_api, namespace)
    with played.webhook(kube_api, tmp_path):
        yield played


@pytest.fixture
def several(tiny_base_model: Path, s3_bucket: str, trainer: Trainer) -> Recipe:
    return _several(tiny_base_model, f"s3://{s3_bucket}/t", namespace=trainer.namespace)


Reported = Callable[[Callable[[dict[str, Any]], None]], str]


@pytest.fixture
def reported(
    several: Recipe,
    files: TrainingFiles,
    trainer: Trainer,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Reported:
    """What the command reports of a job that is played, and then completes."""

    def report(play: Callable[[dict[str, Any]], None]) -> str:
        def play_to_its_end() -> None:
            job = trainer.wait_for_job()
            play(job)
            trainer.train(job, tiny_model)
            trainer.complete(job)

        with trainer.acting(play_to_its_end):
            launch_training(several, files, str(tmp_path / "m"))
        return capsys.readouterr().err

    return report


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
        trainer.run(job, trainer.start(job), **REPORT)
        time.sleep(1)
        trainer.train(job, tiny_model)
        trainer.complete(job)

    with trainer.acting(play):
        record = launch_training(several, files, str(tmp_path / "m")).record
    assert check_model_directory(tmp_path / "m")
    assert digest_of(tmp_path / "m") == digest_of(tiny_model)
    assert record.rows.train == 40  # as that model's own record says
    printed = capsys.readouterr().err
    assert "submitted TrainJob intentflow-train-" in printed
    assert "40 %, 90 s left, loss 0.31; 2 of 2 pods running" in printed


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
        trainer.complete(job)

    with trainer.acting(play):
        launch_training(several, files, str(tmp_path / "m"))
    assert found == {"rows": rows()[:16], "recipe": several, "taxonomy": TAXONOMY}


def _node(job: Mapping[str, Any], number: int, port: int, folder: Path) -> Any:
    """The job's own command with what Kubeflow Trainer sets in the pod of a node."""
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
        stderr=(folder / f"node-{number}").open("w"),
    )


@pytest.mark.real
def test_two_nodes_that_run_the_jobs_command_train_what_one_process_does(
    several: Recipe, files: TrainingFiles, trainer: Trainer, tmp_path: Path
) -> None:
    def play() -> None:
        job = trainer.wait_for_job()
        port = free_port()
        nodes = [_node(job, number, port, tmp_path) for number in (0, 1)]
        ended = [node.wait(timeout=200) for node in nodes]
        printed = (tmp_path / "node-0").read_text()[-2000:]
        (trainer.complete if ended == [0, 0] else trainer.fail)(job)
        assert ended == [0, 0], printed

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
        trainer.crash(trainer.start(job)[1], "the loss is nan at step 3")
        time.sleep(1)
        trainer.fail(job)

    with trainer.acting(play), pytest.raises(IntentflowError) as caught:
        launch_training(several, files, str(tmp_path / "m"))
    message = str(caught.value)
    assert "failed: FailedJobs jobset failed due to one or more job failures" in message
    assert "exit code 1 Error the loss is nan at step 3" in message
    assert "\n" not in message
    assert not (tmp_path / "m").exists()


@pytest.mark.real
def test_pods_that_wait_are_reported_with_the_reason(reported: Reported, trainer: Trainer) -> None:
    def play(job: dict[str, Any]) -> None:
        pods = trainer.start(job)
        trainer.keep_waiting(pods[1], "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.")
        time.sleep(1)

    printed = reported(play)
    assert "0 of 2 pods running, 2 pending" in printed
    assert printed.count("-x1: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.") == 1


@pytest.mark.real
def test_a_job_that_a_queue_holds_back_is_reported_as_suspended(
    reported: Reported, trainer: Trainer
) -> None:
    def play(job: dict[str, Any]) -> None:
        trainer.suspend(job, "no quota is free")
        time.sleep(1)

    assert "suspended: Suspended no quota is free" in reported(play)


@pytest.mark.real
def test_a_job_without_status_or_pods_asks_for_the_controller(
    reported: Reported, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intentflow.training.trainjob.status._SILENT_SECONDS", 1.0)

    def play(job: dict[str, Any]) -> None:
        time.sleep(2)

    assert reported(play).count("is the Kubeflow Trainer controller running?") == 1


@pytest.mark.real
def test_a_controller_that_runs_is_not_asked_for(reported: Reported, trainer: Trainer) -> None:
    def play(job: dict[str, Any]) -> None:
        time.sleep(1)
        trainer.run(job, trainer.start(job))
        time.sleep(1)

    assert "is the Kubeflow Trainer controller running?" not in reported(play)


@pytest.mark.real
@pytest.mark.parametrize("cluster", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_the_webhook_takes_the_job(cluster: dict[str, Any], trainer: Trainer) -> None:
    job = render_trainjob(_settings(**cluster), STAGED, trainer.namespace, {})
    Cluster().apply(job, "tests")
    assert len(trainer.jobs()) == 1


@pytest.mark.real
def test_what_the_webhook_refuses_is_refused_by_the_api_server(trainer: Trainer) -> None:
    job = render_trainjob(_settings(**EVERYTHING), STAGED, trainer.namespace, {})
    job["spec"]["runtimePatches"][0]["manager"] = "intentflow"
    with pytest.raises(IntentflowError, match="must be a domain-prefixed path"):
        Cluster().apply(job, "tests")


@pytest.mark.real
def test_a_trainer_that_would_ignore_the_options_of_pods_is_refused(
    several: Recipe, files: TrainingFiles, trainer: Trainer, kube_api: KubeApi, tmp_path: Path
) -> None:
    crd = "trainjobs.trainer.kubeflow.org"
    with (
        without_spec_field(kube_api, crd, "v1alpha1", "runtimePatches"),
        pytest.raises(IntentflowError, match=r"no spec\.runtimePatches, which Trainer 2\.2"),
    ):
        launch_training(several, files, str(tmp_path / "m"))
    assert trainer.jobs() == []


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
        trainer.fail(job)

    def leave_and_complete() -> None:
        job = trainer.wait_for_job(unlike=uids[0])
        uids.append(job["metadata"]["uid"])
        trainer.train(job, tiny_model)
        trainer.complete(job)

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
        job = trainer.wait_for_job()
        trainer.run(job, trainer.start(job))
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
        trainer.acting(lambda: trainer.complete(trainer.wait_for_job())),
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
        trainer.crash(trainer.start(job)[0], "no memory")
        time.sleep(1)
        trainer.fail(job)
        trainer.wait_for_job(unlike=job["metadata"]["uid"])
        os.kill(os.getpid(), signal.SIGTERM)

    with trainer.acting(play):
        with pytest.raises(IntentflowError, match="exit code 1 Error no memory"):
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

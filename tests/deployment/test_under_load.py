"""Changes of the model while requests come, through real transformers to vLLM, real or played."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, deploy, read_facts, render
from intentflow.deployment.ownership import FIELD_MANAGER
from intentflow.deployment.rollback import promote, rollback
from intentflow.records import Example
from intentflow.storage import fetch, publish
from intentflow.storage.uris import digest_in_name
from intentflow.taxonomy import Taxonomy
from intentflow.training.sft import train
from tests.models import TAXONOMY, one_thread, recipe, rows, save_base_model
from tests.real_parts.kube import KubeApi
from tests.simulators.api import Api
from tests.simulators.fixtures import KServe, playing
from tests.simulators.network import Network
from tests.simulators.running_node import Programs, RunningNode, played_vllm, real_vllm
from tests.verdicts import write_verdict_about

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]

UTTERANCE = "put on Queen now"
CLIENTS = 2
PAUSE_SECONDS = 0.1


@dataclass
class Load:
    """Requests that come all the time, each on a connection of its own.

    Attributes:
        url: URL of the transformer's Service.
        pause_seconds: Time between an answer and the next request of a client.
        answers: Number of the answers by phase, digest of the model and text.
        failed_at: Times of the failed requests by phase and status; 0 for a broken connection.
        without_retry: Number of those that were refused without a ``Retry-After``.
        phase: What happens meanwhile.
    """

    url: str
    pause_seconds: float = PAUSE_SECONDS
    answers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failed_at: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    without_retry: int = 0
    phase: str = ""

    @contextmanager
    def coming(self) -> Iterator[None]:
        """Send requests until the block ends."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._send, args=(stop,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    @property
    def failures(self) -> dict[tuple[str, int], int]:
        """Number of the failed requests by phase and status."""
        return {key: len(times) for key, times in self.failed_at.items()}

    def _fail(self, phase: str, status: int) -> None:
        self.failed_at.setdefault((phase, status), []).append(time.monotonic())

    def _send(self, stop: threading.Event) -> None:
        body = {"instances": [UTTERANCE]}
        while not stop.wait(self.pause_seconds):
            phase = self.phase
            try:
                reply = httpx.post(f"{self.url}/v1/models/banking:predict", json=body, timeout=60)
            except httpx.HTTPError:
                self._fail(phase, 0)
                continue
            if reply.status_code != 200:
                self._fail(phase, reply.status_code)
                self.without_retry += "retry-after" not in reply.headers
                continue
            digest = reply.headers["x-intentflow-model"]
            self.answers[phase, digest, reply.json()["predictions"][0]["text"]] += 1

    def write(self, file: Path) -> None:
        """Write the numbers of answers and failures of each phase, and how long it failed."""
        counts: dict[str, Any] = {}
        for (phase, digest, _), number in self.answers.items():
            counts.setdefault(phase, Counter())[digest[:8]] += number
        for (phase, status), times in self.failed_at.items():
            counts.setdefault(phase, {})[f"HTTP {status}"] = len(times)
            counts[phase][f"HTTP {status} seconds"] = round(max(times) - min(times), 1)
        file.write_text(json.dumps(counts, indent=2))

    def texts(self, digest: str) -> set[str]:
        """The answers of a model."""
        return {text for _, found, text in self.answers if found == digest}

    def models(self, phase: str) -> set[str]:
        """The models that answered in a phase."""
        return {digest for found, digest, _ in self.answers if found == phase}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models whose taxonomies have no intent in common."""
    folder = tmp_path_factory.mktemp("models")
    base = save_base_model(folder / "base", width=128, positions=4096)
    found = []
    for suffix in ("", "_anew"):
        intents = {f"{name}{suffix}": it for name, it in TAXONOMY.intents.items()}
        data = [Example(it.instruction, it.output.replace("(", f"{suffix}(")) for it in rows()]
        place = folder / f"model{suffix}"
        settings = recipe(base, max_steps=60, num_train_epochs=30, learning_rate=3e-3)
        with one_thread():
            train(settings, data[:40], data[40:], place, Taxonomy(intents=intents))
        found.append(place)
    return found


@dataclass(frozen=True)
class Stage:
    """A cluster whose pods run, and two published models."""

    kserve: KServe
    load: Load
    uris: list[str]
    deploy: Callable[..., Any]
    options: DeployOptions

    @property
    def digests(self) -> list[str]:
        """Digests of the models."""
        return [str(digest_in_name(uri)) for uri in self.uris]

    def until_all_from(self, digest: str) -> None:
        """Wait until each of many requests is answered by one model."""
        deadline = time.monotonic() + 300
        streak = 0
        while streak < 20:
            assert time.monotonic() < deadline, f"{digest} does not answer"
            body = {"instances": [UTTERANCE]}
            reply = httpx.post(f"{self.load.url}/v1/models/banking:predict", json=body, timeout=60)
            streak = streak + 1 if reply.headers.get("x-intentflow-model") == digest else 0
            time.sleep(0.1)


# Three starts of a real vLLM next to one that answers take six minutes of two CPUs.
_REAL = [pytest.mark.slow, pytest.mark.asked("INTENTFLOW_UNDER_LOAD")]


@pytest.fixture(params=["played", pytest.param("vllm", marks=_REAL)])
def vllm(request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """The command of vLLM: a process that plays it, or the real one, which takes minutes."""
    if request.param == "played":
        return played_vllm
    return real_vllm(request.getfixturevalue("vllm_program"))


@pytest.fixture
def stage(
    models: list[Path],
    s3_bucket: str,
    namespace: str,
    kube_controllers: KubeApi,
    vllm: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """KServe is played, and the pods run."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    uris = [publish(model, f"s3://{s3_bucket}/models").uri for model in models]

    def local(uri: str) -> Path:
        return fetch(uri, tmp_path / "fetched")

    network = Network()
    # vLLM would bind the engines of all pods to one CPU, where the one that loads gets no time.
    binding = {"VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1", **binding}
    programs = Programs(vllm, local, "between-the-two", environment, tmp_path)
    cluster, api = Api(kube_controllers, None), Api(kube_controllers, namespace)
    node = RunningNode(cluster, api, f"node-{namespace}", programs, network)
    # A real vLLM that answers on two CPUs leaves the next one no time to start.
    pause = PAUSE_SECONDS if vllm is played_vllm else 2.0
    load = Load(f"http://{network.address('banking-transformer')}", pause)
    probe = tmp_path / "probe.jsonl"
    probe.write_text(json.dumps({"instruction": UTTERANCE, "output": "x()"}) + "\n")
    options = DeployOptions(
        name="banking",
        namespace=namespace,
        mode="apply",
        gpu_count=0,
        timeout_seconds=400,
        probe=str(probe),
        probe_url=f"{load.url}/openai/v1",
    )

    def run(uri: str, **changes: Any) -> None:
        verdict = write_verdict_about(uri, tmp_path / "verdict.json")
        deploy(uri, options.model_copy(update=changes), verdict_file=verdict)

    with playing(kube_controllers, namespace, node, tmp_path) as kserve:
        try:
            yield Stage(kserve, load, uris, run, options)
        finally:
            node.end_all()


def _require_right_answers(load: Load, digests: list[str]) -> None:
    """Each model gave the one answer that it gives, inside its own taxonomy."""
    texts = [load.texts(digest) for digest in digests]
    assert all(len(found) == 1 for found in texts), texts
    [first], [second] = texts
    assert ("_anew" in first, "_anew" in second) == (False, True)


def _require_no_failure(load: Load, digests: list[str], folder: Path) -> None:
    load.write(folder / "counts.json")
    assert load.failures == {}
    _require_right_answers(load, digests)


def test_no_request_fails_in_a_deployment_and_its_rollback(stage: Stage, tmp_path: Path) -> None:
    load, (first, second) = stage.load, stage.digests
    stage.deploy(stage.uris[0])
    with load.coming():
        load.phase = "deploy"
        stage.deploy(stage.uris[1])
        stage.until_all_from(second)
        load.phase = "rollback"
        rollback("banking", stage.options.namespace, 400)
        stage.until_all_from(first)
    _require_no_failure(load, [first, second], tmp_path)


@pytest.mark.parametrize(
    "vllm", ["played", pytest.param("vllm", marks=pytest.mark.slow)], indirect=True
)
def test_no_request_fails_with_a_canary_and_its_promotion(stage: Stage, tmp_path: Path) -> None:
    load, (first, second) = stage.load, stage.digests
    stage.deploy(stage.uris[0])
    with load.coming():
        load.phase = "canary"
        stage.deploy(stage.uris[1], canary_percent=30)
        load.phase = "share"
        time.sleep(10)
        load.phase = "promote"
        promote("banking", stage.options.namespace, 400)
        stage.until_all_from(second)
    _require_no_failure(load, [first, second], tmp_path)
    assert load.models("share") == {first, second}


def test_change_in_place_refuses_for_a_while_and_never_answers_wrongly(
    stage: Stage, tmp_path: Path
) -> None:
    """As a GitOps controller changes the objects, and with ``Recreate``."""
    load, (first, second) = stage.load, stage.digests
    stage.deploy(stage.uris[0])
    stage.until_all_from(first)
    with load.coming():
        load.phase = "git"
        for item in render(read_facts(stage.uris[1]), stage.options, None):
            Cluster().apply(item, FIELD_MANAGER)
        stage.until_all_from(second)
        load.phase = "recreate"
        stage.deploy(stage.uris[0], deployment_strategy="Recreate")
        stage.until_all_from(first)
    load.write(tmp_path / "counts.json")
    assert {status for _, status in load.failures} <= {503}
    assert load.without_retry == 0
    _require_right_answers(load, [first, second])

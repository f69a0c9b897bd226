"""The loop on one computer: graphs, a played KServe whose pods run, Prometheus, a labeller."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from intentflow.artifacts.document import write_lines
from intentflow.artifacts.feedback import QueuedRequest
from intentflow.cli.main import main
from intentflow.pipeline.steps.review import redacted_queue
from intentflow.records import Example, write_records
from intentflow.review.tasks import as_task, read_tasks
from intentflow.storage import fetch
from intentflow.taxonomy import Taxonomy
from tests.pipeline.graph import ENVIRONMENT, Run, command
from tests.real_parts.kube import KubeApi
from tests.real_parts.prometheus import scraping, write_targets
from tests.simulators.api import Api
from tests.simulators.fixtures import KServe, playing
from tests.simulators.network import Network
from tests.simulators.running_node import Programs, RunningNode

GRAPH_SECONDS = 1500
_LOG_SECONDS = 60.0
_ASKED_AT_ONCE = 4
# The steps are other processes, and speak with the API server as this one does.
_SITE = """
import sys
if {"deploy", "watch"} & set(sys.orig_argv) and "--function_to_execute" in sys.orig_argv:
    import pytest
    from tests.real_parts.kube import speak_1_20
    speak_1_20(pytest.MonkeyPatch())
"""


@dataclass(frozen=True)
class Rows:
    """Labelled rows of a loop.

    Attributes:
        first: Rows that the first model is trained on.
        asked: Rows of other intents, whose utterances are asked and labelled later.
        test: Test rows of both.
        taxonomy: All intents.
    """

    first: Sequence[Example]
    asked: Sequence[Example]
    test: Sequence[Example]
    taxonomy: Taxonomy

    def of_first(self) -> Taxonomy:
        """The intents of the first model."""
        names = {intent_of(row.output) for row in self.first}
        intents = {name: it for name, it in self.taxonomy.intents.items() if name in names}
        return Taxonomy(intents=intents)


@dataclass
class Loop:
    """A service and what is done with it.

    Attributes:
        folder: Folder of all files.
        rows: The rows.
        bucket: Bucket of models and logs.
        kserve: The cluster.
        url: URL of the transformer.
        prometheus: URL of Prometheus.
        settings: Changes of the run configuration, by section.
        seconds: Time that each part took.
    """

    folder: Path
    rows: Rows
    bucket: str
    kserve: KServe
    url: str
    prometheus: str
    settings: Mapping[str, Mapping[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """The service's log."""
        return f"s3://{self.bucket}/log"

    @property
    def registry(self) -> Path:
        """The registry."""
        return self.folder / "registry"

    @property
    def corrections(self) -> Path:
        """Labels of the review."""
        return self.folder / "review/corrections.jsonl"

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure a part."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 1)

    def run(self, name: str, taxonomy: Taxonomy, *flags: str, **changes: Any) -> Run:
        """Run a graph, whose configuration has these changes of sections."""
        names = set(taxonomy.intents)
        test = [row for row in self.rows.test if intent_of(row.output) in names]
        place = self.folder / name
        place.mkdir()
        write_records(place / "labels.jsonl", self.rows.first)
        write_records(place / "test.jsonl", test)
        write_records(place / "probe.jsonl", self.rows.first[:2])
        taxonomy.write(place / "taxonomy.yaml")
        (place / "run.yaml").write_text(yaml.safe_dump(self._configuration(place, changes)))
        line = command(place / "run.yaml", self.folder / f"runs-{name}", "--json", *flags)
        site = self.folder / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(_SITE)
        paths = [str(site), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        environment = {**ENVIRONMENT, **os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        with self.timed(name):
            done = subprocess.run(
                line, capture_output=True, text=True, env=environment, timeout=GRAPH_SECONDS
            )
        (self.folder / f"{name}.log").write_text(done.stderr + done.stdout)
        return Run(done.returncode, done.stdout, done.stderr)

    def ask(self, utterances: Sequence[str]) -> list[str]:
        """The service's answers, in the call language; a few a request, for vLLM has one CPU."""
        found: list[str] = []
        for start in range(0, len(utterances), _ASKED_AT_ONCE):
            body = {"instances": list(utterances[start : start + _ASKED_AT_ONCE])}
            reply = httpx.post(f"{self.url}/v1/models/banking:predict", json=body, timeout=300)
            reply.raise_for_status()
            found += [str(one["text"]) for one in reply.json()["predictions"]]
        return found

    def recall(self, rows: Sequence[Example]) -> float:
        """Share of rows that the service answers with the right intent."""
        answers = self.ask([row.instruction for row in rows])
        return share(map(intent_of, answers), (intent_of(row.output) for row in rows))

    def review(self) -> int:
        """Queue what was asked, and let a person label it; returns the number of labels."""
        asked = {row.instruction: row.output for row in self.rows.asked}
        deadline = time.monotonic() + _LOG_SECONDS
        known = self.folder / "known.jsonl"
        write_records(known, self.rows.first)
        budget = ("--budget", "1000")
        queue: list[QueuedRequest] = []
        while not {row.instruction for row in queue} >= set(asked):
            assert time.monotonic() < deadline, "the log lacks requests"
            time.sleep(2)
            line = ["feedback", self.log, "-o", f"{self.folder}/feedback", "--known", str(known)]
            if (
                main([*line, *budget]) == 0
                and (self.folder / "feedback/queue.jsonl").stat().st_size
            ):
                queue, _ = redacted_queue(self.folder / "feedback")
        wanted = [row for row in queue if row.instruction in asked]
        tasks = [self._labelled(number, row, asked) for number, row in enumerate(wanted)]
        found = read_tasks(tasks, self.rows.taxonomy)
        assert not found.left_out, found.left_out
        write_lines(self.corrections, found.corrections)
        return len(found.corrections)

    def _labelled(self, number: int, row: QueuedRequest, asked: Mapping[str, str]) -> Any:
        """The task as Label Studio exports it when a person has written the right calls."""
        text = {"text": [asked[row.instruction]]}
        result = {"from_name": "output", "type": "textarea", "value": text}
        time_now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        answer = {"id": number, "completed_by": 1, "updated_at": time_now, "result": [result]}
        return {**as_task(row, self.rows.taxonomy), "id": number, "annotations": [answer]}

    @contextmanager
    def traffic(self) -> Iterator[None]:
        """Requests that come all the time, more of them while there is a canary."""
        stop = threading.Event()

        def send() -> None:
            drawn = random.Random(0)
            rows = [*self.rows.first, *self.rows.asked]
            while not stop.is_set():
                canary = (
                    "canary" in (self.kserve.api.find("inferenceservices", "banking") or {})["spec"]
                )
                try:
                    self.ask([drawn.choice(rows).instruction])
                except httpx.HTTPError as error:
                    self.seconds.setdefault(f"failed: {error}"[:80], 0)
                stop.wait(0.1 if canary else 4)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _configuration(self, place: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
        test, taxonomy = str(place / "test.jsonl"), str(place / "taxonomy.yaml")
        document: dict[str, Any] = {
            "data": {"sources": [str(place / "labels.jsonl")], "test": test, "taxonomy": taxonomy},
            "publish": f"s3://{self.bucket}/models",
            "registry": str(self.registry),
            "deploy": {
                "name": "banking",
                "namespace": self.kserve.api.namespace,
                "mode": "apply",
                "gpu_count": 0,
                "timeout_seconds": 900,
                "log_uri": self.log,
                "probe": str(place / "probe.jsonl"),
                "probe_url": f"{self.url}/openai/v1",
                "prometheus_url": self.prometheus,
            },
        }
        for section in (self.settings, changes):
            for name, value in section.items():
                former = document.get(name)
                document[name] = {**former, **value} if isinstance(former, dict) else value
        return document


@contextmanager
def running_loop(
    folder: Path,
    rows: Rows,
    bucket: str,
    kube_controllers: KubeApi,
    namespace: str,
    vllm: Any,
    settings: Mapping[str, Mapping[str, Any]],
) -> Iterator[Loop]:
    """A cluster in which nothing is deployed yet.

    Args:
        folder: Folder for all files.
        rows: The rows.
        bucket: Bucket of models and logs.
        kube_controllers: The API server.
        namespace: Namespace of the service.
        vllm: The command of vLLM's container, as for :class:`Programs`.
        settings: Changes of the run configuration, by section.
    """
    network, targets = Network(), folder / "targets.json"
    write_targets(targets, namespace, [])
    # vLLM would bind the engines of all pods to one CPU, where the one that loads gets no time.
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}
    environment["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
    programs = Programs(
        vllm,
        lambda uri: fetch(uri, folder / "fetched"),
        "between-the-two",
        environment,
        folder,
        lambda ports: write_targets(targets, namespace, ports),
    )
    cluster, api = Api(kube_controllers, None), Api(kube_controllers, namespace)
    node = RunningNode(cluster, api, f"node-{namespace}", programs, network)
    with ExitStack() as stack:
        prometheus = stack.enter_context(scraping(folder, targets))
        kserve = stack.enter_context(playing(kube_controllers, namespace, node, folder))
        stack.callback(node.end_all)
        url = f"http://{network.address('banking-transformer')}"
        yield Loop(folder, rows, bucket, kserve, url, prometheus, settings)


def intent_of(output: str) -> str:
    """Name of the first intent of a label."""
    return output.partition("(")[0]


def share(one: Any, other: Any) -> float:
    """Share of pairs that are equal."""
    equal = [a == b for a, b in zip(one, other, strict=True)]
    return sum(equal) / len(equal)


def document(path: Path) -> dict[str, Any]:
    """A JSON file."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found

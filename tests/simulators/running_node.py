"""A node whose pods run: each container's own command as a process on this computer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from intentflow.deployment.arguments import served_names
from intentflow.taxonomy import Taxonomy
from tests.real_parts.process import answers, end, end_with_parent, free_port
from tests.simulators.api import Api, Object
from tests.simulators.kserve.names import SOURCE_URI
from tests.simulators.network import Network
from tests.simulators.node import Behaviour, Node, PlayedPod, is_ready

PRE_STOP_SECONDS = 2.0
"""In place of the ten seconds that a pod's preStop hook waits: this proxy knows sooner."""

_PROBE_SECONDS = 0.5


@dataclass(frozen=True)
class Programs:
    """What runs in place of images, mounts and secrets.

    Attributes:
        vllm: The command of vLLM's container: its arguments, the model's folder, the port.
        models: The folder that the storage-initializer makes of a location.
        key: Token between the transformer and vLLM.
        environment: Further variables of all processes.
        log: Folder for their output.
        scraped: Gets the ports of all transformers' metrics when one starts; None for no metrics.
    """

    vllm: Callable[[Sequence[str], Path, int], list[str]]
    models: Callable[[str], Path]
    key: str
    environment: dict[str, str]
    log: Path
    scraped: Callable[[list[int]], None] | None = None


@dataclass
class _Process:
    process: subprocess.Popen[bytes]
    port: int
    is_ready: threading.Event = field(default_factory=threading.Event)
    leaving: threading.Thread | None = None


class RunningNode(Node):
    """A node and its kube-proxy.

    Args:
        cluster: The cluster.
        pods: The pods of one namespace.
        name: Name of the node.
        programs: What runs.
        network: The Services.
    """

    def __init__(
        self, cluster: Api, pods: Api, name: str, programs: Programs, network: Network
    ) -> None:
        super().__init__(cluster, pods, name)
        self._programs, self.network = programs, network
        self._processes: dict[str, _Process] = {}
        self._metrics: list[int] = []

    def end_all(self) -> None:
        """End what runs."""
        for found in list(self._processes.values()):  # its thread may start another
            end(found.process)
        self.network.close()

    def _step(self, pod: Object, pods: list[Object]) -> None:
        found = self._processes.get(pod["metadata"]["uid"])
        if pod["metadata"].get("deletionTimestamp") and found:
            if found.leaving is None:
                found.leaving = threading.Thread(target=_leave, args=(found.process,))
                found.leaving.start()
            if found.leaving.is_alive():
                self._route(pods)
                return
        super()._step(pod, pods)
        self._route(pods)

    def _route(self, pods: list[Object]) -> None:
        """A Service's endpoints are its ready pods that are not being deleted."""
        services: dict[str, list[int]] = {}
        for pod in pods:
            found = self._processes.get(pod["metadata"]["uid"])
            if found and is_ready(pod) and "deletionTimestamp" not in pod["metadata"]:
                service = pod["metadata"]["labels"]["app"].removeprefix("isvc.")
                services.setdefault(service, []).append(found.port)
        self.network.route(services)

    def _start(
        self, pod: Object, behaviour: Behaviour, state: PlayedPod, pods: list[Object], now: float
    ) -> None:
        del behaviour, pods, now
        found = self._processes.get(pod["metadata"]["uid"]) or self._launch(pod)
        state.ready = found.is_ready.is_set()

    def _launch(self, pod: Object) -> _Process:
        metadata, container = pod["metadata"], pod["spec"]["containers"][0]
        port = free_port()
        given = {
            item["name"]: item["value"] for item in container.get("env") or () if "value" in item
        }
        environment = {
            **os.environ,
            **self._programs.environment,
            "VLLM_API_KEY": self._programs.key,
        }
        if metadata["labels"]["component"] == "predictor":
            model = self._programs.models(metadata["annotations"][SOURCE_URI])
            command = self._programs.vllm(container["args"], model, port)
        else:
            environment |= {
                name: given[name] for name in given if name.startswith("INTENTFLOW_LOG")
            }
            program = [sys.executable, *container["command"][1:]]
            command = [*program, *self._of_transformer(container["args"], port)]
        with (self._programs.log / f"{metadata['name']}.log").open("ab") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        path = container["readinessProbe"]["httpGet"]["path"]
        found = self._processes[metadata["uid"]] = _Process(process, port)
        url = f"http://127.0.0.1:{port}{path}"
        threading.Thread(target=_probe, args=(found, url), daemon=True).start()
        return found

    def _of_transformer(self, arguments: Sequence[str], port: int) -> list[str]:
        """The arguments with addresses of this network."""
        written: list[str] = []
        for argument in arguments:
            flag, separator, value = argument.partition("=")
            if flag == "--canary_host" and separator:
                argument = f"{flag}={self.network.address(value.partition('.')[0])}"
            if written and written[-1] == "--predictor_host":
                argument = self.network.address(argument.partition(".")[0])
            if written and written[-1] == "--http_port":
                argument = str(port)
            written.append(argument)
        return [*written, f"--metrics_port={self._metrics_port()}", "--without_token"]

    def _metrics_port(self) -> int:
        """A free port that Prometheus scrapes; 0 if nothing does."""
        if self._programs.scraped is None:
            return 0
        self._metrics.append(free_port())
        self._programs.scraped(self._metrics)
        return self._metrics[-1]


def real_vllm(python: Path) -> Callable[[Sequence[str], Path, int], list[str]]:
    """vLLM's own server, with this folder and port in the place of the container's."""

    def command(arguments: Sequence[str], model: Path, port: int) -> list[str]:
        named = [
            it.replace("/mnt/models", str(model)).replace("--port=8080", f"--port={port}")
            for it in arguments
        ]
        start = [str(python), "-m", "vllm.entrypoints.openai.api_server"]
        return [*start, *named, "--host=127.0.0.1", "--enforce-eager"]

    return command


def played_vllm(arguments: Sequence[str], model: Path, port: int) -> list[str]:
    """A process that plays vLLM: it answers to its digest, with an intent of its model's."""
    _, digest = served_names(arguments)
    intent = next(iter(Taxonomy.from_yaml(model / "taxonomy.yaml").intents))
    module = "tests.serving.transformer.played_vllm"
    return [sys.executable, "-m", module, str(port), f"{intent}(Oslo)", "0.9", "0.02", digest]


def _probe(found: _Process, url: str) -> None:
    """The readiness probe, until it succeeds or the process has ended."""
    while found.process.poll() is None and not found.is_ready.is_set():
        if answers(url):
            found.is_ready.set()
        time.sleep(_PROBE_SECONDS)


def _leave(process: subprocess.Popen[bytes]) -> None:
    """The preStop hook, then SIGTERM, then the grace period."""
    time.sleep(PRE_STOP_SECONDS)
    end(process)

"""Both servers under well-behaved and hostile clients for a while: does anything grow or get stuck?

    python -m benchmarks.soak --minutes 30 --clients 32

From the top of the checkout. ``intentflow serve`` has a tiny model with random weights; the
transformer stands before a process that plays vLLM and is killed and started again now and then.
Of each server's clients a quarter leave early, send slow or endless bodies and heads, or too much.
One JSON line: requests by kind and status, requests in progress at the end, memory and open files.
Exit status 1 where a well-behaved request failed while the predictor was there, a hostile one got
an unexpected reply, a request is still in progress at the end, or memory grew, which is judged from
two minutes on: a process takes its memory in the first ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.soak_clients import Clients, Failure
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from tests.models import recipe, rows, save_base_model
from tests.real_parts.process import answers, free_port, running
from tests.serving.transformer.conftest import write_model
from tests.serving.transformer.played_vllm import ANSWER

TOKEN = "of-the-soak"
# Random weights never end a free value.
SHORT_ANSWERS = Taxonomy(
    intents={
        "weather_search": Intent(
            parameters=["place"], min_parameters=1, values={"place": ["Oslo", "Paris"]}
        ),
        "play_music": Intent(),
    }
)
_CONFIDENCE, _PAUSE_SECONDS = "0.9", "0.02"
_GONE_SECONDS = 3.0
_SETTLE_SECONDS = 1.0
_QUIET_SECONDS = 40.0  # longer than an endless body may take
_IN_PROGRESS = re.compile(r"^intentflow_requests_in_progress (\S+)", re.MULTILINE)
_MAX_GROWTH = 0.1
_SPARE_MEGABYTES = 32.0
_MIN_JUDGED_SECONDS = 120.0
_MEGABYTE = 1 << 20


@dataclass
class Server:
    """A running server and what is seen of it.

    Attributes:
        name: Name of the server in the report.
        url: Address of its API.
        metrics_url: Address of its metrics.
        process: The process.
        correction: A correction that its taxonomy accepts.
        away: Times in which its predictor was away.
        memory: Resident megabytes at each look.
    """

    name: str
    url: str
    metrics_url: str
    process: subprocess.Popen[bytes]
    correction: dict[str, str]
    away: list[tuple[float, float]] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def look(self) -> None:
        """Note the memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.memory.append(int(status.partition("VmRSS:")[2].split()[0]) * 1024 / _MEGABYTE)

    def open_files(self) -> int:
        """Number of open files and connections."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def in_progress(self) -> float:
        """Requests in progress, as the server counts them."""
        found = _IN_PROGRESS.search(httpx.get(self.metrics_url).text)
        assert found
        return float(found[1])

    def was_away(self, failure: Failure) -> bool:
        """Whether the predictor was away during a request."""
        return any(failure.began <= end and start <= failure.ended for start, end in self.away)


class Predictor:
    """A process that plays vLLM, and can be killed."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._log = folder / "predictor.log"
        self._stack = ExitStack()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it is up."""
        module = "tests.serving.transformer.played_vllm"
        command = [sys.executable, "-m", module, str(self._port), ANSWER]
        command += [_CONFIDENCE, _PAUSE_SECONDS]
        up = running(command, self._log, lambda: answers(f"{self.url}/health"))
        self._stack.callback(self._stack.enter_context(up).kill)

    def kill(self) -> None:
        """Without any warning."""
        self._stack.close()


def main() -> None:
    """Run and report."""
    args = _arguments()
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        folder = Path(work)
        predictor = Predictor(folder)
        stack.callback(predictor.kill)
        predictor.start()
        servers = [
            stack.enter_context(_transformer(folder, predictor.url)),
            stack.enter_context(_laptop(folder)),
        ]
        reports = asyncio.run(_soak(servers, predictor, args))
    print(json.dumps(reports), flush=True)
    sys.exit(any(report["faults"] for report in reports.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=32, help="clients of each server")
    parser.add_argument(
        "--pause", type=float, default=1.0, help="maximum seconds between two requests"
    )
    parser.add_argument(
        "--restart-every", type=float, default=120.0, help="seconds between the predictor's deaths"
    )
    return parser.parse_args()


async def _soak(
    servers: list[Server], predictor: Predictor, args: argparse.Namespace
) -> dict[str, Any]:
    seconds = 60 * args.minutes
    ended = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, ended.set)
    for server in servers:
        server.look()
    all_clients = [Clients(one.url, TOKEN, one.correction, args.pause) for one in servers]
    tasks = [
        asyncio.create_task(_look(servers, seconds / 100, ended)),
        asyncio.create_task(_restart(servers[0], predictor, args.restart_every, ended)),
    ]
    await asyncio.gather(*(clients.run(args.clients, ended) for clients in all_clients), *tasks)
    reports = {}
    for server, clients in zip(servers, all_clients, strict=True):
        in_progress = await _when_quiet(server)
        reports[server.name] = _report(server, clients, seconds, in_progress)
    return reports


async def _look(servers: list[Server], every_seconds: float, ended: asyncio.Event) -> None:
    while not ended.is_set():
        await _sleep(every_seconds, ended)
        for server in servers:
            server.look()


async def _restart(
    server: Server, predictor: Predictor, every_seconds: float, ended: asyncio.Event
) -> None:
    """Kill the predictor, and start it again a few seconds later; at the end it is there."""
    while not await _sleep(every_seconds, ended):
        start = time.monotonic()
        place = len(server.away)
        server.away.append((start, float("inf")))
        await asyncio.to_thread(predictor.kill)
        await _sleep(_GONE_SECONDS, ended)
        await asyncio.to_thread(predictor.start)
        server.away[place] = start, time.monotonic() + _SETTLE_SECONDS


async def _sleep(seconds: float, ended: asyncio.Event) -> bool:
    """Wait, but not beyond the end; whether that has come."""
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _when_quiet(server: Server) -> float:
    """Requests in progress when all clients are gone."""
    deadline = time.monotonic() + _QUIET_SECONDS
    while (in_progress := server.in_progress()) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return in_progress


def _report(server: Server, clients: Clients, seconds: float, in_progress: float) -> dict[str, Any]:
    log = clients.log
    failed = [one for one in log.failures + log.surprises if not server.was_away(one)]
    memory = _memory(server.memory)
    return {
        "seconds": seconds,
        "requests": {kind: dict(statuses) for kind, statuses in sorted(log.outcomes.items())},
        "answered": len(log.seconds),
        "p50_seconds": round(log.quantile(0.5), 3),
        "p95_seconds": round(log.quantile(0.95), 3),
        "predictor_restarts": len(server.away),
        "predictor_away_seconds": round(sum(end - start for start, end in server.away), 1),
        "failed_while_away": len(log.failures) + len(log.surprises) - len(failed),
        "failed": dict(Counter(f"{one.kind}: {one.reason}" for one in failed)),
        "in_progress_at_end": in_progress,
        "memory_megabytes": memory,
        "open_files_at_end": server.open_files(),
        "faults": _faults(failed, in_progress, memory, seconds),
    }


def _memory(looks: list[float]) -> dict[str, float]:
    """At the start, after the first tenth of the time, in the last tenth, and at most."""
    tenth = max(1, len(looks) // 10)
    return {
        "start": round(looks[0], 1),
        "warm": round(statistics.median(looks[tenth : 2 * tenth] or looks), 1),
        "end": round(statistics.median(looks[-tenth:]), 1),
        "max": round(max(looks), 1),
    }


def _faults(
    failed: list[Failure], in_progress: float, memory: dict[str, float], seconds: float
) -> list[str]:
    allowed = max(memory["warm"] * (1 + _MAX_GROWTH), memory["warm"] + _SPARE_MEGABYTES)
    found = {
        "requests failed": bool(failed),
        "requests are still in progress": in_progress != 0,
        "memory grew": seconds >= _MIN_JUDGED_SECONDS and memory["end"] > allowed,
    }
    return [fault for fault, is_so in found.items() if is_so]


@contextmanager
def _transformer(folder: Path, predictor: str) -> Iterator[Server]:
    """The container's command."""
    model = write_model(folder / "cluster-model")
    command = ["intentflow.serving.transformer", f"--model_uri={model}"]
    command += [f"--predictor_host={predictor.removeprefix('http://')}"]
    ports = ("--http_port={}", "--metrics_port={}")
    correction = {"instruction": "weather in Oslo", "output": "weather_search(Oslo)"}
    with _started("transformer", folder, command, ports, correction) as server:
        yield server


@contextmanager
def _laptop(folder: Path) -> Iterator[Server]:
    """``intentflow serve`` with random weights, kept inside the taxonomy."""
    from intentflow.training.sft import train

    base = save_base_model(folder / "base")
    examples = [Example(row.instruction, "play_music()") for row in rows()]
    train(recipe(base), examples[:40], examples[40:], folder / "model", SHORT_ANSWERS)
    command = ["intentflow.cli.main", "serve", "--model", str(folder / "model")]
    ports = ("--port={}", "--metrics-port={}")
    correction = {"instruction": "put on Queen", "output": "play_music()"}
    with _started("serve", folder, command, ports, correction) as server:
        yield server


@contextmanager
def _started(
    name: str, folder: Path, module: list[str], ports: tuple[str, str], correction: dict[str, str]
) -> Iterator[Server]:
    port, metrics = free_port(), free_port()
    flags = [flag.format(number) for flag, number in zip(ports, (port, metrics), strict=True)]
    command = [sys.executable, "-m", *module, *flags]
    environment = {
        "INTENTFLOW_API_KEY": TOKEN,
        "INTENTFLOW_LOG_URI": str(folder / f"{name}-log"),
        "OMP_NUM_THREADS": "1",
    }
    url = f"http://127.0.0.1:{port}"
    ready = f"{url}/v2/health/ready"
    log = folder / f"{name}.log"
    with running(command, log, lambda: answers(ready), env=environment) as process:
        yield Server(name, url, f"http://127.0.0.1:{metrics}/metrics", process, correction)


if __name__ == "__main__":
    main()

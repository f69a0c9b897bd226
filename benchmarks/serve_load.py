"""The transformer in front of vLLM, compared with vLLM asked directly, in one run.

    INTENTFLOW_VLLM_PYTHON=… python benchmarks/serve_load.py [DATA] [--model DIR]

Four parts, one JSON line: the added latency for one client (requests alternate), the throughput of
both with the same answers (directly, transformer, transformer, directly), minutes of load on the
transformer, and vLLM killed under load and started again while corrections come in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from samples import EXAMPLE_TEST, example_training_rows, tuned_model

from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.vllm_installation import vllm_python
from intentflow.inference.vllm_process import vllm_command, vllm_environment
from intentflow.records import read_records
from intentflow.serving.model_files import read_served_model

CLIENT_SECONDS = 30.0
TOKEN = "of-the-benchmark"
START_SECONDS = 300

Ask = Callable[[str], Awaitable[str]]


@dataclass
class Load:
    """What clients saw."""

    seconds: list[float] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    failures: list[tuple[float, str]] = field(default_factory=list)
    wall_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Answered requests."""
        return len(self.seconds) / self.wall_seconds

    def quantile(self, share: float) -> float:
        """Seconds that this share of the answered requests took at most."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def main() -> None:
    """Measure and print."""
    args = _arguments()
    texts = sorted({example.instruction for example in read_records(args.data)})
    random.Random(0).shuffle(texts)
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        place = ServicePair(args.model or _tuned(Path(work)), Path(work))
        stack.callback(place.stop_vllm)
        place.start_vllm()
        stack.enter_context(place.transformer())
        print(json.dumps(asyncio.run(_measure(place, texts, args))), flush=True)


def _tuned(folder: Path) -> Path:
    return tuned_model(folder / "model", read_records(example_training_rows(folder)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "data", nargs="?", default=EXAMPLE_TEST, help="records whose utterances are asked"
    )
    parser.add_argument("--model", type=Path, help="model directory; the example's if left out")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=45, help="duration of each turn")
    parser.add_argument("--long-seconds", type=float, default=300)
    parser.add_argument("--pairs", type=int, default=200, help="pairs of requests by one client")
    return parser.parse_args()


async def _measure(
    place: ServicePair, texts: Sequence[str], args: argparse.Namespace
) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=CLIENT_SECONDS, limits=_no_limits()) as client:
        direct, through = place.directly(client), place.through(client)
        await _load(direct, texts, args.clients, 5)  # the prompt's cache, the grammar's automaton
        await _load(through, texts, args.clients, 5)
        result = {
            "load": os.getloadavg()[0],
            "one_client": await _alternate(direct, through, texts, args.pairs),
        }
        _print(result)
        result["throughput"] = await _throughput(direct, through, texts, args)
        _print(result)
        result["long"] = _summary(await _load(through, texts, args.clients, args.long_seconds))
        _print(result)
        result["killed"] = await _kill(place, client, texts)
    return result


async def _alternate(direct: Ask, through: Ask, texts: Sequence[str], pairs: int) -> dict[str, Any]:
    """One client asks both ways, the order changing."""
    seconds: dict[str, list[float]] = {"direct": [], "transformer": []}
    for number in range(pairs):
        order = [("direct", direct), ("transformer", through)]
        for name, ask in order if number % 2 else order[::-1]:
            started = time.perf_counter()
            await ask(texts[number % len(texts)])
            seconds[name].append(time.perf_counter() - started)
    medians = {name: 1000 * statistics.median(found) for name, found in seconds.items()}
    added = medians["transformer"] - medians["direct"]
    return {"pairs": pairs, "p50_ms": medians, "added_ms": added}


async def _throughput(
    direct: Ask, through: Ask, texts: Sequence[str], args: argparse.Namespace
) -> dict[str, Any]:
    """Both ways in both orders."""
    turns: dict[str, list[Load]] = {"direct": [], "transformer": []}
    for name, ask in [
        ("direct", direct),
        ("transformer", through),
        ("transformer", through),
        ("direct", direct),
    ]:
        turns[name].append(await _load(ask, texts, args.clients, args.seconds))
    rates = {
        name: statistics.median(load.per_second for load in loads) for name, loads in turns.items()
    }
    answers = {
        name: {text: answer for load in loads for text, answer in load.answers.items()}
        for name, loads in turns.items()
    }
    both = answers["direct"].keys() & answers["transformer"].keys()
    same = sum(answers["direct"][text] == answers["transformer"][text] for text in both)
    return {
        "requests_per_second": rates,
        "turns": {name: [load.per_second for load in loads] for name, loads in turns.items()},
        "ratio": rates["transformer"] / rates["direct"],
        "same_answers": same / len(both),
        "compared": len(both),
    }


async def _kill(
    place: ServicePair, client: httpx.AsyncClient, texts: Sequence[str]
) -> dict[str, Any]:
    """Kill vLLM under load and start it again; errors by when they came, corrections kept."""
    ended = asyncio.Event()
    through = place.through(client)
    asking = asyncio.create_task(_load_until(through, texts, 8, ended))
    correcting = asyncio.create_task(_correct_until(place, client, texts, ended))
    await asyncio.sleep(15)
    killed = time.perf_counter()
    place.kill_vllm()
    await asyncio.to_thread(place.start_vllm)
    up = time.perf_counter()
    await asyncio.sleep(20)
    ended.set()
    load, accepted = await asking, await correcting
    outside = [why for at, why in load.failures if not killed <= at <= up + 1]
    await asyncio.sleep(1)
    return {
        "restart_seconds": up - killed,
        "answered": len(load.seconds),
        "failed_while_down": len(load.failures) - len(outside),
        "failed_at_other_times": len(outside),
        "failures": dict(Counter(why for _, why in load.failures)),
        "corrections_accepted": len(accepted),
        "corrections_lost": len(accepted - place.kept_corrections()),
    }


async def _load(ask: Ask, texts: Sequence[str], clients: int, seconds: float) -> Load:
    ended = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, ended.set)
    return await _load_until(ask, texts, clients, ended)


async def _load_until(ask: Ask, texts: Sequence[str], clients: int, ended: asyncio.Event) -> Load:
    """So many clients, each asking again as soon as it is answered."""
    load, turn = Load(), iter(range(sys.maxsize))

    async def client() -> None:
        while not ended.is_set():
            text = texts[next(turn) % len(texts)]
            started = time.perf_counter()
            try:
                load.answers[text] = await ask(text)
                load.seconds.append(time.perf_counter() - started)
            except httpx.HTTPStatusError as error:
                load.failures.append((time.perf_counter(), f"HTTP {error.response.status_code}"))
                await asyncio.sleep(0.2)
            except httpx.HTTPError as error:
                load.failures.append((time.perf_counter(), type(error).__name__))
                await asyncio.sleep(0.2)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    load.wall_seconds = time.perf_counter() - started
    return load


async def _correct_until(
    place: ServicePair, client: httpx.AsyncClient, texts: Sequence[str], ended: asyncio.Event
) -> set[str]:
    """Corrections at five a second; the ids of those that were accepted."""
    accepted = set()
    name, intent = next(iter(read_served_model(str(place.model)).taxonomy.intents.items()))
    output = f"{name}({', '.join(['something'] * intent.min_parameters)})"
    number = 0
    while not ended.is_set():
        number += 1
        row = {"utterance": texts[number % len(texts)], "output": output}
        with suppress(httpx.HTTPError):  # not accepted, then
            reply = await client.post(f"{place.url}/feedback", json=row, headers=_token())
            if reply.status_code == 201:
                accepted.add(reply.json()["request_id"])
        await asyncio.sleep(0.2)
    return accepted


class ServicePair:
    """vLLM and the transformer in front of it, on this computer."""

    def __init__(self, model: Path, work: Path) -> None:
        self.model = model
        self._work = work
        self._port, port, self._metrics = (_free_port() for _ in range(3))
        self.vllm_url = f"http://127.0.0.1:{self._port}"
        self.url = f"http://127.0.0.1:{port}"
        self._vllm: subprocess.Popen[bytes] | None = None
        self._structure = read_served_model(str(model)).structure

    def start_vllm(self) -> None:
        """Start it and wait until it is up."""
        python = vllm_python()
        if python is None:
            raise SystemExit("vllm is not here: name its Python in INTENTFLOW_VLLM_PYTHON")
        command = vllm_command(python, self.model, "127.0.0.1", self._port, "intent")
        with (self._work / "vllm.log").open("ab") as log:
            self._vllm = subprocess.Popen(
                command, stdout=log, stderr=log, env=vllm_environment(), start_new_session=True
            )
        _wait(f"{self.vllm_url}/health", self._vllm)

    def kill_vllm(self) -> None:
        """Without any warning, its workers as well."""
        assert self._vllm is not None
        os.killpg(self._vllm.pid, signal.SIGKILL)
        self._vllm.wait()

    def stop_vllm(self) -> None:
        """At the end."""
        if self._vllm and self._vllm.poll() is None:
            self.kill_vllm()

    @contextmanager
    def transformer(self) -> Iterator[None]:
        """The container's command."""
        keys = self._work / "token"
        keys.write_text(TOKEN)
        command = [
            *(sys.executable, "-m", "intentflow.serving.transformer", f"--model_uri={self.model}"),
            f"--predictor_host={self.vllm_url.removeprefix('http://')}",
            f"--http_port={self.url.rpartition(':')[2]}",
            f"--metrics_port={self._metrics}",
        ]
        environment = {
            **os.environ,
            "INTENTFLOW_API_KEYS_FILE": str(keys),
            "INTENTFLOW_LOG_URI": str(self._work / "kept"),
        }
        with (self._work / "transformer.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait(f"{self.url}/healthz/ready", process)
            yield
        finally:
            process.terminate()
            process.wait()

    def directly(self, client: httpx.AsyncClient) -> Ask:
        """The request that the transformer makes, made by the client."""

        async def ask(text: str) -> str:
            body = {
                "model": "intent",
                "messages": [{"role": "user", "content": text}],
                "temperature": 0,
                "max_completion_tokens": MAX_NEW_TOKENS,
                "logprobs": True,
                **self._structure.request(),
            }
            reply = await client.post(f"{self.vllm_url}/v1/chat/completions", json=body)
            return str(reply.raise_for_status().json()["choices"][0]["message"]["content"]).strip()

        return ask

    def through(self, client: httpx.AsyncClient) -> Ask:
        """The typed route."""

        async def ask(text: str) -> str:
            url = f"{self.url}/v1/models/intent:predict"
            reply = await client.post(url, json={"instances": [text]}, headers=_token())
            return str(reply.raise_for_status().json()["predictions"][0]["text"])

        return ask

    def kept_corrections(self) -> set[str]:
        """The ids in storage."""
        files = (self._work / "kept" / "feedback").rglob("*.jsonl")
        return {
            json.loads(line)["request_id"]
            for file in files
            for line in file.read_text(encoding="utf-8").splitlines()
        }


def _summary(load: Load) -> dict[str, Any]:
    return {
        "seconds": load.wall_seconds,
        "answered": len(load.seconds),
        "failed": len(load.failures),
        "failures": dict(Counter(why for _, why in load.failures)),
        "per_second": load.per_second,
        "p50_seconds": load.quantile(0.5),
        "p95_seconds": load.quantile(0.95),
        "longest_seconds": max(load.seconds),
    }


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{url} did not come up")


def _no_limits() -> httpx.Limits:
    return httpx.Limits(max_connections=None, max_keepalive_connections=None)


def _token() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _print(result: dict[str, Any]) -> None:
    print(json.dumps(result), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

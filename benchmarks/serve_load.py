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
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from samples import EXAMPLE_TEST, example_training_rows, tuned_model
from service_pair import Ask, ServicePair, bearer

from intentflow.records import read_records
from intentflow.serving.model_files import read_served_model

CLIENT_SECONDS = 30.0


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
        direct, through = place.directly(client, texts), place.through(client)
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
    same, compared = _agreement(*(_merged(turns[name]) for name in ("direct", "transformer")))
    return {
        "requests_per_second": rates,
        "turns": {name: [load.per_second for load in loads] for name, loads in turns.items()},
        "ratio": rates["transformer"] / rates["direct"],
        "same_answers": same,
        "compared": compared,
        "same_answers_as_itself": {
            name: _agreement(*(_merged([load]) for load in loads)) for name, loads in turns.items()
        },
        "differing_asked_alone": await _asked_alone(direct, through, turns),
    }


def _merged(loads: Iterable[Load]) -> dict[str, str]:
    return {text: answer for load in loads for text, answer in load.answers.items()}


def _agreement(first: dict[str, str], second: dict[str, str]) -> tuple[float, int]:
    """Share of equal answers to the texts that both have, and the number of these."""
    both = first.keys() & second.keys()
    return sum(first[text] == second[text] for text in both) / len(both), len(both)


async def _asked_alone(direct: Ask, through: Ask, turns: dict[str, list[Load]]) -> dict[str, int]:
    """Texts that were answered in two ways, asked again by one client: a batch of one row."""
    first, second = _merged(turns["direct"]), _merged(turns["transformer"])
    texts = sorted(text for text in first.keys() & second.keys() if first[text] != second[text])
    same = 0
    for text in texts:
        same += await direct(text) == await through(text)
    return {"differing": len(texts), "equal_alone": same}


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
            reply = await client.post(f"{place.url}/feedback", json=row, headers=bearer())
            if reply.status_code == 201:
                accepted.add(reply.json()["request_id"])
        await asyncio.sleep(0.2)
    return accepted


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


def _no_limits() -> httpx.Limits:
    return httpx.Limits(max_connections=None, max_keepalive_connections=None)


def _print(result: dict[str, Any]) -> None:
    print(json.dumps(result), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""Time of an answer: intents as tokens behind the transformer, and stock vLLM, in one run.

Two models of one recipe, tuned on the same rows with as many steps. ``intentflow`` has a token for
each intent and is asked through the transformer's typed route; ``stock`` has none, and vLLM is
asked directly with the same prompt and grammar, without probabilities. Both servers are up all the
while and have the same flags. One client asks them in turn, the order changing with each row; of
several clients each server gets all rows, then all rows in the other order. A line of JSON is
written; ``--markdown`` prints the lines of a file as a table instead.

    INTENTFLOW_VLLM_PYTHON=… python benchmarks/answer_latency.py [TRAIN.json TEST.json]
        [-o latency.jsonl] [--model DIR] [--stock-model DIR] [--keep DIR] [--requests 100]
        [--clients 8] [--rows-an-intent N] [--set key=value …] [--also=--vllm-option=value …]
    python benchmarks/answer_latency.py -o latency.jsonl --markdown

Without paths it is the bundled example. A model that is not given is tuned with ``--set`` over the
laptop recipe, by default 120 steps, and kept in ``--keep`` for the next run. ``--also`` adds an
arm: the model with tokens behind a transformer whose vLLM has these options, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, linear_regression
from typing import Any

import httpx
from quality import Draw, draw
from samples import EXAMPLE_TEST, example_training_rows, tuned_model
from service_pair import Ask, ServicePair

from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.evaluation.scored_rows import score_row
from intentflow.models.base_models import load_tokenizer
from intentflow.prompts import answer_token_ids, end_token_id
from intentflow.records import Example, read_records

FLOOR, GOAL = 0.5, 1 / 3
CLIENT_SECONDS = 60.0
WARM_UP_ROWS = 4
STEPS = "max_steps=120"
STOCK, OURS, ALSO = "stock", "intentflow", "intentflow, further options"


@dataclass
class Asked:
    """Answers of one server to clients.

    Attributes:
        seconds: Time of each request.
        answers: The last answer to each utterance.
    """

    seconds: list[float] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    async def add(self, ask: Ask, text: str) -> None:
        """Ask, and keep answer and time."""
        started = time.perf_counter()
        self.answers[text] = await ask(text)
        self.seconds.append(time.perf_counter() - started)

    def milliseconds(self, share: float) -> float:
        """Milliseconds that this share of the requests took at most."""
        ranked = sorted(self.seconds)
        return round(1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))], 1)


@dataclass(frozen=True)
class Arm:
    """A server under test.

    Attributes:
        model: Directory of the arm's model.
        ask: Makes the request from a client.
    """

    model: Path
    ask: Callable[[httpx.AsyncClient], Ask]


Asks = dict[str, Ask]


async def one_client(asks: Asks, texts: Sequence[str]) -> dict[str, Asked]:
    """Ask every server each utterance, the order changing."""
    found = {name: Asked() for name in asks}
    for number, text in enumerate(texts):
        order = list(asks)
        for name in order if number % 2 else order[::-1]:
            await found[name].add(asks[name], text)
    return found


async def several_clients(asks: Asks, texts: Sequence[str], clients: int) -> dict[str, Asked]:
    """Ask one server all utterances after another, then the other way round."""
    found = {name: Asked() for name in asks}
    for name in [*asks, *reversed(asks)]:
        waiting = iter(texts)

        async def client(name: str = name, waiting: Any = waiting) -> None:
            for text in waiting:
                await found[name].add(asks[name], text)

        await asyncio.gather(*(client() for _ in range(clients)))
    return found


def accuracy(asked: Asked, rows: Sequence[Example]) -> dict[str, float]:
    """Shares of right answers to the asked rows."""
    scored = [
        score_row(row.instruction, row.output, asked.answers[row.instruction]) for row in rows
    ]
    return {
        INTENT_ACCURACY: round(fmean(row.intent_right for row in scored), 3),
        PARAMETER_ACCURACY: round(fmean(row.parameters_right for row in scored), 3),
    }


def by_length(model: Path, asked: Asked) -> dict[str, float]:
    """Mean number of an answer's tokens, the end among them, and the time by their number.

    A line through the requests of one client has the time of an answer and that of a token.
    """
    tokenizer = load_tokenizer(str(model))
    end = end_token_id(tokenizer)
    lengths = [len(answer_token_ids(tokenizer, text, end)) for text in asked.answers.values()]
    found = {"tokens": round(fmean(lengths), 2)}
    if min(lengths) == max(lengths):
        return found
    slope, start = linear_regression(lengths, [1000 * seconds for seconds in asked.seconds])
    return found | {"ms_at_0_tokens": round(start, 1), "ms_a_token": round(slope, 1)}


async def measure(arms: dict[str, Arm], rows: Sequence[Example], clients: int) -> dict[str, Any]:
    """The times of all arms, by one client and by several."""
    texts = [row.instruction for row in rows]
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=CLIENT_SECONDS, limits=limits) as client:
        asks = {name: arm.ask(client) for name, arm in arms.items()}
        await one_client(asks, texts[:WARM_UP_ROWS])  # the prompt's cache, the grammar's automaton
        alone = await one_client(asks, texts)
        together = await several_clients(asks, texts, clients)
    return {
        name: {
            **by_length(arm.model, alone[name]),
            **accuracy(alone[name], rows),
            "one_client": _times(alone, name),
            f"{clients}_clients": _times(together, name),
        }
        for name, arm in arms.items()
    }


def _times(found: dict[str, Asked], name: str) -> dict[str, float]:
    p50, p95 = (found[name].milliseconds(share) for share in (0.5, 0.95))
    ratio = p50 / found[STOCK].milliseconds(0.5)
    return {"p50_ms": p50, "p95_ms": p95, "share_of_stock_p50": round(ratio, 3)}


def main() -> None:
    """Measure and print."""
    args = _arguments()
    if args.markdown:
        print(markdown([json.loads(line) for line in args.output.read_text().splitlines()]))
        return
    rows = _draw(args)
    test = list({row.instruction: row for row in rows.test}.values())
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        arms = _started(_models(rows, args, args.keep or Path(work)), args, Path(work), stack)
        result = {
            "set": rows.name,
            "rows": len(test),
            "clients": args.clients,
            "load": round(os.getloadavg()[0], 1),
            "steps": {name: _steps(arm.model) for name, arm in arms.items()},
            "also": args.also,
            "arms": asyncio.run(measure(arms, test, args.clients)),
        }
    line = json.dumps(result)
    print(line, flush=True)
    if args.output:
        with args.output.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", nargs="?", type=Path)
    parser.add_argument("test", nargs="?", type=Path, default=EXAMPLE_TEST)
    parser.add_argument("-o", "--output", type=Path, help="JSON lines to append to")
    parser.add_argument("--markdown", action="store_true", help="print the file's table and stop")
    parser.add_argument("--model", type=Path, help="model directory with intent tokens")
    parser.add_argument("--stock-model", type=Path, help="model directory without intent tokens")
    parser.add_argument("--keep", type=Path, help="folder of the models that are tuned here")
    parser.add_argument("--requests", type=int, default=100, help="rows that are asked")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rows-an-intent", type=int, help="labelled rows, a sixth for validation")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--also", action="append", default=[], metavar="VLLM-OPTION")
    parser.add_argument("--train-only", action="store_true", help="tune the models and stop")
    args = parser.parse_args()
    if args.markdown and not args.output:
        parser.error("--markdown needs -o FILE")
    return args


def _draw(args: argparse.Namespace) -> Draw:
    with tempfile.TemporaryDirectory() as folder:
        labelled = read_records(args.train or example_training_rows(Path(folder)))
    test = read_records(args.test)
    seen = {row.instruction for row in test}
    rows = [row for row in labelled if row.instruction not in seen]
    name = args.test.name.split(".")[0] if args.train else "example"
    return draw(name, 0, rows, test, args.rows_an_intent, args.requests)


def _models(rows: Draw, args: argparse.Namespace, folder: Path) -> dict[str, Path]:
    """The given models, and those that are tuned."""
    given = {STOCK: args.stock_model, OURS: args.model}
    found = {}
    for name, tokens_too in ((STOCK, "false"), (OURS, "true")):
        found[name] = given[name] or folder / f"{rows.name}-{name}"
        if not found[name].is_dir():
            settings = (STEPS, *args.set, f"intent_tokens={tokens_too}")
            tuned_model(found[name], rows.training, *settings, validation=rows.validation)
    if args.train_only:
        sys.exit(0)
    return found


def _started(
    models: dict[str, Path], args: argparse.Namespace, work: Path, stack: ExitStack
) -> dict[str, Arm]:
    arms = {}
    for number, name in enumerate([STOCK, OURS, *([ALSO] if args.also else [])]):
        model = models[STOCK if name == STOCK else OURS]
        place = work / str(number)
        place.mkdir()
        pair = ServicePair(model, place)
        stack.callback(pair.stop_vllm)
        pair.start_vllm(*(args.also if name == ALSO else ()))
        if name != STOCK:
            stack.enter_context(pair.transformer())
        arms[name] = Arm(model, pair.plainly if name == STOCK else pair.through)
    return arms


def _steps(model: Path) -> int:
    """Steps of its training, as far as they were logged."""
    history = TrainingRecord.read(model / TRAINING_FILE).history
    return int(max(one[0] for one in (*history.training_loss, *history.validation_loss)))


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """The table of several results."""
    heads = ["set", "asked", "tokens an answer", "intents right", "all right"]
    heads += ["1 client: p50, p95 (ms)", "of stock's p50", "several: p50, p95 (ms)", "of stock's"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for result in results:
        for name, arm in result["arms"].items():
            cells = [result["set"], name, arm["tokens"], arm[INTENT_ACCURACY]]
            cells.append(arm[PARAMETER_ACCURACY])
            for times in (arm["one_client"], arm[f"{result['clients']}_clients"]):
                cells.append(f"{times['p50_ms']:.0f}, {times['p95_ms']:.0f}")
                cells.append(f"{times['share_of_stock_p50']:.2f}")
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

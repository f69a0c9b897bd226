"""``intentflow serve`` and the transformer with one model, for what must be the same of both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.training.sft import train
from tests.models import TAXONOMY, one_thread, recipe, rows
from tests.real_parts.process import answers, free_port, running
from tests.serving.transformer.conftest import TOKEN, played_vllm, transformer

UTTERANCE = "I want to listen to music"


@dataclass(frozen=True)
class Servers:
    """Where both listen, with the token ``TOKEN``.

    Attributes:
        laptop: URL of ``intentflow serve``.
        cluster: URL of the transformer; the vLLM that is played behind it gives the answer and
            the confidence that the model itself gives to the utterance.
        answer: That answer.
        logs: What each of them writes to stderr.
        kept: Where each of them keeps requests and corrections.
    """

    laptop: str
    cluster: str
    answer: str
    logs: tuple[Path, Path]
    kept: tuple[Path, Path]

    @property
    def urls(self) -> tuple[str, str]:
        """Both."""
        return self.laptop, self.cluster


@contextmanager
def served(
    model: Path, log: Path, *options: str | Path, token: str | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """``intentflow serve`` as a process; yields its URL and the process when it answers.

    Args:
        model: The model.
        log: File for its output.
        options: Further options of the command.
        token: Token that clients send; None for none.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [sys.executable, "-m", "intentflow.cli.main", "serve"]
    environment = {"OMP_NUM_THREADS": "1"} | ({"INTENTFLOW_API_KEY": token} if token else {})
    ready = f"{url}/health"
    with running(
        [*command, "--model", model, "--port", str(port), *options],
        log,
        lambda: answers(ready),
        env=environment,
    ) as process:
        yield url, process


@contextmanager
def both_servers(base: Path, folder: Path) -> Iterator[Servers]:
    """Both servers, as processes, with a model that has learned to end its answers.

    Args:
        base: A base model.
        folder: Where the model, the logs and what the servers keep go.
    """
    model = folder / "model"
    settings = recipe(base, max_steps=120, num_train_epochs=30, learning_rate=3e-3)
    with one_thread():
        train(settings, rows()[:40], rows()[40:], model, TAXONOMY)
        engine = TransformersEngine(model, constrained=True)
        done = engine.complete([{"role": "user", "content": UTTERANCE}], MAX_NEW_TOKENS)
    assert done.ended
    with ExitStack() as stack:
        played = played_vllm(folder, free_port(), done.text, repr(done.confidence))
        service = stack.enter_context(transformer(folder, stack.enter_context(played), model=model))
        log, kept_here = folder / "serve.log", folder / "kept-here"
        url, _ = stack.enter_context(served(model, log, "--log", kept_here, token=TOKEN))
        logs, kept = (log, folder / "transformer.log"), (kept_here, service.kept)
        yield Servers(url, service.url, done.text, logs, kept)


def client(url: str, token: str | None = TOKEN) -> httpx.Client:
    """A client of one of them."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, timeout=60)

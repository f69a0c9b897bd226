"""Holds the large libraries; forks itself for each command that its clients pass.

Each command has two processes: one that runs it, and its keeper, which gives the exit status to the
client and ends the command where the client is gone.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import traceback
from dataclasses import dataclass

# What the commands of tests load and takes more than a tenth of a second.
_LOADED = (
    *("torch", "torch.utils.data", "transformers", "transformers.trainer", "peft", "accelerate"),
    *("transformers.models.llama.modeling_llama", "transformers.models.qwen2.modeling_qwen2"),
    *("sklearn.linear_model", "sklearn.feature_extraction.text", "sklearn.model_selection"),
    *("cleanlab", "scipy.stats", "safetensors.torch", "kubernetes.client", "kfp", "kfp.local"),
    *("kfp.dsl.executor", "kfp.compiler", "pydantic", "yaml", "tqdm", "httpx", "faker", "minio"),
    *("fastapi", "uvicorn", "openai"),
)


@dataclass(frozen=True)
class _Request:
    """A command: a module with its arguments, and what it inherits."""

    folder: str
    environment: dict[str, str]
    arguments: list[str]
    streams: list[int]


def main() -> None:
    """Serve until the parent ends."""
    path, program = sys.argv[1:]
    for name in (*_LOADED, *_own_modules()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    sys.executable = program  # steps that the command starts are forked, too
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        os.write(1, b"ready\n")
        waiting = selectors.DefaultSelector()
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in waiting.select()):
            client, _ = listener.accept()
            if os.fork() == 0:
                waiting.close()
                listener.close()
                break
            client.close()
        else:
            return  # standard input is at its end: the parent has ended
    _keep(client)


def _own_modules() -> list[str]:
    """The modules of intentflow that steps and commands import, without the commands themselves."""
    packages = ("components", "curation", "evaluation", "inference", "pipeline", "training")
    found = (
        it.name
        for name in packages
        for it in pkgutil.walk_packages(
            importlib.import_module(f"intentflow.{name}").__path__, f"intentflow.{name}."
        )
    )
    return [name for name in found if ".starter" not in name]


def _keep(client: socket.socket) -> None:
    """Run the client's command in a process of its own, and wait for the end of either."""
    request = _received_request(client)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command = os.fork()
    if command == 0:
        client.close()
        _run(request)
        return
    for stream in request.streams:
        os.close(stream)
    ended = os.pidfd_open(command)
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        client.sendall(command.to_bytes(8, "big"))
        selector.register(ended, selectors.EVENT_READ)
        selector.register(client, selectors.EVENT_READ)
        if all(key.fileobj is client for key, _ in selector.select()):
            os.killpg(command, signal.SIGKILL)  # the client was killed
    _, status = os.waitpid(command, 0)
    with contextlib.suppress(OSError):
        client.sendall(status.to_bytes(8, "big"))
    os._exit(0)


def _received_request(client: socket.socket) -> _Request:
    header, streams, _, _ = socket.recv_fds(client, 8, 3)
    length, data = int.from_bytes(header, "big"), b""
    while len(data) < length:
        data += client.recv(length - len(data))
    folder, count, *rest = data.decode("utf-8", "surrogateescape").split("\0")
    environment = dict(entry.split("=", 1) for entry in rest[: int(count)])
    return _Request(folder, environment, rest[int(count) :], streams)


def _run(request: _Request) -> None:
    """Become the command."""
    os.setsid()
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", errors=errors, buffering=buffering)
        for number, mode, errors, buffering in (
            (0, "r", "strict", -1),
            (1, "w", "strict", 1 if os.isatty(1) else -1),
            (2, "w", "backslashreplace", 1),
        )
    )
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    module, *arguments = request.arguments
    sys.argv = [module, *arguments]
    more = request.environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [request.folder, *filter(None, more), *sys.path[1:]]
    sys.orig_argv = [sys.executable, "-m", *request.arguments]
    sys.modules.pop("sitecustomize", None)
    with contextlib.suppress(ModuleNotFoundError):  # as at the start of an interpreter
        importlib.import_module("sitecustomize")
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()

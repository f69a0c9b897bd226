"""The engine of a local vLLM, started for a model directory and stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from intentflow.calls import OutputFormat
from intentflow.errors import UsageError
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.inference.openai_reply import ChatReply
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.inference.vllm_installation import vllm_python
from intentflow.inference.vllm_process import (
    GRAMMAR_BACKEND,
    running_version,
    running_vllm,
)
from intentflow.io.child_processes import ChildServer
from intentflow.openai_api.faults import Fault


class VLLMEngine(OpenAIEngine):
    """A local vLLM server that is queried like an application's server."""

    name = "vllm"
    grammar_backend: str | None = GRAMMAR_BACKEND
    usual_concurrency = 64
    alternatives = 2
    server: ChildServer | None = None
    """The server, if this process started it."""

    async def _send(self, client: Any, instruction: str, facts: Mapping[str, Any]) -> ChatReply:
        """The reply; the end of the server is an error at once, since no retry could help."""
        try:
            return await super()._send(client, instruction, facts)
        except Fault:
            if self.server:
                self.server.require_running()
            raise


@contextmanager
def vllm_engine(
    folder: Path,
    structure: StructuredOutputs | None,
    output_format: OutputFormat,
    options: EndpointOptions,
) -> Iterator[VLLMEngine]:
    """An engine whose server runs for the duration of the block.

    Args:
        folder: A model directory.
        structure: Taxonomy that constrains answers; None for no constraint.
        output_format: Format of the answers.
        options: Options of requests to the server.

    Raises:
        UsageError: vLLM is not installed.
        ServiceError: The server does not start.
    """
    python = vllm_python()
    if python is None:
        raise UsageError("vllm is not installed: use --engine transformers")
    with running_vllm(python, folder) as server:
        own = replace(options, served_model=None)
        engine = VLLMEngine(server.url, own, structure=structure, output_format=output_format)
        engine.server, engine.version = server, running_version(server.url)
        yield engine

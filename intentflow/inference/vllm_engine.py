"""A local vLLM as an engine: started for a model directory, asked, ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from intentflow.calls import OutputFormat
from intentflow.errors import IntentflowError
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.inference.vllm_process import running_vllm, vllm_python


class VLLMEngine(OpenAIEngine):
    """A vLLM server that :func:`vllm_engine` started: what an application's request would reach."""

    name = "vllm"
    usual_concurrency = 64


@contextmanager
def vllm_engine(
    folder: Path,
    structure: StructuredOutputs | None,
    output_format: OutputFormat,
    options: EndpointOptions,
) -> Iterator[VLLMEngine]:
    """An engine whose server lives as long as the block.

    Args:
        folder: A model directory.
        structure: The taxonomy to stay inside; None leaves answers free.
        output_format: The language of the answers.
        options: Options of requests to the server.

    Raises:
        IntentflowError: vLLM is not installed or does not start.
    """
    python = vllm_python()
    if python is None:
        raise IntentflowError("vllm is not installed here: use --engine transformers")
    with running_vllm(python, folder) as url:
        own = replace(options, served_model=None)
        yield VLLMEngine(url, own, structure=structure, output_format=output_format)

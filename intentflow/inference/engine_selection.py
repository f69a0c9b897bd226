"""Which engine answers, opened for as long as it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from intentflow.calls import OutputFormat
from intentflow.errors import IntentflowError
from intentflow.inference.engines import Engine
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.inference.subject import Subject, describe_folder
from intentflow.inference.vllm_process import serving_engine
from intentflow.taxonomy import Taxonomy

ENGINES = ("auto", "transformers", "vllm", "openai")
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class EngineOptions:
    """Options of an engine.

    Attributes:
        batch_size: Rows that transformers decodes together; None leaves it to the engine.
        endpoint: Options of requests to an endpoint, or to the vLLM server that is started.
    """

    batch_size: int | None = None
    endpoint: EndpointOptions = field(default_factory=EndpointOptions)


@dataclass(frozen=True)
class Asked:
    """What is to be scored, as :func:`intentflow.evaluation.run.evaluate_model` is asked for it."""

    model: str
    engine: str = "auto"
    constrained: bool | None = None
    taxonomy: Taxonomy | None = None
    output_format: OutputFormat | None = None

    @property
    def is_url(self) -> bool:
        """Whether the model is an endpoint."""
        return self.model.startswith(_SCHEMES)


@contextmanager
def opened(asked: Asked, options: EngineOptions) -> Iterator[tuple[Engine, Subject]]:
    """The engine, and what it makes of the model.

    Raises:
        IntentflowError: Not a model, an endpoint that cannot be used, or an engine that does not
            go with what is asked for.
    """
    if asked.engine not in ENGINES:
        raise IntentflowError(f"--engine {asked.engine}: choose {', '.join(ENGINES)}")
    if asked.engine != "auto" and (asked.engine == "openai") != asked.is_url:
        wanted = "the URL of an endpoint" if asked.engine == "openai" else "a model directory"
        raise IntentflowError(f"--engine {asked.engine} needs {wanted}, not {asked.model}")
    if asked.is_url:
        yield _open_endpoint(asked, options)
    else:
        with _open_folder(asked, options) as both:
            yield both


def _open_endpoint(asked: Asked, options: EngineOptions) -> tuple[Engine, Subject]:
    output_format: OutputFormat = asked.output_format or "call"
    if asked.constrained and asked.taxonomy is None:
        raise IntentflowError("--constrained needs --taxonomy F: an endpoint does not tell its own")
    structure = None
    if asked.constrained and asked.taxonomy is not None:
        structure = StructuredOutputs(asked.taxonomy, output_format)
    engine = OpenAIEngine(
        asked.model, options.endpoint, structure=structure, output_format=output_format
    )
    subject = Subject(
        engine.name,
        engine.constrained,
        taxonomy=asked.taxonomy,
        output_format=output_format,
        endpoint=(engine.url, engine.model, engine.root),
    )
    return engine, subject


@contextmanager
def _open_folder(asked: Asked, options: EngineOptions) -> Iterator[tuple[Engine, Subject]]:
    from intentflow.models.directory import check_model_directory

    if asked.taxonomy is not None or asked.output_format is not None:
        raise IntentflowError(
            f"{asked.model} has a taxonomy and an output format of its own: "
            "give them for endpoints and given predictions only"
        )
    folder = check_model_directory(asked.model)
    constrained = asked.constrained is not False
    name = serving_engine(asked.engine)
    subject = describe_folder(folder, name, constrained)
    if name == "transformers":
        yield _load(folder, constrained, options), subject
        return
    from intentflow.inference.vllm_engine import vllm_engine

    assert subject.taxonomy is not None
    structure = StructuredOutputs(subject.taxonomy, subject.output_format) if constrained else None
    with vllm_engine(folder, structure, subject.output_format, options.endpoint) as engine:
        yield engine, subject


def _load(folder: Path, constrained: bool, options: EngineOptions) -> Engine:
    from intentflow.inference.transformers_engine import TransformersEngine

    if options.batch_size is None:
        return TransformersEngine(folder, constrained=constrained)
    return TransformersEngine(folder, constrained=constrained, batch_size=options.batch_size)

"""Selection of the engine that answers, open for the duration of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from intentflow.calls import OutputFormat
from intentflow.errors import UsageError
from intentflow.inference.engines import Engine
from intentflow.inference.fused_classifier import read_fused_classifier
from intentflow.inference.intent_distribution import IntentVocabulary
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.inference.subject import Subject, describe_folder
from intentflow.inference.vllm_installation import local_engine
from intentflow.models.saved_intent_tokens import TOKENIZER_FILE, saved_intent_tokens
from intentflow.storage import read_file
from intentflow.taxonomy import Taxonomy

ENGINES = ("auto", "transformers", "vllm", "openai")
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class EngineOptions:
    """Options of an engine.

    Attributes:
        batch_size: Number of rows that transformers decodes together; chosen by the engine if
            None.
        endpoint: Options of requests to an endpoint, or to a local vLLM server.
    """

    batch_size: int | None = None
    endpoint: EndpointOptions = field(default_factory=EndpointOptions)


@dataclass(frozen=True)
class EvaluationRequest:
    """The model to score and its options, see :func:`intentflow.evaluation.run.evaluate_model`."""

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
def open_engine(
    request: EvaluationRequest, options: EngineOptions
) -> Iterator[tuple[Engine, Subject]]:
    """Open the engine and describe the model.

    Raises:
        InputError: The directory is not a model.
        ServiceError: The endpoint cannot be used, or vLLM does not start.
        UsageError: The engine is unknown, or does not support the options.
    """
    if request.engine not in ENGINES:
        raise UsageError(f"--engine {request.engine}: choose {', '.join(ENGINES)}")
    if request.engine != "auto" and (request.engine == "openai") != request.is_url:
        wanted = "the URL of an endpoint" if request.engine == "openai" else "a model directory"
        raise UsageError(f"--engine {request.engine} needs {wanted}, not {request.model}")
    if request.is_url:
        yield _open_endpoint(request, options)
    else:
        with _open_folder(request, options) as both:
            yield both


def _open_endpoint(request: EvaluationRequest, options: EngineOptions) -> tuple[Engine, Subject]:
    output_format: OutputFormat = request.output_format or "call"
    if request.constrained and request.taxonomy is None:
        raise UsageError("--constrained needs --taxonomy F for an endpoint")
    structure = None
    if request.constrained and request.taxonomy is not None:
        structure = StructuredOutputs(request.taxonomy, output_format)
    engine = OpenAIEngine(
        request.model, options.endpoint, structure=structure, output_format=output_format
    )
    subject = Subject(
        engine.name,
        engine.constrained,
        prompt_digest=options.endpoint.prompt.digest if options.endpoint.prompt else None,
        taxonomy=request.taxonomy,
        output_format=output_format,
        allow_thinking=options.endpoint.allow_thinking,
        endpoint=(engine.url, engine.model, engine.root),
    )
    return engine, subject


@contextmanager
def _open_folder(
    request: EvaluationRequest, options: EngineOptions
) -> Iterator[tuple[Engine, Subject]]:
    from intentflow.models.directory import check_model_directory

    given = (request.taxonomy, request.output_format, options.endpoint.prompt)
    if any(fact is not None for fact in given) or options.endpoint.allow_thinking:
        raise UsageError(
            f"{request.model} has its own taxonomy, prompt and output format: "
            "give them only for endpoints and given predictions"
        )
    folder = check_model_directory(request.model)
    constrained = request.constrained is not False
    name = local_engine(request.engine, folder)
    subject = describe_folder(folder, name, constrained)
    if name == "transformers":
        loaded = _load(folder, constrained, options)
        yield loaded, _measured_with(subject, loaded)
        return
    from intentflow.inference.vllm_engine import vllm_engine

    structure = _structure(folder, subject) if constrained else None
    with vllm_engine(folder, structure, subject.output_format, options.endpoint) as engine:
        yield engine, _measured_with(subject, engine)


def _structure(folder: Path, subject: Subject) -> StructuredOutputs:
    assert subject.taxonomy is not None
    tokens = saved_intent_tokens(
        read_file(str(folder), TOKENIZER_FILE), f"{folder}/{TOKENIZER_FILE}"
    )
    fused = read_fused_classifier(str(folder), IntentVocabulary.of(subject.taxonomy, tokens))
    return StructuredOutputs(subject.taxonomy, subject.output_format, tokens, fused)


def _measured_with(subject: Subject, engine: Engine) -> Subject:
    """The subject with the facts that only an open engine states."""
    backend = engine.grammar_backend if engine.constrained else None
    return replace(subject, engine_version=engine.version, grammar_backend=backend)


def _load(folder: Path, constrained: bool, options: EngineOptions) -> Engine:
    from intentflow.inference.transformers_engine import TransformersEngine

    if options.batch_size is None:
        return TransformersEngine(folder, constrained=constrained)
    return TransformersEngine(folder, constrained=constrained, batch_size=options.batch_size)

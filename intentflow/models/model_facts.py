"""Facts about a model directory that its serving depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intentflow.artifacts.calibration import CALIBRATION_FILE
from intentflow.artifacts.fusion import CLASSIFIER_FILE
from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import InputError
from intentflow.models.interface_digest import interface_digest
from intentflow.models.saved_intent_tokens import TOKENIZER_FILE, saved_intent_tokens
from intentflow.prompts import PROMPT_FILE, PromptSpec
from intentflow.storage import digest_of, is_remote, read_file
from intentflow.storage.manifest import MANIFEST_NAME, parse
from intentflow.storage.uris import digest_in_name

_TEMPLATE = "chat_template.jinja"
# The guide's client sends max_completion_tokens=2048, and vLLM answers 400 if that exceeds the
# length it serves.
_DOCUMENTED_COMPLETION_TOKENS = 2048
# vLLM's own limit of likely tokens in a reply.
_VLLM_LOGPROBS = 20
_DTYPES = ("bfloat16", "float16", "float32")


@dataclass(frozen=True)
class ModelFacts:
    """A model and the facts that its serving depends on.

    Attributes:
        uri: Location of the model.
        digest: Digest of its content, which also names it in storage.
        prompt_digest: Digest of the prompt it was trained with.
        data_digest: Digest of the rows it was trained on, if recorded.
        max_length: Number of tokens of prompt and answer it was trained for, if recorded.
        max_positions: Maximum number of tokens of its architecture, if stated.
        dtype: Data type of its saved weights; ``auto`` if not stated.
        chat_template: File with its chat template, relative to the model; None if the tokenizer's
            configuration contains it.
        quantization: vLLM's name of its weight format; None for unquantized weights.
        size_bytes: Total size of its files, if it is published.
        interface_digest: Digest of prompt, taxonomy, calibration, intent tokens and classifier;
            models with the same one can be exchanged behind one transformer.
        intent_tokens: Call openings that are one token in its answers, with their ids.
        is_fused: Whether a linear classifier decides with it, by biases in each request.
    """

    uri: str
    digest: str
    prompt_digest: str
    data_digest: str | None = None
    max_length: int | None = None
    max_positions: int | None = None
    dtype: str = "auto"
    chat_template: str | None = None
    quantization: str | None = None
    size_bytes: int | None = None
    interface_digest: str = ""
    intent_tokens: Mapping[str, int] = field(default_factory=dict)
    is_fused: bool = False

    @property
    def served_length(self) -> int | None:
        """Tokens to serve: the trained length, and what the documented client asks for."""
        if not self.max_length:
            return None
        length = max(self.max_length, _DOCUMENTED_COMPLETION_TOKENS)
        return min(length, self.max_positions or length)

    @property
    def max_logprobs(self) -> int | None:
        """Likely tokens that a request may ask for: all intents'; None for vLLM's own limit."""
        return len(self.intent_tokens) if len(self.intent_tokens) > _VLLM_LOGPROBS else None

    @property
    def stated_digest(self) -> str | None:
        """The digest that its location states, by which a transformer asks for it.

        None for a location whose content may change, such as a folder.
        """
        return digest_in_name(self.storage_uri)

    @property
    def storage_uri(self) -> str:
        """The URI in KServe's form."""
        return self.uri if is_remote(self.uri) else Path(self.uri).resolve().as_uri()


def read_facts(uri: str) -> ModelFacts:
    """Read a model's facts from its directory, local or published on S3.

    Raises:
        InputError: The directory does not exist, or is not a model of intentflow.
    """
    if is_remote(uri) and not uri.startswith("s3://"):
        raise InputError(f"{uri}: give a model as s3://bucket/… or as a local directory")
    uri = uri.rstrip("/")
    digest = digest_of(uri)
    prompt = _document(uri, PROMPT_FILE)
    if prompt is None:
        raise InputError(f"{uri} is not a model of intentflow: it has no {PROMPT_FILE}")
    training = _training_record(uri)
    prompt_digest = PromptSpec.from_mapping(prompt, f"{uri}/{PROMPT_FILE}").digest
    taxonomy, calibration = (read_file(uri, it) for it in ("taxonomy.yaml", CALIBRATION_FILE))
    tokens = saved_intent_tokens(read_file(uri, TOKENIZER_FILE), f"{uri}/{TOKENIZER_FILE}")
    classifier = read_file(uri, CLASSIFIER_FILE)
    config = _document(uri, "config.json") or {}
    return ModelFacts(
        uri=uri,
        digest=digest,
        prompt_digest=prompt_digest,
        data_digest=training.on_labels.data_digest,
        max_length=training.plan.max_length or training.recipe.max_length,
        max_positions=_integer(config.get("max_position_embeddings")),
        dtype=_dtype(config),
        chat_template=_template(uri),
        quantization=_weight_format(config),
        size_bytes=_size_bytes(uri),
        interface_digest=interface_digest(prompt_digest, taxonomy, calibration, tokens, classifier),
        intent_tokens=tokens,
        is_fused=classifier is not None,
    )


def weight_format(uri: str) -> str | None:
    """The name of a model's weight format, such as ``compressed-tensors``; None if not quantized.

    Raises:
        InputError: ``config.json`` is not a JSON object.
    """
    return _weight_format(_document(uri, "config.json") or {})


def _weight_format(config: Mapping[str, Any]) -> str | None:
    stated = config.get("quantization_config")
    method = stated.get("quant_method") if isinstance(stated, Mapping) else None
    return method if isinstance(method, str) else None


def _document(uri: str, name: str) -> dict[str, Any] | None:
    content = read_file(uri, name)
    if content is None:
        return None
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InputError(f"{uri}/{name}: not a JSON object")
    return document


def _training_record(uri: str) -> TrainingRecord:
    """The record of its training; empty for a model from elsewhere."""
    document = _document(uri, TRAINING_FILE)
    return TrainingRecord.from_mapping(document or {}, f"{uri}/{TRAINING_FILE}")


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _size_bytes(uri: str) -> int | None:
    content = read_file(uri, MANIFEST_NAME)
    if content is None:
        return None
    return parse(content.decode(errors="replace"), f"{uri}/{MANIFEST_NAME}").bytes


def _dtype(config: Mapping[str, Any]) -> str:
    stated = str(config.get("dtype") or config.get("torch_dtype") or "").removeprefix("torch.")
    return stated if stated in _DTYPES else "auto"


def _template(uri: str) -> str | None:
    if read_file(uri, _TEMPLATE) is not None:
        return _TEMPLATE
    tokenizer = _document(uri, TOKENIZER_FILE) or {}
    if not tokenizer.get("chat_template"):
        raise InputError(
            f"{uri}: has neither {_TEMPLATE} nor a chat_template in tokenizer_config.json; without "
            "it the service would use another prompt than the training"
        )
    return None

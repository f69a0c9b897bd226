"""The subject of an evaluation: a model with its engine, an endpoint, or given predictions."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intentflow.artifacts.calibration import Calibration
from intentflow.calls import OutputFormat
from intentflow.inference.calibration import read_calibration
from intentflow.models.model_facts import weight_format
from intentflow.prompts import PROMPT_FILE, PromptSpec
from intentflow.storage import digest_of
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """The scored model or endpoint, for the keys of ``metrics.json`` that name it.

    Attributes:
        engine: Name of the engine.
        constrained: Whether answers were constrained to the taxonomy.
        model_digest: Digest of a model directory.
        prompt_digest: Digest of its prompt.
        taxonomy: The allowed intents; None if unknown.
        output_format: Format of the answers.
        allow_thinking: Whether a thinking block was left out of the answers.
        calibration: Calibration of the model's confidences.
        engine_version: Version of the engine, if it states one.
        quantization: Format of the model's weights; None if they are not quantized.
        grammar_backend: Library that constrains the answers inside the engine, if known.
        endpoint: URL of an endpoint, the model's name there and the model that it reports as
            loaded.
    """

    engine: str
    constrained: bool
    model_digest: str | None = None
    prompt_digest: str | None = None
    taxonomy: Taxonomy | None = None
    output_format: OutputFormat = "call"
    allow_thinking: bool = False
    calibration: Calibration | None = None
    engine_version: str | None = None
    quantization: str | None = None
    grammar_backend: str | None = None
    endpoint: tuple[str, str, str | None] | None = None

    def identity(self) -> dict[str, Any]:
        """Everything that answers to the same rows depend on."""
        return {
            "engine": self.engine,
            "engine_version": self.engine_version,
            "model": self.model_digest or list(self.endpoint or ()),
            "prompt_digest": self.prompt_digest,
            "constrained": self.constrained,
            "taxonomy_digest": self.taxonomy.digest if self.taxonomy else None,
            "output_format": self.output_format,
            "allow_thinking": self.allow_thinking,
        }


def describe_folder(folder: Path, engine: str, constrained: bool) -> Subject:
    """Describe a model directory and its engine.

    Raises:
        InputError: The prompt was changed after training, or a file is damaged.
    """
    prompt = PromptSpec.read(folder / PROMPT_FILE)
    return Subject(
        engine,
        constrained,
        digest_of(str(folder)),
        prompt.digest,
        Taxonomy.from_yaml(folder / "taxonomy.yaml"),
        prompt.output_format,
        calibration=_calibration(folder, constrained),
        quantization=weight_format(str(folder)),
    )


def _calibration(folder: Path, constrained: bool) -> Calibration | None:
    found = read_calibration(folder)
    if found and found.constrained != constrained:
        fitted = "constrained" if found.constrained else "unconstrained"
        log.warning(
            "%s: its calibration was fitted on %s answers, unlike these: "
            "see ece for its error on them",
            folder,
            fitted,
        )
    return found

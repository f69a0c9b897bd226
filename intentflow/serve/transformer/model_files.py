"""What the transformer knows of the model that it stands before: its small files alone."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from intentflow.errors import IntentflowError
from intentflow.inference.calibration import CALIBRATION_FILE, Calibration
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.prompts import PromptSpec
from intentflow.storage import read_file
from intentflow.storage.uris import digest_in_name
from intentflow.taxonomy import Taxonomy

_NEEDED = ("prompt.json", "taxonomy.yaml")


@dataclass(frozen=True)
class ModelFacts:
    """Prompt, taxonomy and calibration of a model.

    Attributes:
        structure: The taxonomy as vLLM is told it.
        calibration: None where the model has none: confidences stay raw.
        model_digest: Of a published model; None of a folder.
        prompt_digest: Of its prompt.
    """

    taxonomy: Taxonomy
    structure: StructuredOutputs
    calibration: Calibration | None
    model_digest: str | None
    prompt_digest: str


def read_model_facts(uri: str) -> ModelFacts:
    """Read a model directory's small files, local or published.

    Raises:
        IntentflowError: It is no model directory, or a file of it is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in (*_NEEDED, CALIBRATION_FILE):
            content = read_file(uri, name)
            if content is not None:
                (Path(folder) / name).write_bytes(content)
            elif name in _NEEDED:
                raise IntentflowError(f"{uri}: no {name} in it; is it a model that train wrote?")
        prompt = PromptSpec.read(Path(folder) / "prompt.json")
        taxonomy = Taxonomy.from_yaml(Path(folder) / "taxonomy.yaml")
        calibration = Calibration.read(folder)
    structure = StructuredOutputs(taxonomy, prompt.output_format)
    return ModelFacts(taxonomy, structure, calibration, digest_in_name(uri), _digest(prompt))


def _digest(prompt: PromptSpec) -> str:
    return str(json.loads(prompt.model_dump_json())["digest"])

"""Data that a service reads of its model: its small files alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration
from intentflow.artifacts.fusion import CLASSIFIER_FILE
from intentflow.errors import InputError
from intentflow.inference.calibration import read_calibration
from intentflow.inference.fused_classifier import read_fused_classifier
from intentflow.inference.intent_distribution import IntentVocabulary
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.models.interface_digest import interface_digest
from intentflow.models.saved_intent_tokens import TOKENIZER_FILE, saved_intent_tokens
from intentflow.prompts import PROMPT_FILE, PromptSpec
from intentflow.storage import read_file
from intentflow.storage.uris import digest_in_name, is_remote
from intentflow.taxonomy import Taxonomy

_TAXONOMY_FILE = "taxonomy.yaml"
_REQUIRED = (PROMPT_FILE, _TAXONOMY_FILE)


@dataclass(frozen=True)
class ServedModel:
    """Taxonomy, output format and calibration of a model that answers requests.

    Attributes:
        taxonomy: The intents that exist.
        structure: Grammar of the taxonomy, as vLLM takes it, that answers are held to.
        calibration: Calibration of confidences; None where the model has none: they stay raw.
        model_digest: Digest of a published model; None for a folder.
        prompt_digest: Digest of its prompt.
        interface_digest: Digest of its prompt, taxonomy, calibration, intent tokens and classifier.
        constrained: Whether answers are kept inside the taxonomy.
    """

    taxonomy: Taxonomy
    structure: StructuredOutputs
    calibration: Calibration | None
    model_digest: str | None
    prompt_digest: str
    interface_digest: str
    constrained: bool = True

    @property
    def ranks_for_scope(self) -> bool:
        """Whether the threshold of out of scope is one of ranked intents."""
        found = self.calibration
        return bool(found and found.oos_threshold is not None and found.oos_score == "ranking")


def read_served_model(uri: str, *, constrained: bool = True) -> ServedModel:
    """Read a model directory's small files, local or published.

    Args:
        uri: Folder or ``s3://`` of the model directory.
        constrained: Whether its answers are kept inside the taxonomy.

    Raises:
        InputError: The folder is no model directory, or a file of it is damaged.
    """
    if not is_remote(uri) and not Path(uri).is_dir():
        raise InputError(f"model {uri}: there is no such folder")
    contents: dict[str, bytes | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in (*_REQUIRED, CALIBRATION_FILE):
            contents[name] = content = read_file(uri, name)
            if content is not None:
                (Path(folder) / name).write_bytes(content)
            elif name in _REQUIRED:
                raise InputError(f"{uri}: no {name} in it; is it a model that train wrote?")
        try:
            prompt = PromptSpec.read(Path(folder) / PROMPT_FILE)
            taxonomy = Taxonomy.from_yaml(Path(folder) / _TAXONOMY_FILE)
            calibration = read_calibration(folder)
        except InputError as error:
            raise InputError(str(error).replace(folder, uri.rstrip("/"))) from None
    tokens = saved_intent_tokens(read_file(uri, TOKENIZER_FILE), f"{uri}/{TOKENIZER_FILE}")
    fused = read_fused_classifier(uri, IntentVocabulary.of(taxonomy, tokens))
    structure = StructuredOutputs(taxonomy, prompt.output_format, tokens, fused)
    interface = interface_digest(
        prompt.digest,
        contents[_TAXONOMY_FILE],
        contents[CALIBRATION_FILE],
        tokens,
        read_file(uri, CLASSIFIER_FILE),
    )
    digests = digest_in_name(uri), prompt.digest, interface
    return ServedModel(taxonomy, structure, calibration, *digests, constrained)

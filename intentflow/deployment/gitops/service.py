"""The files of a service in a GitOps repository, and their changes for a new model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intentflow.artifacts.deployed_model import DeployedModel
from intentflow.deployment.annotations import ANNOTATION
from intentflow.deployment.arguments import SERVED_NAMES, flag_of, grouped, served_names
from intentflow.deployment.gitops.job_edits import argument_edits, rename_job
from intentflow.deployment.gitops.yaml_edit import Document, Edit, apply_edits, get, parse, scalars
from intentflow.deployment.rendering import Manifest, write_manifests
from intentflow.errors import InputError, IntentflowError

_KIND = "InferenceService"
_MODEL = ("spec", "predictor", "model")
_ANNOTATIONS = ("spec", "predictor", "annotations")
# Where an earlier release stated the model.
_FORMER_ANNOTATIONS = ("metadata", "annotations")
# vLLM's arguments that follow from the model; all others belong to the files' maintainers.
_MODEL_FLAGS = (SERVED_NAMES, "--max-model-len", "--dtype", "--quantization", "--chat-template")


@dataclass(frozen=True)
class FileChanges:
    """The changed files.

    Attributes:
        files: The changed files.
        former_uri: URI of the model that was replaced; None for a first deployment.
    """

    files: list[Path]
    former_uri: str | None


def change_files(folder: Path, objects: Sequence[Manifest]) -> FileChanges:
    """Put a rendered service's model into the files of its folder.

    If the folder has no such service yet, the rendered files are written.

    Args:
        folder: Folder in a clone; it need not exist.
        objects: The rendered objects.

    Raises:
        InputError: The files cannot be changed, or contain several services of that name.
    """
    metadata = next(item for item in objects if item["kind"] == _KIND)["metadata"]
    documents = _documents(folder)
    service = _only_service(folder, documents, metadata["name"], metadata["namespace"])
    if service is None:
        return FileChanges(_write_first(folder, objects), None)
    former = get(service.value, (*_MODEL, "storageUri"))
    if not isinstance(former, str):
        raise InputError(f"{service.where}: the service has no {'.'.join(_MODEL)}.storageUri")
    changed = _edit_all(folder, documents, service, objects, former)
    job = rename_job(folder, _documents(folder), objects)
    return FileChanges(sorted({*changed, *([job] if job else [])}), former)


def read_uri(folder: Path, name: str, namespace: str) -> str | None:
    """The model's URI in the files of a service; None if there is none.

    Args:
        folder: Folder in a clone; it need not exist.
        name: Name of the service.
        namespace: Namespace of the service, which a kustomization may set instead of the file.

    Raises:
        InputError: A file cannot be read, or there are several services of that name.
    """
    service = _only_service(folder, _documents(folder), name, namespace)
    uri = get(service.value, (*_MODEL, "storageUri")) if service else None
    return uri if isinstance(uri, str) else None


def _only_service(
    folder: Path, documents: Sequence[Document], name: str, namespace: str
) -> Document | None:
    found = [document for document in documents if _is_service(document, name, namespace)]
    if len(found) > 1:
        places = ", ".join(sorted({document.where for document in found}))
        raise InputError(
            f"{name} occurs several times in {folder.name}: {places}; "
            "give the folder of one with --path"
        )
    return found[0] if found else None


def _documents(folder: Path) -> list[Document]:
    """Every document below the folder; files that are not YAML, such as templates, are skipped."""
    documents = []
    for file in sorted(folder.rglob("*.y*ml")):
        if file.suffix not in (".yaml", ".yml") or not _is_inside(file, folder):
            continue
        text = _read(file)
        where = file.relative_to(folder).as_posix()
        try:
            documents += parse(where, text)
        except IntentflowError:
            if _KIND in text:
                raise
    return documents


def _is_inside(file: Path, folder: Path) -> bool:
    return file.is_file() and file.resolve().is_relative_to(folder.resolve())


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{file.name}: not UTF-8") from None


def _is_service(document: Document, name: str, namespace: str) -> bool:
    if not isinstance(document.value, Mapping) or document.value.get("kind") != _KIND:
        return False
    metadata = document.value.get("metadata") or {}
    # A kustomization may set the namespace.
    return metadata.get("name") == name and metadata.get("namespace") in (None, namespace)


def _write_first(folder: Path, objects: Sequence[Manifest]) -> list[Path]:
    taken = sorted(file.name for file in folder.glob("*.y*ml"))
    if taken:
        name = next(item for item in objects if item["kind"] == _KIND)["metadata"]["name"]
        raise InputError(
            f"{folder.name} contains {', '.join(taken[:3])}, but no InferenceService {name}: "
            "give the service's own folder with --path"
        )
    return write_manifests(objects, folder)


def _edit_all(
    folder: Path,
    documents: Sequence[Document],
    service: Document,
    objects: Sequence[Manifest],
    former: str,
) -> list[Path]:
    """Edit file by file; the documents of a file are edited one after another."""
    rendered = next(item for item in objects if item["kind"] == _KIND)
    uri = rendered["spec"]["predictor"]["model"]["storageUri"]
    changed = []
    for where in sorted({document.where for document in documents}):
        texts = before = _read(folder / where)
        for place in range(sum(document.where == where for document in documents)):
            document = parse(where, texts)[place]
            edits = _uri_edits(document, former, uri)
            edits += argument_edits(document, objects)
            if document.value == service.value and where == service.where:
                edits += _service_edits(document, rendered)
            if edits:
                texts = apply_edits(document, edits)
        if texts != before:
            (folder / where).write_bytes(texts.encode("utf-8"))
            changed.append(folder / where)
    return changed


def _uri_edits(document: Document, former: str, uri: str) -> list[Edit]:
    """Edits of the model's URI in all places: the predictor, the transformer, a cache."""
    if former == uri:
        return []
    return [
        Edit(path, uri, part=former) for path, text in scalars(document.value) if former in text
    ]


def _service_edits(document: Document, rendered: Manifest) -> list[Edit]:
    # At one place in the text the deeper additions come first.
    return [*_argument_edits(document, rendered), *_annotation_edits(document, rendered)]


def _annotation_edits(document: Document, rendered: Manifest) -> Iterable[Edit]:
    """Edits of the digests and of the verdict."""
    new = rendered["spec"]["predictor"]["annotations"]
    keys = DeployedModel.keys(ANNOTATION)
    former = get(document.value, _FORMER_ANNOTATIONS) or {}
    moved = [key for key in keys if key in former]
    edits = [Edit((*_FORMER_ANNOTATIONS, key), None) for key in moved]
    if moved and len(moved) == len(former):
        edits = [Edit(_FORMER_ANNOTATIONS, None)]
    present = get(document.value, _ANNOTATIONS)
    if not present:
        return [*edits, Edit(_ANNOTATIONS, {key: new[key] for key in keys if key in new})]
    changed = [key for key in keys if present.get(key) != new.get(key)]
    return [*edits, *(Edit((*_ANNOTATIONS, key), new.get(key)) for key in changed)]


def _argument_edits(document: Document, rendered: Manifest) -> Iterable[Edit]:
    """Edits of the arguments that follow from the model, in their places; new ones at the end."""
    path = (*_MODEL, "args")
    present = get(document.value, path)
    wanted = _by_flag(rendered["spec"]["predictor"]["model"].get("args") or [])
    if not present:
        return [Edit(path, [it for group in wanted.values() for it in group])] if wanted else []
    edits, place, end = [], 0, len(present)
    for group in grouped(present):
        new = _renamed(wanted.get(flag_of(group)), group)
        if flag_of(group) in _MODEL_FLAGS and new != group:
            same = len(new) == len(group)
            edits += [
                Edit((*path, place + number), new[number] if same else None)
                for number in range(len(group))
                if not same or new[number] != group[number]
            ]
            if same:
                wanted.pop(flag_of(group))
            elif new:
                wanted[flag_of(group)] = new
        else:
            wanted.pop(flag_of(group), None)
        place += len(group)
    added = [it for group in wanted.values() for it in group]
    return edits + [Edit((*path, end + number), it) for number, it in enumerate(added)]


def _renamed(wanted: list[str] | None, group: list[str]) -> list[str]:
    """The wanted argument; the served model keeps its name, which other files may contain."""
    names = served_names(group)
    if not wanted or not names:
        return wanted or []
    kept = [SERVED_NAMES, names[0], *wanted[2:]]
    return group if served_names(kept) == names else kept


def _by_flag(arguments: Iterable[Any]) -> dict[str, list[str]]:
    groups = {flag_of(group): group for group in grouped(arguments)}
    return {flag: group for flag, group in groups.items() if flag in _MODEL_FLAGS}

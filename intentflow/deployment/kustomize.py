"""The subset of kustomize that ``manifests/`` uses, so that rendering needs no kubectl.

It covers a kustomization's ``resources``, ``images`` and ``patches`` (lists of JSON 6902
operations), and components with the same. A test compares the result with ``kubectl kustomize``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from intentflow.config import load_yaml
from intentflow.errors import InputError

Manifest = dict[str, Any]

_READ = {"apiVersion", "kind", "resources", "images", "patches"}
_FOR_OVERLAYS = {"configurations"}


def build(base: Path, components: Iterable[Path]) -> list[Manifest]:
    """The objects of a base with components, as new dictionaries.

    Raises:
        InputError: A kustomization uses an unsupported feature.
    """
    objects: list[Manifest] = []
    for folder in (base, *components):
        kustomization = _read(folder)
        for name in kustomization.get("resources", ()):
            objects += yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
        for patch in kustomization.get("patches", ()):
            objects = [_patched(item, patch, folder) for item in objects]
        for image in kustomization.get("images", ()):
            _set_image(objects, image)
    return objects


def mappings(node: Any) -> Iterator[Manifest]:
    """Every mapping in an object, outer ones first."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from mappings(item)


def _read(folder: Path) -> Manifest:
    file = folder / "kustomization.yaml"
    document: Manifest = load_yaml(file)
    unknown = sorted(set(document) - _READ - _FOR_OVERLAYS)
    if unknown:
        raise InputError(f"{file}: {', '.join(unknown)} works only with kubectl kustomize")
    return document


def _patched(item: Manifest, patch: Manifest, folder: Path) -> Manifest:
    if item["kind"] != patch["target"]["kind"]:
        return item
    from jsonpatch import JsonPatch, JsonPatchException
    from jsonpointer import JsonPointerException

    try:
        result: Manifest = JsonPatch(yaml.safe_load(patch["patch"])).apply(item)
    except (JsonPatchException, JsonPointerException) as error:
        raise InputError(f"{folder}/kustomization.yaml: {error}") from None
    return result


def _set_image(objects: list[Manifest], change: Manifest) -> None:
    for found in mappings(objects):
        image = found.get("image")
        if isinstance(image, str) and _split(image)[0] == change["name"]:
            found["image"] = change_image(
                image, change.get("newName"), change.get("newTag"), change.get("digest")
            )


def change_image(image: str, name: str | None, tag: str | None, digest: str | None) -> str:
    """``name:tag@digest`` of an image, with parts that are None unchanged."""
    old_name, old_tag, old_digest = _split(image)
    tag, digest = tag or old_tag, digest or old_digest
    return (name or old_name) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _split(image: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image; a registry's port is not a tag."""
    name, _, digest = image.partition("@")
    path, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return path + slash + last, tag, digest

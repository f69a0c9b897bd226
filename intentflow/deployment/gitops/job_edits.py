"""Edits of the Job that verifies a rollout, in a service's files in a GitOps repository."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intentflow.deployment.gitops.yaml_edit import Document, Edit, apply_edits, get
from intentflow.deployment.rendering import Manifest
from intentflow.deployment.rollout_job import is_rollout_job, rollout_name

log = logging.getLogger(__name__)

_ARGUMENTS = ("spec", "template", "spec", "containers", 0, "args")
# What follows from the model, or was given with it; all others belong to the files' maintainers.
_MODEL_FLAGS = ("--model-digest", "--probe", "--model")


def argument_edits(document: Document, objects: Sequence[Manifest]) -> list[Edit]:
    """Edits of the Job's arguments; none if the document is not the rendered service's Job.

    Args:
        document: A document of the service's folder.
        objects: The rendered objects.
    """
    rendered = _rendered_job(objects)
    if rendered is None or not is_rollout_job(document.value, _service_of(objects)):
        return []
    wanted = _by_flag(get(rendered, _ARGUMENTS) or [])
    present = [str(argument) for argument in get(document.value, _ARGUMENTS) or []]
    edits = []
    for place, argument in enumerate(present):
        new = wanted.pop(argument.partition("=")[0], argument)
        if new != argument:
            edits.append(Edit((*_ARGUMENTS, place), new))
    return edits + [
        Edit((*_ARGUMENTS, len(present) + place), argument)
        for place, argument in enumerate(wanted.values())
    ]


def rename_job(
    folder: Path, documents: Sequence[Document], objects: Sequence[Manifest]
) -> Path | None:
    """Give the Job the name that belongs to the folder's present content.

    Args:
        folder: The service's folder.
        documents: Documents of the folder, as they are now.
        objects: The rendered objects.

    Returns:
        The changed file; None if nothing changed.
    """
    service = _service_of(objects)
    jobs = [document for document in documents if is_rollout_job(document.value, service)]
    if not jobs:
        if _rendered_job(objects):
            log.warning(
                "%s has no Job that verifies the rollout, and a GitOps controller reports an "
                "update before the model answers: add job.yaml and networkpolicy-rollout.yaml "
                "of `intentflow deploy --mode render --set rollout_job=true -o DIR`",
                folder.name,
            )
        return None
    name = rollout_name(service, [it.value for it in documents if _is_object(it.value)])
    job = jobs[0]
    if get(job.value, ("metadata", "name")) == name:
        return None
    text = apply_edits(job, [Edit(("metadata", "name"), name)])
    (folder / job.where).write_bytes(text.encode("utf-8"))
    return folder / job.where


def _service_of(objects: Sequence[Manifest]) -> str:
    service = next(item for item in objects if item["kind"] == "InferenceService")
    return str(service["metadata"]["name"])


def _rendered_job(objects: Sequence[Manifest]) -> Manifest | None:
    return next((item for item in objects if item["kind"] == "Job"), None)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") not in (None, "Kustomization")


def _by_flag(arguments: Sequence[str]) -> dict[str, str]:
    flags = {argument.partition("=")[0]: argument for argument in arguments}
    return {flag: argument for flag, argument in flags.items() if flag in _MODEL_FLAGS}

"""Refusal of options of a step that Kubernetes would refuse, before anything is uploaded."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from intentflow.config import DNS_LABEL
from intentflow.errors import InputError
from intentflow.pipeline.step_options import StepOptions

LABEL = re.compile(DNS_LABEL)
"""Names of namespaces, volumes and the like."""

SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""Names of most objects of Kubernetes."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_KEY = re.compile(
    r"((?=[^/]{1,253}/)[a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    rf"{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
# What KFP mounts into the container of a step: kubeflow/pipelines 2.17.0, below backend/src/v2,
# compiler/argocompiler/container.go:59-70 and component/constants.go:18-32.
_KFP_MOUNTS = (
    *("/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config"),
    *("/kfp-launcher", "/kfp-workspace"),
)
_SHARED_MEMORY = "/dev/shm"
# Argo replaces {{workflow.name}} and the like, and refuses what it cannot resolve:
# argo-workflows, workflow/validate/validate.go, resolveAllVariables.
_NO_TEMPLATE = re.compile(r"(?:(?!\{\{).)*+", re.DOTALL)
_TEMPLATES = "a text without '{{', which Argo Workflows would replace"


def check_step(step: str, options: StepOptions) -> None:
    """Refuse options of a step that Kubernetes would refuse, when the step's turn has come.

    Raises:
        InputError: An image, a name or a mount is invalid; the message names step and key.
    """
    where = f"pipeline, step {step}"
    if options.image is not None:
        require(_IMAGE, options.image, f"{where}: image", "registry/name:tag in lower case")
    for secret in (*options.image_pull_secrets, *options.env_from_secrets):
        require(SUBDOMAIN, secret, f"{where}: secret", "a Secret's name")
    secret_variables = [
        name for variables in options.env_from_secrets.values() for name in variables.values()
    ]
    for variable in (*options.env, *secret_variables):
        require(_VARIABLE, variable, f"{where}: env", "a variable's name")
    for claim in options.volumes:  # KFP names the pod's volume after the claim
        require(
            LABEL, claim, f"{where}: volumes", "a claim's name of at most 63 characters, no dots"
        )
    for name in options.config_maps:  # the pod's volume is named after it, too
        require(LABEL, name, f"{where}: config_maps", "a name of at most 63 characters, no dots")
    for key in (*options.labels, *options.annotations, *options.node_selector):
        require(_KEY, key, f"{where}: label or annotation", "a key such as example.com/team")
    for value in (*options.labels.values(), *options.node_selector.values()):
        require(_LABEL_VALUE, value, f"{where}: label", "at most 63 letters, digits, '-', '_', '.'")
    for text in (*options.env.values(), *options.annotations.values()):
        require(_NO_TEMPLATE, text, f"{where}: env or annotation", _TEMPLATES)
    _check_mounts(where, options)


def _check_mounts(where: str, options: StepOptions) -> None:
    mounts = [*options.volumes.values(), *options.config_maps.values(), *options.empty_dirs]
    if options.shared_memory:
        mounts.append(_SHARED_MEMORY)
    taken: set[str] = set()
    for path in mounts:
        plain = str(PurePosixPath(path))
        if not path.startswith("/") or plain == "/" or ":" in path or ".." in path.split("/"):
            raise InputError(f"{where}: mount {path!r}: expected an absolute path without ':'")
        if plain in _KFP_MOUNTS:
            raise InputError(f"{where}: mount {path}: KFP mounts its own volume there")
        if plain in taken:
            raise InputError(f"{where}: mount {path}: two volumes are mounted there")
        taken.add(plain)


def require(pattern: re.Pattern[str], text: str, what: str, expected: str) -> None:
    """Refuse a text that a pattern does not match.

    Raises:
        InputError: The text does not match; the message names what it is, and what is expected.
    """
    if not pattern.fullmatch(text):
        raise InputError(f"{what}: {text!r}: expected {expected}")

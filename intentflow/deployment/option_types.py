"""Types of deployment options: names of Kubernetes objects, tags, lists."""

from __future__ import annotations

from pydantic import BeforeValidator

from intentflow.io.validation_messages import form

DIGEST = form(r"^sha256:[0-9a-f]{64}$", "sha256: and 64 hexadecimal digits")
"""Pattern of an image's digest."""

OBJECT = form(
    r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$",
    "lower-case letters, digits, hyphens and dots, such as intentflow-s3",
)
"""Pattern of the name of a Kubernetes object."""

TAG = form(r"^[\w][\w.-]*$", "letters, digits, '.', '_' and '-', such as v0.32.0")
"""Pattern of an image's tag."""


def _listed(names: object) -> object:
    """Accept ``--set components=monitoring,autoscaling`` without brackets."""
    if isinstance(names, int):
        return [names]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


Listed = BeforeValidator(_listed)
"""For ``Annotated``: a list that may be written as one value, or several with commas."""

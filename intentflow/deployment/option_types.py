"""Types of deployment options: quantities, names of Kubernetes objects, tags, lists."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from intentflow.config import QUANTITY, number_as_text

DIGEST = r"^sha256:[0-9a-f]{64}$"
"""Pattern of an image's digest."""

OBJECT = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
"""Pattern of the name of a Kubernetes object."""

TAG = r"^[\w][\w.-]*$"
"""Pattern of an image's tag."""

Quantity = Annotated[str, BeforeValidator(number_as_text), StringConstraints(pattern=QUANTITY)]
"""A Kubernetes quantity; YAML's numbers are accepted."""


def _listed(names: object) -> object:
    """Accept ``--set components=monitoring,autoscaling`` without brackets."""
    if isinstance(names, int):
        return [names]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


Listed = BeforeValidator(_listed)
"""For ``Annotated``: a list that may be written as one value, or several with commas."""

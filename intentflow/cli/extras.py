"""The extra of this project that a package comes with."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata

# Packages that are imported by another name than they are installed by.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "stdnum": "python-stdnum", "yaml": "pyyaml"}
# Extras that hold others, and what only developers need.
_COLLECTIONS = ("all", "dev")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:.*\bextra == ['\"]([\w-]+)['\"])?")


def install_hint(package: str) -> str:
    """How to install what brings a package, such as ``: pip install 'intentflow[data]'``.

    Args:
        package: Name that the package is imported by.

    Returns:
        The hint; empty where no extra names the package.
    """
    extra = extra_with(package)
    return f": pip install 'intentflow[{extra}]'" if extra else ""


def extra_with(package: str) -> str | None:
    """The first extra that asks for a package, by the metadata of the installed project.

    Args:
        package: Name that the package is imported by.
    """
    try:
        project = metadata("intentflow")
    except PackageNotFoundError:  # a checkout that is not installed
        return None
    wanted = _canonical(_DISTRIBUTIONS.get(package, package))
    for text in project.get_all("Requires-Dist") or ():
        found = _REQUIREMENT.match(text)
        if found and found[2] not in (None, *_COLLECTIONS) and _canonical(found[1]) == wanted:
            return found[2]
    return None


def _canonical(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()

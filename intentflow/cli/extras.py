"""The extra of this project that provides a package."""

from __future__ import annotations

import re

# Packages whose import name differs from their distribution's name.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "stdnum": "python-stdnum", "yaml": "pyyaml"}
# Extras that collect others, and those for developers.
_COLLECTIONS = ("all", "dev")
# The extra that every other one brings: what a command needs is the one that its work needs.
_EVERY_COMMANDS = "cli"
_EXTRAS = {
    "kfp": ("compile", "submit"),
    "train": ("train", "calibrate", "evaluate", "baseline"),
    "quantize": ("quantize",),
    "deploy": ("publish", "deploy", "promote", "rollback", "verify", "permissions", "endpoint"),
    "serve": ("serve",),
    "all": ("run",),
    "data": (
        *("convert", "taxonomy", "curate", "validate", "split", "gate", "init"),
        *("feedback", "review", "drift", "backtest"),
    ),
}
_EXTRA_OF = {verb: extra for extra, verbs in _EXTRAS.items() for verb in verbs}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:.*\bextra == ['\"]([\w-]+)['\"])?")


def install_hint(package: str, verb: str = "") -> str:
    """Advice to install a package, such as ``: pip install 'intentflow[data]'``.

    Args:
        package: Import name of the package.
        verb: The command that needs it; where nothing but the client is installed, its extra is
            named.

    Returns:
        The advice; empty if no extra has the package.
    """
    extra = extra_with(package)
    if extra == _EVERY_COMMANDS:
        extra = _EXTRA_OF.get(verb, extra)
    return f": pip install 'intentflow[{extra}]'" if extra else ""


def extra_with(package: str) -> str | None:
    """The first extra that requires a package, by the metadata of the installed project.

    Args:
        package: Import name of the package.
    """
    from importlib.metadata import PackageNotFoundError, metadata  # loads the email package, too

    try:
        project = metadata("intentflow")
    except PackageNotFoundError:  # a checkout without installation
        return None
    wanted = _canonical(_DISTRIBUTIONS.get(package, package))
    for text in project.get_all("Requires-Dist") or ():
        found = _REQUIREMENT.match(text)
        if found and found[2] not in (None, *_COLLECTIONS) and _canonical(found[1]) == wanted:
            return found[2]
    return None


def _canonical(name: str) -> str:
    """A name in canonical form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()

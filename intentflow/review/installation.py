"""Label Studio in an environment of its own, which it shares with nothing.

It pins dozens of packages exactly, some of them to versions that no other part works with.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from intentflow.environment import cache_folder
from intentflow.errors import ServiceError

log = logging.getLogger(__name__)

VERSION = "1.23.2"
"""The version of Label Studio whose API and tokens :mod:`intentflow.review.client` speaks."""

_DATABASE = "label_studio.sqlite3"


@dataclass(frozen=True)
class Installation:
    """An environment with Label Studio.

    Attributes:
        folder: The environment.
    """

    folder: Path

    @property
    def program(self) -> Path:
        """The command ``label-studio``."""
        return self.folder / "bin/label-studio"

    @property
    def empty_database(self) -> Path:
        """A database of this version without content; to make one takes a minute."""
        return self.folder / "empty" / _DATABASE

    def prepare(self, data: Path) -> None:
        """Put the empty database into a data folder that has none.

        Args:
            data: Folder of a server's data.
        """
        target = data / _DATABASE
        if not target.exists():
            partial = data / f".{_DATABASE}"
            shutil.copyfile(self.empty_database, partial)
            partial.chmod(0o600)
            partial.replace(target)


def installed(cache: Path | None = None) -> Installation:
    """The environment in the cache, made if it is not there.

    Args:
        cache: Folder of environments; ``INTENTFLOW_CACHE`` if None.

    Raises:
        ServiceError: The environment cannot be installed.
    """
    place = cache or cache_folder()
    found = Installation(place / f"label-studio-{VERSION}")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / f"label-studio-{VERSION}.lock"):
            if not found.empty_database.exists():
                _install(found)
    except OSError as error:
        raise ServiceError(f"Label Studio cannot be installed in {place}: {error}") from None
    return found


def _install(found: Installation) -> None:
    """Install and make the database, which is moved into place last and marks the end."""
    log.info("installing Label Studio %s in %s (about 730 MB)", VERSION, found.folder)
    shutil.rmtree(found.folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(found.folder)])
    python = str(found.folder / "bin/python")
    quiet = ("--disable-pip-version-check", "--quiet", "--no-compile")
    _run([python, "-m", "pip", "install", *quiet, f"label-studio=={VERSION}"])
    log.info("making Label Studio's empty database")
    draft = found.folder / "draft"
    _run([str(found.program), "version", "--data-dir", str(draft)])
    draft.rename(found.empty_database.parent)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        cause = lines[-1] if lines else f"exit status {done.returncode}"
        raise ServiceError(f"Label Studio {VERSION} cannot be installed: {cause[:300]}")

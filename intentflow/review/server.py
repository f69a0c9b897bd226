"""The process of a local Label Studio."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from intentflow.errors import ServiceError
from intentflow.io.child_processes import ChildServer, end_with_parent, stop_session
from intentflow.review.installation import Installation

log = logging.getLogger(__name__)

START_SECONDS = 300.0
"""Maximum time for the start of a server."""

_STOP_SECONDS = 20.0
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")
# It reads many variables without a prefix of its own, so it gets none of the caller's. Nothing of
# what is labelled or clicked leaves for its maker, and nobody makes an account unasked.
_SETTINGS = {
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
}


@contextmanager
def running_studio(
    installation: Installation, data: Path, host: str, port: int, email: str, password: str
) -> Iterator[ChildServer]:
    """Run a server until the block ends.

    Args:
        installation: Environment that Label Studio is installed in.
        data: Folder of its data, readable by its owner only.
        host: Address to listen on.
        port: Port to listen on, which is free.
        email: Name of the account, which is made if it is not there.
        password: Password of the user.

    Yields:
        The server, which answers.

    Raises:
        ServiceError: The server does not start; the message has the end of its log.
    """
    installation.prepare(data)
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    account = {"LABEL_STUDIO_USERNAME": email, "LABEL_STUDIO_PASSWORD": password}
    command = [str(installation.program), "start", "--no-browser", "--data-dir", str(data)]
    command += ["--internal-host", host, "--port", str(port)]
    log_file = data / "label-studio.log"
    with log_file.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**kept, **_SETTINGS, **account},
            start_new_session=True,  # this process handles Ctrl-C
            preexec_fn=end_with_parent,
        )
    local = "127.0.0.1" if host == "0.0.0.0" else host
    studio = ChildServer("Label Studio", f"http://{local}:{port}", process, log_file)
    try:
        _wait(studio)
        yield studio
    finally:
        stop_session(process, _STOP_SECONDS)


def _wait(studio: ChildServer) -> None:
    started = time.monotonic()
    while not studio.answers("/api/version"):
        studio.require_running()
        if time.monotonic() - started > START_SECONDS:
            raise ServiceError(
                f"Label Studio is not ready after {START_SECONDS:.0f} s: see {studio.log_file}"
            )
        time.sleep(0.2)
    log.info("Label Studio: ready after %.0f s", time.monotonic() - started)

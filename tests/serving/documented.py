"""The labelling guide's client, run as its users run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CLIENT = Path(__file__).with_name("documented_client.py")


def ask_as_documented(url: str, key: str, folder: Path, *, stream: bool) -> tuple[str, str]:
    """What it prints: the served model's name and the answer to "I want to listen to music".

    Args:
        url: What stands before ``/v1/``.
        key: For the server.
        folder: Where the script is put.
        stream: As its own switch.
    """
    script = folder / "client.py"
    text = _CLIENT.read_text(encoding="utf-8")
    script.write_text(text.replace("stream = True", f"stream = {stream}"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), url, key],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    model, _, answer = done.stdout.partition("\n")
    return model, answer

"""Compare the pins with known vulnerabilities: ``python scripts/audit.py [PIP_AUDIT_OPTION…]``.

Runs pip-audit on requirements.lock: the installed one, else one that uv fetches. Exit status 0:
every pin was checked and none has an advisory; 1: some have; 2: pins could not be checked, which
pip-audit itself counts as a success or ends with a traceback.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"
PIP_AUDIT = "pip-audit==2.10.1"
_SHOWN = 5
_SHOWN_CHARACTERS = 160


def main(options: Sequence[str]) -> int:
    """Check and report; returns the exit status."""
    program = _program()
    if program is None:
        return _unchecked("neither pip-audit nor uv is installed: make test installs uv")
    # OSV has the advisories of PyPI and of GitHub; the pins name all that is installed.
    command = [*program, "--vulnerability-service", "osv", *options]
    command += ["--requirement", LOCK, "--no-deps", "--disable-pip", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        pins = json.loads(done.stdout)["dependencies"]
    except (ValueError, LookupError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1]
        return _unchecked(f"the advisory service cannot be reached ({_short(reason)})")
    return _report(pins)


def _program() -> list[str] | None:
    """The command of pip-audit."""
    folder = Path(sys.executable).parent
    for place in (None, str(folder)):
        if found := shutil.which("pip-audit", path=place):
            return [found]
    uv = shutil.which("uv", path=str(folder)) or shutil.which("uv")
    return [uv, "tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit"] if uv else None


def _report(pins: list[dict[str, Any]]) -> int:
    for line in _advisories(pins):
        print(line)
    skipped = [pin["name"] for pin in pins if "skip_reason" in pin]
    if any(pin.get("vulns") for pin in pins):
        return 1
    if skipped or not pins:
        more = f" and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
        shown = ", ".join(skipped[:_SHOWN]) + more
        return _unchecked(
            f"{len(skipped)} of {len(pins)} pins are unknown to the advisory service, or it "
            f"cannot be reached ({shown})"
        )
    print(f"audit: {len(pins)} pins of {LOCK} were checked, none has a known vulnerability")
    return 0


def _advisories(pins: list[dict[str, Any]]) -> Iterator[str]:
    for pin in pins:
        for advisory in pin.get("vulns", []):
            fixed = ", ".join(advisory.get("fix_versions", [])) or "none yet"
            names = "/".join([advisory["id"], *advisory.get("aliases", [])])
            yield f"audit: {pin['name']} {pin['version']}: {names}; fixed in: {fixed}"


def _short(reason: str) -> str:
    return reason if len(reason) <= _SHOWN_CHARACTERS else f"{reason[:_SHOWN_CHARACTERS]}…"


def _unchecked(reason: str) -> int:
    print(
        f"audit: {LOCK} was not checked: {reason}; run this where the service can be reached, "
        "see docs/how-to/releases.md",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

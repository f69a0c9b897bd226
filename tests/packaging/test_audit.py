"""The comparison of the pins with known vulnerabilities, with a program in pip-audit's place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CLEAN = {"name": "orjson", "version": "3.13.0", "vulns": []}
VULNERABLE = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3.1.6"]}],
}
SKIPPED = {"name": "torch", "skip_reason": "not found and could not be audited"}


def _audit(folder: Path, *pins: dict[str, Any], output: str = "") -> tuple[int, str, str]:
    """Exit status, output and errors, where pip-audit prints a document with these pins."""
    (folder / "printed").write_text(output or json.dumps({"dependencies": pins, "fixes": []}))
    program = folder / "pip-audit"
    program.write_text(f'#!/bin/sh\necho "$@" >{folder}/asked\ncat {folder}/printed\nexit 1\n')
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/audit.py"],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_lock_file_is_compared(tmp_path: Path) -> None:
    _audit(tmp_path, CLEAN)
    asked = (tmp_path / "asked").read_text()
    assert "--requirement requirements.lock --no-deps --disable-pip --format json" in asked


def test_pins_without_an_advisory_pass(tmp_path: Path) -> None:
    status, printed, _ = _audit(tmp_path, CLEAN, CLEAN)
    assert (status, "2 pins of requirements.lock were checked" in printed) == (0, True)


def test_a_vulnerable_pin_is_named_with_its_cure(tmp_path: Path) -> None:
    status, printed, _ = _audit(tmp_path, CLEAN, VULNERABLE, SKIPPED)
    assert (status, printed) == (1, "audit: jinja2 3.1.0: PYSEC-1/CVE-1; fixed in: 3.1.6\n")


def test_a_pin_that_was_not_checked_is_no_success(tmp_path: Path) -> None:
    status, printed, complaint = _audit(tmp_path, CLEAN, SKIPPED)
    assert (status, printed) == (2, "")
    assert "1 of 2 pins are unknown to the advisory service" in complaint


@pytest.mark.parametrize("output", ["Traceback: no route to host", "[]", '{"dependencies": []}'])
def test_a_service_that_cannot_be_reached_is_no_success(tmp_path: Path, output: str) -> None:
    status, printed, complaint = _audit(tmp_path, output=output)
    assert (status, printed, complaint.count("\n")) == (2, "", 1)
    assert "requirements.lock was not checked" in complaint

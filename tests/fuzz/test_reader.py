"""The fuzzer runs for a while on each parser and finds nothing."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.real_parts.process import unavailable

SECONDS = max(int(os.environ.get("INTENTFLOW_FUZZ_SECONDS", "60")) // len(TARGETS), 5)
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(800)
@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("target", TARGETS)
def test_fuzzing_finds_nothing(target: str, tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        unavailable("atheris is not installed: make test installs it")
    command = [sys.executable, "-m", "tests.fuzz.reader", target, str(tmp_path / "corpus")]
    limits = [f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=30", "-verbosity=0"]
    ended = subprocess.run(
        [*command, *limits, f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    findings = [path.read_bytes() for path in tmp_path.glob("*-*") if path.is_file()]
    assert ended.returncode == 0, (findings, ended.stderr[-3000:])


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_fuzzer_begins_with_is_sound(target: str) -> None:
    for seed in TARGETS[target].seeds:
        TARGETS[target].check(seed)

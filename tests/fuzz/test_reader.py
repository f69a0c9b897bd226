"""The fuzzer runs for a while and finds nothing; every shape that it starts from is sound."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = int(os.environ.get("INTENTFLOW_FUZZ_SECONDS", "60"))
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_fuzzing_the_readers_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "tests.fuzz.reader", str(tmp_path / "corpus")]
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

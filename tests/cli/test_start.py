"""The command from its first import on, and faults of the disk."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.pipeline.run_folder import own_folder

INTERRUPTED = """
import os, signal, sys
from intentflow.cli import start

class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["intentflow", "convert", "rows.csv", "-o", "rows.jsonl"]
sys.exit(start.main())
"""


@pytest.mark.parametrize(
    "module", ["intentflow.cli.main", "intentflow.logs", "intentflow.cli.convert"]
)
def test_ctrl_c_while_the_command_starts_is_one_line_and_exits_2(
    module: str, tmp_path: Path
) -> None:
    code = INTERRUPTED.format(module=module)
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert ended.stderr.endswith("error: stopped; no incomplete output was kept\n")


def test_a_full_disk_is_one_line_and_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nplay jazz,play(jazz)\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("intentflow.conversion.writers.LazyFile.write", full)
    assert main(["convert", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "out.jsonl")]) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), "error: No space left on device" in err) == (1, True)


def test_a_folder_whose_name_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*x: File name too long"):
        own_folder(tmp_path / ("x" * 300), ()).__enter__()

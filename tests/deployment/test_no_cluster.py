"""Messages where no cluster is configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.cli.main import main


def test_no_configuration_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert main(["endpoint", "banking", "-n", "team-a"]) == 2
    error = capsys.readouterr().err
    assert "no cluster is configured" in error
    assert error.count("\n") == 1

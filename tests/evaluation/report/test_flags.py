"""``intentflow evaluate --report`` compared with baselines and a champion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from tests.evaluation.report.pages import evaluation

ROWS = [("a", "play()", "play()"), ("b", "play()", "sing()"), ("c", "sing()", "sing()")]


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    """The command on given predictions."""
    path = tmp_path / "predictions.jsonl"
    keys = ("instruction", "output", "prediction")
    path.write_text("\n".join(json.dumps(dict(zip(keys, row, strict=True))) for row in ROWS))
    return ["evaluate", "--predictions-in", str(path), "-o", str(tmp_path / "metrics.json")]


@pytest.fixture
def compared(tmp_path: Path) -> list[str]:
    """Flags of a report that compares with baselines and a champion."""
    scored = evaluation(*[(text, gold, gold) for text, gold, _ in ROWS])
    scored.metrics.write(tmp_path / "champion.json")
    baselines = {
        "data_digest": scored.metrics.data_digest,
        "baselines": {"linear": {"intent_accuracy": 1.0, "outcomes": {"intent": "111"}}},
    }
    (tmp_path / "baselines.json").write_text(json.dumps(baselines))
    flags = ["--report", str(tmp_path / "report.html"), "--hourly-price", "1.5"]
    for name in ("champion", "baselines"):
        flags += [f"--{name}", str(tmp_path / f"{name}.json")]
    return flags


def test_the_report_is_compared_with_what_was_given(
    given: list[str], compared: list[str], tmp_path: Path
) -> None:
    assert main([*given, *compared]) == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "does not beat the linear classifier" in text
    assert "differs from the champion by no more than chance" in text


@pytest.mark.parametrize("name", ["champion", "baselines"])
@pytest.mark.parametrize(
    ("content", "message"),
    [('{"n": 3, "baselines": {}, "data_digest": "x"}', "other rows"), ("{", "not JSON")],
)
def test_what_cannot_be_compared_stops_before_anything_is_written(
    given: list[str],
    compared: list[str],
    name: str,
    content: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / f"{name}.json").write_text(content)
    assert main([*given, *compared]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.parametrize("price", ["-1", "nan", "much"])
def test_a_price_that_is_none_is_refused(
    given: list[str], price: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*given, f"--hourly-price={price}"]) == 2
    assert "give a number from 0 up" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--champion=c.json", "--baselines=b.json", "--hourly-price=1"])
def test_a_flag_of_the_report_without_a_report_is_refused(
    given: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*given, flag]) == 2
    assert "give --report" in capsys.readouterr().err

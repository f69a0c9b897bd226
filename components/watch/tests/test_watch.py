"""The watch component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.retraining import WatchReport
from intentflow.components.watch.component import watch
from tests.components.calls import call


@pytest.mark.parametrize(
    ("deploy", "reason"),
    [
        ({"mode": "render"}, "deploy.mode is render"),
        ({"mode": "git"}, "deploy.mode is git"),
        ({"mode": "apply"}, "deploy.canary_percent is not set"),
    ],
)
def test_where_there_is_no_canary_the_watch_is_skipped(
    deploy: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    made = call(
        watch,
        tmp_path,
        model_uri="s3://m/sha256-0af3",
        deploy=deploy,
        config={},
        record={},
    )
    report = WatchReport.read(made["report"].path)
    assert (report.decision, made["Output"]) == ("skipped", {})
    assert report.reason.startswith(reason)

"""The check component."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.artifacts.failure import StepFailure
from intentflow.components.check.component import check
from intentflow.errors import CheckFailed, InputError, IntentflowError
from tests.components.calls import call


def test_without_a_failure_the_run_goes_on(tmp_path: Path) -> None:
    assert call(check, tmp_path, failure={})["Output"] is None


@pytest.mark.parametrize(("error", "status"), [(CheckFailed("no"), 1), (InputError("no"), 2)])
def test_a_failure_ends_the_run_with_the_status_of_its_kind(
    tmp_path: Path, error: IntentflowError, status: int
) -> None:
    with pytest.raises(SystemExit) as stopped:
        call(check, tmp_path, failure=StepFailure.of("validate", error).as_dict())
    assert stopped.value.code == status


def test_the_step_that_found_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = StepFailure.of("validate", CheckFailed("2 rows conflict")).as_dict()
    with pytest.raises(SystemExit):
        call(check, tmp_path, failure=failure)
    assert "intentflow validate: error: 2 rows conflict" in capsys.readouterr().err

"""One retraining of a service at a time: who may begin, who must stop, in a folder and on S3."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intentflow.artifacts.registry_entry import TIME_FORMAT
from intentflow.errors import InputError, IntentflowError
from intentflow.registry.retrain_leases import RetrainLeases, this_process

HOUR = 3600.0
_ON_S3 = [pytest.param(kind, marks=pytest.mark.real) for kind in ("moto_bucket", "s3_bucket")]
_HOLD = """
import sys
from intentflow.registry.retrain_leases import RetrainLeases, this_process

RetrainLeases(sys.argv[1], "banking").take("killed", 3600, this_process())
"""


@pytest.fixture(params=["folder", *_ON_S3])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A registry in a folder, on a server with conditional put and on one without."""
    if request.param == "folder":
        return str(tmp_path / "registry")
    return f"s3://{request.getfixturevalue(request.param)}/registry"


@pytest.fixture
def leases(place: str) -> RetrainLeases:
    return RetrainLeases(place, "banking")


def _at(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime(TIME_FORMAT)


def _holder(leases: RetrainLeases) -> str:
    found = leases.read()
    assert found is not None
    return found.holder


def test_the_second_of_two_runs_is_refused_in_one_line(leases: RetrainLeases, place: str) -> None:
    leases.take("first", HOUR)
    with pytest.raises(InputError, match=r"under way \(run first, since .* wait for it") as caught:
        leases.take("second", HOUR)
    assert "\n" not in str(caught.value)
    assert f"or delete {place}/retrainings/banking.json" in str(caught.value)


def test_of_many_runs_at_once_one_begins(place: str) -> None:
    begun: list[str] = []

    def begin(name: str) -> None:
        try:
            RetrainLeases(place, "banking").take(name, HOUR)
            begun.append(name)
        except InputError:
            pass

    threads = [threading.Thread(target=begin, args=(f"run-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert begun == [_holder(RetrainLeases(place, "banking"))]


def test_a_run_that_has_ended_lets_the_next_one_begin(leases: RetrainLeases) -> None:
    leases.take("first", HOUR)
    leases.release("first")
    leases.take("second", HOUR)
    assert _holder(leases) == "second"


def test_a_run_that_is_refused_gives_no_lease_of_others_back(leases: RetrainLeases) -> None:
    leases.take("first", HOUR)
    leases.release("second")
    with pytest.raises(InputError, match="run first"):
        leases.take("second", HOUR)


def test_services_do_not_wait_for_one_another(leases: RetrainLeases, place: str) -> None:
    leases.take("first", HOUR)
    other = RetrainLeases(place, "travel")
    other.take("second", HOUR)
    assert _holder(other) == "second"


def test_a_step_that_is_tried_again_has_its_lease_still(leases: RetrainLeases) -> None:
    leases.take("first", HOUR)
    leases.take("first", HOUR)
    assert _holder(leases) == "first"


def test_a_lease_of_a_run_that_was_killed_expires(leases: RetrainLeases) -> None:
    leases.take("killed", -1)
    leases.take("next", HOUR)
    assert _holder(leases) == "next"


def test_a_run_that_lost_its_lease_changes_nothing(leases: RetrainLeases) -> None:
    leases.take("slow", -1)
    leases.take("next", HOUR)
    with pytest.raises(InputError, match=r"slow has lost the lease .*: run next has taken it"):
        leases.keep("slow", HOUR)


def test_a_run_whose_lease_was_given_back_by_its_taker_stays_refused(leases: RetrainLeases) -> None:
    leases.take("slow", -1)
    leases.take("next", HOUR)
    leases.release("next")
    with pytest.raises(InputError, match="it changes nothing: run again"):
        leases.keep("slow", HOUR)


def test_a_run_whose_lease_nobody_took_goes_on(leases: RetrainLeases) -> None:
    leases.take("slow", -1)
    leases.keep("slow", HOUR)
    with pytest.raises(InputError, match="run slow"):
        leases.take("next", HOUR)


def test_a_lease_is_never_shortened(leases: RetrainLeases) -> None:
    leases.take("first", 10 * HOUR)
    leases.keep("first", HOUR)
    found = leases.read()
    assert found is not None
    assert found.expires > _at(9)


def test_a_clock_that_is_ahead_takes_the_lease_and_the_former_run_stops(
    leases: RetrainLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases.take("first", HOUR)
    monkeypatch.setattr("intentflow.registry.retrain_leases.now", lambda: _at(2))
    leases.take("ahead", HOUR)
    monkeypatch.undo()
    with pytest.raises(InputError, match="run ahead has taken it"):
        leases.keep("first", HOUR)


def test_a_killed_process_of_this_host_holds_nothing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _HOLD, tmp_path], check=True)
    leases = RetrainLeases(tmp_path, "banking")
    leases.take("next", HOUR)
    assert _holder(leases) == "next"


def test_a_living_process_of_this_host_holds_it(tmp_path: Path) -> None:
    leases = RetrainLeases(tmp_path, "banking")
    leases.take("first", HOUR, this_process())
    with pytest.raises(InputError, match="run first"):
        leases.take("second", HOUR)


def test_of_a_process_of_another_host_only_its_expiry_is_known(tmp_path: Path) -> None:
    leases = RetrainLeases(tmp_path, "banking")
    elsewhere = this_process().model_copy(update={"host": "elsewhere", "number": 999_999_999})
    leases.take("first", HOUR, elsewhere)
    with pytest.raises(InputError, match="run first"):
        leases.take("second", HOUR)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"holder": 3}'])
def test_a_damaged_lease_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "retrainings").mkdir()
    (tmp_path / "retrainings/banking.json").write_bytes(content)
    with pytest.raises(IntentflowError, match=r"banking\.json: "):
        RetrainLeases(tmp_path, "banking").take("first", HOUR)

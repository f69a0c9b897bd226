"""Which tests run: some only where they are asked for, and in CI none is skipped.

``INTENTFLOW_SHARED`` names a folder with the originals of what ``tests/data`` has samples and
tables of: ``data`` (the complete public sets), ``crds``, ``kfp``, ``domain`` (the guides). Without
it the tests that read them, marked ``shared``, are deselected, and so are those marked
``asked("VARIABLE")`` without that variable. A skipped test would pass unseen, so CI fails by it,
except where the CPU lacks the instructions of what is tested, or ``INTENTFLOW_TESTS_UNTIL`` is
past: CI has 90 minutes, and on a slow computer the last of the slow tests, which are short ones,
are left out and counted in a line.

Files whose tests state the longest timeouts come first (``--no-loadscope-reorder`` keeps that).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

VARIABLE = "INTENTFLOW_SHARED"
NO_TIME = "the time for tests is used up"
"""The one reason for which a test may be skipped in CI."""

UNTIL = "INTENTFLOW_TESTS_UNTIL"
"""Variable with the time, in seconds since 1970, after which no further test is begun."""

_FOLDERS = ("data", "crds", "kfp", "domain")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a folder that does not have the originals."""
    folder = os.environ.get(VARIABLE)
    missing = [name for name in _FOLDERS if folder and not (Path(folder) / name).is_dir()]
    if missing:
        raise pytest.UsageError(
            f"{VARIABLE}={folder}: no folder {', '.join(missing)} there; name a folder that has "
            "the originals, or unset it"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what nobody has asked for; begin with the files that take longest."""
    left_out = [item for item in items if not _is_asked_for(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    items[:] = longest_first(items)


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Items by the longest time that a test of their file may take, files kept together.

    A file is run by one worker: a long one at the end would leave the others idle.
    """
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        seconds = float(mark.args[0]) if mark else 0.0
        longest[item.path] = max(longest.get(item.path, 0.0), seconds)
    return sorted(items, key=lambda item: -longest[item.path])


def _is_asked_for(item: pytest.Item) -> bool:
    """Whether the variables that a test waits for are set."""
    variables = [mark.args[0] for mark in item.iter_markers("asked")]
    if item.get_closest_marker("shared"):
        variables.append(VARIABLE)
    return all(os.environ.get(variable) for variable in variables)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin no test, nor its fixtures, when the time is used up."""
    until = os.environ.get(UNTIL)
    if until and time.time() > float(until):
        pytest.skip(NO_TIME)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of CI in which a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return  # a worker; or not CI
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", ())]
    late = sum(NO_TIME in reason for reason in reasons)
    if late:
        reporter.write_line(f"{late} tests were not run: {NO_TIME}", yellow=True)
    if skipped := len(reasons) - late:
        reporter.write_line(f"{skipped} skipped: in CI every selected test has to run", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

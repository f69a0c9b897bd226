"""Which tests run, and what makes a run of CI fail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

MARKED = "import pytest\n@pytest.mark.shared\ndef test_reads_an_original(): pass\n"
SKIPPED = "import pytest\ndef test_lacks_a_file(): pytest.skip('no file')\n"
PASSED = "def test_stands_alone(): pass\n"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTENTFLOW_SHARED", raising=False)
    monkeypatch.delenv("CI", raising=False)


def _run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nmarkers =\n    shared: reads originals\n")
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("-p", "tests.selection")


def _originals(folder: Path) -> Path:
    for name in ("data", "crds", "kfp", "domain"):
        (folder / "originals" / name).mkdir(parents=True)
    return folder / "originals"


def test_what_reads_originals_is_deselected_where_none_are_named(
    pytester: pytest.Pytester,
) -> None:
    _run(pytester, MARKED + PASSED).assert_outcomes(passed=1, deselected=1)


def test_what_reads_originals_runs_where_they_are(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENTFLOW_SHARED", str(_originals(pytester.path)))
    _run(pytester, MARKED + PASSED).assert_outcomes(passed=2)


def test_a_folder_without_the_originals_is_refused(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENTFLOW_SHARED", str(pytester.path))
    result = _run(pytester, PASSED)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no folder data, crds, kfp, domain there*"])


def test_a_skipped_test_fails_a_run_of_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = _run(pytester, SKIPPED + PASSED)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*1 skipped: in CI every selected test has to run*"])


def test_a_skipped_test_is_a_skipped_test_elsewhere(pytester: pytest.Pytester) -> None:
    assert _run(pytester, SKIPPED + PASSED).ret == pytest.ExitCode.OK


def test_a_run_of_ci_without_skips_passes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert _run(pytester, PASSED).ret == pytest.ExitCode.OK


def test_the_files_that_take_longest_come_first(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmarkers =\n    timeout(seconds): limit\n")
    long = "import pytest\ndef test_b(): pass\n@pytest.mark.timeout(900)\ndef test_c(): pass\n"
    pytester.makepyfile(test_quick=PASSED, test_slow=long)
    result = pytester.runpytest_inprocess("-p", "tests.selection", "-v")
    order = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert [name.split()[0] for name in order] == ["test_b", "test_c", "test_stands_alone"]


def test_no_test_begins_when_the_time_is_used_up(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("INTENTFLOW_TESTS_UNTIL", "1000")
    result = _run(pytester, PASSED)
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["1 tests were not run: the time for tests is used up"])


def test_tests_begin_before_that_time(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENTFLOW_TESTS_UNTIL", str(time.time() + 600))
    _run(pytester, PASSED).assert_outcomes(passed=1)

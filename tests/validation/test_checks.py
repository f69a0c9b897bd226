"""Every finding, and when there is none."""

import sys
from typing import Any

import pytest

from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.validation import CHECKS, DataPolicy, Finding, ValidationReport, validate
from tests.validation.rows import good_rows, say

TAXONOMY = Taxonomy(intents={"a": Intent(parameters=["x"]), "b": Intent(), "c": Intent()})


FIRST = good_rows()[0].instruction


def _checked(*rows: tuple[str, str], good: int = 60, **options: Any) -> ValidationReport:
    return validate([*good_rows(good), *(Example(*row) for row in rows)], **options)


def _finding(report: ValidationReport, code: str) -> Finding | None:
    return next((finding for finding in report.findings if finding.code == code), None)


def test_good_rows_give_no_finding() -> None:
    report = _checked(taxonomy=TAXONOMY)
    assert (report.findings, report.errors, report.warnings) == ([], 0, 0)
    assert report.skipped == [NO_OTHER_FILE]


NO_OTHER_FILE = "leakage: no other file was given (--against)"
SEVERAL = [(f"both {say(i)}", "a(); b()") for i in range(200, 250)]


@pytest.mark.parametrize(
    ("code", "level", "count", "rows"),
    [
        ("malformed_output", "warning", 1, [("oops", "a(")]),
        ("malformed_output", "error", 10, [(f"oops {i}", "a(") for i in range(10)]),
        ("empty_text", "error", 1, [(" ", "a()")]),
        ("unknown_intent", "error", 1, [("new", "new()"), ("new too", "new()")]),
        ("parameter_count", "warning", 1, [("1 2", "a(1,2)")]),
        ("conflicting_labels", "warning", 1, [(FIRST, "b()")]),
        ("duplicate", "warning", 1, [(FIRST.upper(), "a()")]),
        ("too_few_examples", "warning", 1, [("new", "new()")]),
        ("imbalanced", "warning", 1, [(say(i + 300), "a()") for i in range(200)]),
        ("multi_intent_share", "warning", 1, [("both", "a(); b()")]),
        ("multi_intent_unseen_alone", "warning", 1, [("new", "a(); new()"), *SEVERAL]),
        ("ambiguous_output", "warning", 1, [("go to x, y", "a(x, y)")]),
        ("personal_data", "warning", 1, [("mail jane@example.com", "a()")]),
    ],
)
def test_what_is_wrong_is_found(
    code: str, level: str, count: int, rows: list[tuple[str, str]]
) -> None:
    finding = _finding(_checked(*rows, taxonomy=TAXONOMY), code)
    assert finding is not None
    assert (finding.level, finding.count) == (level, count)
    assert finding.advice


def test_a_value_that_the_taxonomy_does_not_list_is_found() -> None:
    intents = {"a": Intent(parameters=["x"], values={"x": ["one", "two"]}), "b": Intent()}
    report = _checked(("say one", "a(one)"), ("say 9", "a(9)"), taxonomy=Taxonomy(intents=intents))
    finding = _finding(report, "unknown_value")
    assert finding is not None
    assert (finding.level, finding.count, "a.x" in finding.message) == ("warning", 1, True)


def test_one_intent_only_is_an_error() -> None:
    report = validate([Example(f"{i}", "a()") for i in range(60)])
    finding = _finding(report, "single_intent")
    assert finding is not None
    assert (finding.level, finding.message) == ("error", "one intent only: a")


def test_no_row_is_an_error() -> None:
    assert [finding.code for finding in validate([]).findings] == ["no_rows"]


def test_a_value_that_the_utterance_lacks_is_found() -> None:
    rows = [(f"{say(i)} song{i} now", f"a(song{i})") for i in range(200, 209)]
    finding = _finding(_checked(*rows, ("play this", "a(that)")), "parameter_not_in_utterance")
    assert finding is not None
    assert finding.count == 1


def test_a_value_in_other_case_is_in_the_utterance() -> None:
    assert _finding(_checked(("play Jazz", "a(jazz)")), "parameter_not_in_utterance") is None


def test_values_by_agreement_are_no_finding() -> None:
    rows = [(say(i), "request(price)") for i in range(200, 260)]
    assert _finding(_checked(*rows), "parameter_not_in_utterance") is None


def test_enough_rows_with_several_intents_are_no_finding() -> None:
    assert _finding(_checked(*SEVERAL), "multi_intent_share") is None


def test_without_a_taxonomy_the_report_says_what_was_not_checked() -> None:
    report = _checked(("new", "new()"))
    assert _finding(report, "unknown_intent") is None
    assert "unknown_intent, parameter_count, unknown_value: no taxonomy was given" in report.skipped


def test_a_check_whose_package_is_missing_is_reported_as_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)
    report = _checked(taxonomy=TAXONOMY)
    assert "narrow_phrasing: the package rensa is not installed" in report.skipped


def test_errors_come_first() -> None:
    report = _checked(("new", "new()"), (FIRST, "a()"), taxonomy=TAXONOMY)
    assert [finding.level for finding in report.findings] == ["error", "warning", "warning"]


def test_no_message_holds_an_utterance() -> None:
    report = _checked(("my secret plan", "new("), ("my secret plan", "x(secret)"), good=1)
    assert not any("secret" in finding.message for finding in report.findings)


def test_only_a_few_rows_are_shown() -> None:
    rows = [(f"mail jane{i}@example.com", "a()") for i in range(20)]
    finding = _finding(_checked(*rows), "personal_data")
    assert finding is not None
    assert (finding.count, finding.shown, len(finding.rows)) == (20, 5, 20)


@pytest.mark.parametrize("level", ["error", "warning", "info"])
def test_a_policy_sets_the_level(level: str) -> None:
    policy = DataPolicy.from_mapping({"duplicate": {"level": level}}, "policy")
    finding = _finding(_checked((FIRST, "a()"), policy=policy), "duplicate")
    assert finding is not None
    assert finding.level == level


def test_a_check_that_is_off_is_skipped_and_reports_it() -> None:
    policy = DataPolicy.from_mapping({"duplicate": {"level": "off"}}, "policy")
    report = _checked((FIRST, "a()"), policy=policy, taxonomy=TAXONOMY)
    assert report.findings == []
    assert report.skipped == [NO_OTHER_FILE, "duplicate: off in the policy"]


def test_a_limit_alone_leaves_the_level() -> None:
    policy = DataPolicy.from_mapping({"malformed_output": {"max_rate": 0.001}}, "policy")
    finding = _finding(_checked(("oops", "a("), policy=policy), "malformed_output")
    assert finding is not None
    assert finding.level == "error"


@pytest.mark.parametrize(
    ("section", "rows"),
    [
        ({"too_few_examples": {"minimum": 100}}, []),
        ({"imbalanced": {"max_ratio": 1.2}}, [(say(i + 300), "a()") for i in range(20)]),
        ({"multi_intent_share": {"minimum": 0.5}}, SEVERAL),
    ],
)
def test_a_policy_sets_the_limits(section: dict[str, Any], rows: list[tuple[str, str]]) -> None:
    assert _checked(*rows).findings == []
    found = _checked(*rows, policy=DataPolicy.from_mapping(section, "policy")).findings
    assert [finding.code for finding in found] == list(section)


def test_every_check_has_its_section_in_the_policy() -> None:
    assert set(DataPolicy.model_fields) == {*CHECKS, "examples_per_finding"}


def test_an_intent_of_the_taxonomy_without_rows_has_too_few() -> None:
    taxonomy = Taxonomy(intents={**TAXONOMY.intents, "d": Intent()})
    finding = _finding(_checked(taxonomy=taxonomy), "too_few_examples")
    assert finding is not None
    assert finding.message == "1 intent with fewer than 50 rows: d 0"

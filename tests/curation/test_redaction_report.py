"""The redaction report says what was replaced where, and never what it was."""

from pathlib import Path

import pytest

from intentflow.artifacts.redaction_report import RedactionReport
from intentflow.cli.main import main
from intentflow.curation import curate
from intentflow.curation.redaction_report import redaction_html, write_redaction_report
from intentflow.curation.redactions import EXAMPLES_PER_KIND, NO_INTENT, Redactions
from intentflow.errors import IntentflowError
from intentflow.records import Example, write_records

MAIL = "jane@example.com"
PHONE = "415-858-6273"
CARD = "4111 1111 1111 1111"
SECRETS = [MAIL, PHONE, CARD, "jane", "8586273", "4158586273", "4111111111111111"]

ROWS = [
    Example(f"mail {MAIL} <script>alert(1)</script>", f"send({MAIL})"),
    Example(f"call {PHONE} or {PHONE}", f"call({PHONE}); greet()"),
    Example(f"my card is {CARD}", "card_lost()"),
    Example(f"broken {MAIL}", f"send({MAIL}"),
    Example(f"named {PHONE}", f"call {PHONE}()"),
    Example("play jazz", "play(jazz)"),
]


def _redactions(rows: list[Example]) -> Redactions:
    return curate(rows, dedup="none").redactions


def test_rows_and_changed_labels_are_counted() -> None:
    found = _redactions(ROWS)
    assert (found.rows, found.changed, found.labels_changed) == (6, 5, 3)


def test_a_value_counts_once_a_row() -> None:
    assert _redactions(ROWS).values == {"EMAIL": 2, "PHONE": 2, "CREDIT_CARD": 1}


def test_changed_rows_are_counted_for_each_of_their_intents() -> None:
    counts = _redactions(ROWS).report().rows_by_intent
    assert (counts["call"], counts["greet"], counts["send"], counts[NO_INTENT]) == (1, 1, 1, 1)


def test_a_duplicate_that_is_dropped_later_was_still_redacted() -> None:
    assert curate([ROWS[0], ROWS[0]], dedup="exact").redactions.changed == 2


def test_examples_are_the_first_few_of_each_kind() -> None:
    rows = [Example(f"mail u{number}@example.com", "f()") for number in range(20)]
    rows.append(Example(f"card {CARD}", "f()"))
    shown = [example.row for example in _redactions(rows).examples]
    assert shown == [*range(1, EXAMPLES_PER_KIND + 1), 21]


@pytest.mark.parametrize("ending", ["html", "json"])
def test_no_secret_is_in_the_report(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report.{ending}"
    write_redaction_report(path, _redactions(ROWS))
    text = path.read_text(encoding="utf-8")
    assert "{{EMAIL}}" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_json_report_is_the_facts(tmp_path: Path) -> None:
    found = _redactions(ROWS)
    write_redaction_report(tmp_path / "report.json", found)
    assert RedactionReport.read(tmp_path / "report.json") == found.report()


def test_a_text_in_the_page_is_escaped() -> None:
    page = redaction_html(_redactions(ROWS), name="<b>rows</b>")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "<b>rows</b>" not in page


def test_a_page_without_changes_reports_it() -> None:
    assert "No personal data was found in 1 rows" in redaction_html(_redactions(ROWS[-1:]))


def test_a_long_utterance_is_cut_in_the_report() -> None:
    found = _redactions([Example(f"{MAIL} {'x' * 5000}", "f()")])
    assert len(found.examples[0].instruction) < 500


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"must end in \.html or \.json"):
        write_redaction_report(tmp_path / "report.pdf", _redactions(ROWS))


@pytest.mark.parametrize("ending", ["html", "json"])
def test_the_command_writes_the_report(tmp_path: Path, ending: str) -> None:
    data, report = tmp_path / "in.jsonl", tmp_path / f"report.{ending}"
    write_records(data, ROWS)
    arguments = ["curate", data, "-o", tmp_path / "out.jsonl", "--redact"]
    assert main([*map(str, arguments), "--redaction-report", str(report)]) == 0
    text = report.read_text(encoding="utf-8")
    assert "{{EMAIL}}" in text and not any(secret in text for secret in SECRETS)


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("report.pdf", ["--redact"], "must end in .html or .json"),
        ("report.html", [], "needs --redact"),
        ("in.json", ["--redact"], "is an input of the command"),
        ("out.json", ["--redact"], "is named twice"),
    ],
)
def test_the_command_refuses_a_report_before_it_writes_anything(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    flags: list[str],
    message: str,
) -> None:
    write_records(tmp_path / "in.json", ROWS)
    before = (tmp_path / "in.json").read_bytes()
    arguments = ["curate", tmp_path / "in.json", "-o", tmp_path / "out.json"]
    report = ["--redaction-report", str(tmp_path / name)]
    assert main([*map(str, arguments), *flags, *report]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.json"]
    assert (tmp_path / "in.json").read_bytes() == before


def test_without_redaction_there_is_nothing_to_report() -> None:
    assert curate(ROWS, redact=False).redactions == Redactions()

"""Findings that compare rows: phrasing, label errors, languages, length, leakage."""

import random
from pathlib import Path

import pytest

from intentflow.calls import parse_calls
from intentflow.curation.labels import intents_of
from intentflow.records import Example, read_records
from intentflow.validation import DataPolicy, Finding, validate
from intentflow.validation.label_errors import doubted
from tests.public_sets import SETS, in_both, in_complete_set, in_sample, sample
from tests.validation.rows import good_rows, say

COMPARING = (
    "narrow_phrasing",
    "probable_label_error",
    "mixed_languages",
    "over_long",
    "leakage",
)
INDONESIAN = [
    "tolong pesankan tiket pesawat ke Jakarta besok pagi",
    "bagaimana cuaca di Surabaya hari ini",
    "saya ingin memesan meja untuk dua orang",
    "kartu saya hilang, apa yang harus saya lakukan",
    "kenapa pembayaran saya ditolak",
]
CHINESE = ["我想订一张去台北的机票", "今天天气怎么样", "帮我查一下余额"]


def _only(code: str, **limits: object) -> DataPolicy:
    """A policy in which one comparing check is on."""
    off = {name: {"level": "off"} for name in (*COMPARING, "personal_data") if name != code}
    return DataPolicy.from_mapping({**off, code: limits} if limits else off, "policy")


def _found(code: str, rows: list[Example], **options: object) -> Finding | None:
    policy = _only(code, **options.pop("limits", {}))  # type: ignore[arg-type]
    report = validate(rows, policy, **options)  # type: ignore[arg-type]
    return next((finding for finding in report.findings if finding.code == code), None)


def _with_errors(file: Path, share: float) -> tuple[list[str], list[str], set[int]]:
    """A real set in which a share of the labels are another's, and which rows these are."""
    rows = [row for row in read_records(file) if intents_of(row.output)]
    labels = [parse_calls(row.output)[0].intent for row in rows]
    chance = random.Random(0)
    names = sorted(set(labels))
    wrong = set(chance.sample(range(len(rows)), int(share * len(rows))))
    for at in wrong:
        labels[at] = chance.choice([name for name in names if name != labels[at]])
    return [row.instruction for row in rows], labels, wrong


def test_an_intent_of_nearly_the_same_text_is_narrow() -> None:
    rows = [Example(f"Where is my parcel number {i}?", "d()") for i in range(40)]
    finding = _found("narrow_phrasing", [*good_rows(), *rows])
    assert finding is not None
    assert (finding.level, finding.count) == ("warning", 1)
    assert "d 1 in 40" in finding.message


def test_a_few_near_identical_rows_are_not_narrow() -> None:
    rows = [Example(f"Where is my parcel number {i}?", "a()") for i in range(40)]
    assert _found("narrow_phrasing", [*good_rows(), *rows]) is None


def test_the_limit_of_phrasings_is_the_policys() -> None:
    rows = [Example(f"Where is my parcel number {i}?", "a()") for i in range(40)]
    limits = {"minimum": 0.7}
    assert _found("narrow_phrasing", [*good_rows(), *rows], limits=limits) is not None


@pytest.mark.parametrize(
    ("file", "share", "precision", "recall"),
    [
        in_sample("snips", 0.05, 0.85, 0.5),
        in_complete_set("banking77", 0.02, 0.75, 0.55),
        in_complete_set("clinc150", 0.02, 0.85, 0.55),
    ],
)
def test_planted_label_errors_are_found_and_few_others(
    file: Path, share: float, precision: float, recall: float
) -> None:
    texts, labels, wrong = _with_errors(file, share)
    found = {at for at, _ in doubted(texts, labels, 0.01)}
    assert len(found & wrong) >= precision * len(found)
    assert len(found & wrong) >= recall * len(wrong)


@pytest.mark.parametrize("file", in_both("snips"))
def test_a_doubted_label_comes_with_the_one_it_rather_has(file: Path) -> None:
    rows = read_records(file)[:3000]
    wrong = [at for at, row in enumerate(rows) if row.output.startswith("RateBook")][:5]
    for at in wrong:
        rows[at] = Example(rows[at].instruction, "GetWeather()")
    finding = _found("probable_label_error", rows)
    assert finding is not None
    notes = dict(zip((row.number - 1 for row in finding.rows), finding.notes, strict=True))
    assert {notes[at] for at in wrong if at in notes} == {"rather RateBook"}


def test_the_message_states_the_sample() -> None:
    rows = 4 * [row for row in read_records(sample("snips")) if intents_of(row.output)]
    rows[0] = Example(rows[0].instruction, "PlayMusic()")
    finding = _found("probable_label_error", rows, limits={"sample_rows": 1_000})
    assert finding is not None
    assert "of 1,0" in finding.message
    assert "(data: 1,196 rows)" in finding.message


def test_label_errors_are_the_same_each_time() -> None:
    texts = [f"{word} {say(i)}" for i in range(60) for word in ("play", "stop")]
    labels = ["play", "stop"] * 60
    labels[7], labels[20] = "play", "stop"
    assert doubted(texts, labels, 0.4) == doubted(texts, labels, 0.4)


def test_labels_with_few_rows_are_reported_as_not_judged() -> None:
    report = validate([Example("yes", "a()"), Example("no", "b()")])
    assert "probable_label_error: needs two labels with 10 rows each" in report.skipped


@pytest.mark.parametrize(
    ("rows", "languages"),
    [
        (INDONESIAN, "English 180, Indonesian 5"),
        (CHINESE, "English 180, Chinese 3"),
        ([*INDONESIAN, *CHINESE], "English 180, Indonesian 5, Chinese 3"),
    ],
)
def test_rows_in_another_language_are_counted(rows: list[str], languages: str) -> None:
    finding = _found("mixed_languages", [*good_rows(), *(Example(text, "a()") for text in rows)])
    assert finding is not None
    assert finding.count == len(rows)
    assert languages in finding.message


def test_an_intent_that_is_all_in_another_language_is_named() -> None:
    rows = [*good_rows(), *(Example(text, "d()") for text in CHINESE)]
    finding = _found("mixed_languages", rows)
    assert finding is not None
    assert "they are the majority of d" in finding.message


@pytest.mark.parametrize(
    "text", ["play 周杰伦 on the kitchen speaker", "ok", "1234", "", "🙂🙂", "???"]
)
def test_a_name_or_a_sign_is_no_other_language(text: str) -> None:
    assert _found("mixed_languages", [*good_rows(), Example(text, "a()")]) is None


def test_english_and_japanese_names_in_chinese_are_no_other_language() -> None:
    names = ["我想听 Taylor Swift 的歌", "秋刀鱼の味电话给我一下", "iPhone"]
    rows = [Example(text, "a()") for text in [*CHINESE * 20, *names]]
    assert _found("mixed_languages", rows) is None


def test_kanji_among_japanese_are_japanese() -> None:
    rows = [Example(text, "a()") for text in ["今日の天気はどうですか"] * 9 + ["天気予報"]]
    assert _found("mixed_languages", rows) is None


def test_a_share_of_other_languages_can_be_tolerated() -> None:
    rows = [*good_rows(), *(Example(text, "a()") for text in CHINESE)]
    assert _found("mixed_languages", rows, limits={"max_rate": 0.05}) is None


@pytest.mark.parametrize("file", in_both(*SETS))
def test_a_real_set_in_one_language_is_not_mixed(file: Path) -> None:
    assert _found("mixed_languages", read_records(file)) is None


def test_a_row_that_alone_sets_the_length_is_found() -> None:
    finding = _found("over_long", [*good_rows(), Example("word " * 400, "a()")])
    assert finding is not None
    assert finding.count == 1
    assert "the training length is 1,024, without them 128" in finding.message


def test_a_row_over_the_policys_tokens_is_found() -> None:
    rows = [*good_rows(), Example("word " * 20, "a()")]
    assert _found("over_long", rows, limits={"max_tokens": 30}) is not None


def test_a_row_of_another_file_is_an_error() -> None:
    rows = good_rows()
    test = {"test.jsonl": [Example("unlike any", "a()"), Example(rows[3].instruction.upper(), "")]}
    finding = _found("leakage", rows, against=test)
    assert finding is not None
    assert (finding.level, finding.count) == ("error", 1)
    assert finding.notes == ("equal to test.jsonl row 2",)


def test_rows_that_are_only_near_those_of_another_file_are_a_warning() -> None:
    rows = good_rows()
    test = {"test.jsonl": [Example(rows[3].instruction + " please", "a()")]}
    finding = _found("leakage", rows, against=test)
    assert finding is not None
    assert (finding.level, finding.notes) == ("warning", ("near test.jsonl row 1",))


def test_near_rows_can_be_left_out() -> None:
    rows = good_rows()
    test = {"test.jsonl": [Example(rows[3].instruction + " please", "a()")]}
    assert _found("leakage", rows, against=test, limits={"near": False}) is None


def test_near_rows_of_one_file_are_no_leakage() -> None:
    rows = [*good_rows(), Example(say(3) + " please", "a()")]
    assert _found("leakage", rows, against={"t": [Example("unlike any", "a()")]}) is None

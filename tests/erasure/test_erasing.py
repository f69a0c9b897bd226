"""A person's rows out of all data sets and logs of a registry, with the proof."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.erasure.data_sets import data_address
from intentflow.errors import IntentflowError
from intentflow.feedback.collection import collect_feedback
from intentflow.persons import PERSON_KEY_VARIABLE
from intentflow.pipeline.steps.look import Present, find_champion, run_look
from intentflow.pipeline.steps.record_service import stale_notes
from intentflow.pipeline.steps.recorded_recipes import DataRecipe
from intentflow.records import Example, read_records
from intentflow.registry import Registry
from intentflow.storage import digest_of, fetch
from intentflow.storage.s3 import S3Store
from intentflow.storage.uris import S3Location, parse_s3
from tests.erasure.killed import STAGES
from tests.erasure.registries import (
    ANN,
    BOB,
    MODEL_DIGEST,
    SERVICE,
    TEST,
    TRAIN,
    VALIDATION,
    Recording,
    log_lines,
    recording,
)
from tests.feedback.service_logs import correction, request, write_store
from tests.pipeline.recipes import model_recipe
from tests.test_persons import KEY

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the hashes."""
    monkeypatch.setenv(PERSON_KEY_VARIABLE, KEY)


@pytest.fixture
def kept(tmp_path: Path) -> Recording:
    """A registry in a folder."""
    return recording(tmp_path, str(tmp_path / "registry"))


def _erase(kept: Recording, *arguments: str) -> int:
    return main(["erase", *(arguments or ("--person", "ann")), "--registry", kept.place])


def _summary(kept: Recording, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    _erase(kept, *(arguments or ("--person", "ann")), "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def _rows(kept: Recording, part: str, folder: Path) -> list[Example]:
    """Rows of the champion's data set as the next run reads them."""
    champion = find_champion(kept.config)
    assert champion is not None
    assert champion.data is not None
    return read_records(fetch(data_address(kept.place, champion.data), folder) / f"{part}.jsonl")


def _logged(kept: Recording) -> list[str]:
    files = sorted(Path(kept.log).rglob("*.jsonl"))
    return [line for file in files for line in file.read_text().splitlines()]


def test_the_champion_has_a_data_set_without_the_person(kept: Recording, tmp_path: Path) -> None:
    assert _erase(kept) == 0
    assert _rows(kept, "train", tmp_path) == [row for row in TRAIN if row.person != ANN]


def test_other_parts_and_the_ledger_stay(kept: Recording, tmp_path: Path) -> None:
    _erase(kept)
    assert _rows(kept, "validation", tmp_path) == VALIDATION
    assert _rows(kept, "test", tmp_path) == TEST
    assert [file.read_text() for file in Path(kept.place).rglob("ledger.jsonl")] == ['"a"\n"b"\n']


def test_no_file_of_the_registry_has_the_person_as_a_row(kept: Recording) -> None:
    _erase(kept)
    rows = [file for file in Path(kept.place).rglob("*.jsonl") if ANN in file.read_text()]
    assert rows == []


def test_what_a_shadow_answered_a_person_is_gone(kept: Recording) -> None:
    asked = {"prediction": "a()", "latency_seconds": 0.1, "shadow_prediction": "b()"}
    lines = [
        request(str(n), "play it", "a()", person=one) | asked for n, one in enumerate([ANN, ""])
    ]
    file = Path(kept.log) / "disagreements" / "2026-11-02" / "1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _erase(kept)
    assert [json.loads(line)["request_id"] for line in file.read_text().splitlines()] == ["1"]


def test_lines_of_the_log_are_gone_and_the_others_are_the_same(kept: Recording) -> None:
    before = _logged(kept)
    _erase(kept)
    assert _logged(kept) == [line for line in before if ANN not in line]
    assert len(_logged(kept)) == 1


def test_a_model_that_has_learned_from_the_rows_is_stale(kept: Recording) -> None:
    _erase(kept)
    assert list(Registry(kept.place).listing().stale) == [kept.model]


def test_a_model_is_not_stale_for_test_rows(tmp_path: Path) -> None:
    row = Example("tall boat", "paint()", person=ANN)
    rows = recording(tmp_path, str(tmp_path / "registry"), train=TRAIN[1:], test=[*TEST, row])
    _erase(rows)
    assert Registry(rows.place).listing().stale == {}
    assert _rows(rows, "test", tmp_path) == TEST


def test_a_model_trained_from_a_stale_one_is_stale(kept: Recording) -> None:
    registry = Registry(kept.place)
    entry = registry.entry(kept.model)
    later = registry.add(entry.model_copy(update={"parents": [kept.model], "digest": "e" * 64}))
    _erase(kept)
    assert set(registry.listing().stale) == {kept.model, later}


def test_a_second_erasure_makes_the_first_models_stale_too(kept: Recording) -> None:
    registry = Registry(kept.place)
    _erase(kept, "--person", "nobody")
    assert registry.listing().stale == {}
    _erase(kept, "--person", "bob")
    _erase(kept)
    assert list(registry.listing().stale) == [kept.model]


def test_the_history_shows_it(kept: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    _erase(kept)
    capsys.readouterr()
    assert main(["history", "champion", "--registry", kept.place]) == 0
    shown = capsys.readouterr().out
    assert "it has learned from rows that are erased" in shown
    assert "erased" in shown.split("made from:")[1]


def test_the_page_of_the_history_shows_it(kept: Recording, tmp_path: Path) -> None:
    _erase(kept)
    page = tmp_path / "history.html"
    assert main(["history", "--registry", kept.place, "--html", str(page)]) == 0
    assert '<span class="badge bad">stale</span>' in page.read_text()
    assert ANN not in page.read_text()


def test_a_stale_champion_is_a_reason_to_train(kept: Recording) -> None:
    _erase(kept)
    news = run_look(
        find_champion(kept.config), Present([kept.log], ["0"], DataRecipe(), model_recipe())
    )
    assert news.retrain
    assert "the champion is stale" in news.reasons[0]


def test_a_stale_model_is_stated_before_it_serves(kept: Recording) -> None:
    digests = {"the model": MODEL_DIGEST, "the champion": "f" * 64}
    assert stale_notes(kept.config, digests) == []
    _erase(kept)
    (note,) = stale_notes(kept.config, digests)
    assert "the model dddddddddddd is stale" in note


def test_the_gate_states_a_stale_model(kept: Recording, tmp_path: Path) -> None:
    _erase(kept)
    scores = {"n": 300, "intent_accuracy": 0.9, "model_digest": MODEL_DIGEST}
    (tmp_path / "metrics.json").write_text(json.dumps(scores))
    (tmp_path / "gate.yaml").write_text("metrics: {intent_accuracy: {min: 0.5}}\n")
    files = ["--metrics", str(tmp_path / "metrics.json"), "--policy", str(tmp_path / "gate.yaml")]
    verdict = tmp_path / "verdict.json"
    assert main(["gate", *files, "--registry", kept.place, "-o", str(verdict)]) == 0
    assert any("is stale" in note for note in json.loads(verdict.read_text())["notes"])


STALE = [("true", True, True, 1), ("true", False, True, 0), ("false", True, True, 0)]


@pytest.mark.parametrize(
    ("rule", "erased", "registry", "status"), [*STALE, ("true", False, False, 1)]
)
def test_a_policy_can_refuse_a_stale_model(
    kept: Recording, tmp_path: Path, rule: str, erased: bool, registry: bool, status: int
) -> None:
    if erased:
        _erase(kept)
    scores = {"n": 300, "intent_accuracy": 0.9, "model_digest": MODEL_DIGEST}
    (tmp_path / "metrics.json").write_text(json.dumps(scores))
    policy = f"metrics: {{intent_accuracy: {{min: 0.5}}}}\nnot_stale: {rule}\n"
    (tmp_path / "gate.yaml").write_text(policy)
    files = ["--metrics", str(tmp_path / "metrics.json"), "--policy", str(tmp_path / "gate.yaml")]
    place = ["--registry", kept.place] if registry else []
    assert main(["gate", *files, *place]) == status


def test_the_proof_names_each_data_set_by_its_verified_digest(
    kept: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = _summary(kept, capsys)
    (checked,) = summary["checked"]
    entry = Registry(kept.place).entry(checked["id"])
    assert checked["digest"] == entry.digest == digest_of(entry.uri or "")
    assert (checked["rows"], checked["erased"], summary["remaining"]) == (5, {}, 0)


def test_a_check_changes_nothing_and_fails(
    kept: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.read_bytes() for file in Path(kept.place).rglob("*.json*")}
    assert _erase(kept, "--person", "ann", "--check") == 1
    assert "3 are left" in capsys.readouterr().out
    assert {file: file.read_bytes() for file in Path(kept.place).rglob("*.json*")} == before
    assert len(_logged(kept)) == 3


def test_a_check_after_the_erasure_passes(kept: Recording) -> None:
    _erase(kept)
    assert _erase(kept, "--person", "ann", "--check") == 0


def test_the_hash_names_a_person_too(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PERSON_KEY_VARIABLE)
    assert _erase(kept, "--person", ANN) == 0
    assert len(_logged(kept)) == 1


@pytest.mark.parametrize("name", ["lines.txt", "rows.jsonl"])
def test_utterances_of_a_file_are_erased(kept: Recording, tmp_path: Path, name: str) -> None:
    text = "Grey  boat\n" if name == "lines.txt" else '{"instruction": "grey boat"}\n'
    (tmp_path / name).write_text(text)
    assert _erase(kept, "--match", str(tmp_path / name)) == 0
    assert _rows(kept, "train", tmp_path) == TRAIN[:2]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("part.jsonl", '{"instruction": "red boat"}\n{"nope": 1}\n', "a row cannot be read"),
        ("words", "red boat\nblue boat\n", "2 rows cannot be read, in line 1: the row is not JSON"),
    ],
)
def test_a_file_with_an_utterance_that_cannot_be_read_erases_nothing(
    kept: Recording,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    message: str,
) -> None:
    (tmp_path / name).write_text(text)
    assert _erase(kept, "--match", str(tmp_path / name)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{name}: {message}" in line
    assert not (Path(kept.place) / "erasures.json").exists()


def test_a_redacted_row_is_found_by_its_original_words(tmp_path: Path) -> None:
    rows = [*TRAIN, Example("call {{PHONE}} now", "call()")]
    kept = recording(tmp_path, str(tmp_path / "registry"), train=rows)
    (tmp_path / "words.txt").write_text("call 202-456-1111 now\n")
    assert _erase(kept, "--match", str(tmp_path / "words.txt")) == 0
    assert _rows(kept, "train", tmp_path) == TRAIN


def test_further_files_are_erased_from(kept: Recording, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    lines = [json.dumps(row.as_dict()) for row in TRAIN]
    labels.write_text("\n".join(lines))
    assert _erase(kept, "--person", "ann", "--files", str(labels)) == 0
    assert labels.read_text() == "\n".join(lines[1:])


def test_lines_are_erased_behind_a_link(kept: Recording, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(TRAIN[0].as_dict()) + "\n")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "today.jsonl").symlink_to(labels)
    assert _erase(kept, "--person", "ann", "--files", str(tmp_path / "logs")) == 0
    assert labels.read_text() == ""


def test_a_file_that_is_not_read_is_no_proof(
    kept: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps([TRAIN[0].as_dict()]))
    assert _erase(kept, "--person", "ann", "--files", str(rows)) == 2
    assert (
        "rows.json: rows can be erased from JSON lines (.jsonl, .jsonl.gz) alone"
        in capsys.readouterr().err
    )


def test_other_data_in_a_folder_is_named(
    kept: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "rows.csv").write_text("text,label\n")
    found = _summary(kept, capsys, "--person", "ann", "--files", str(folder))
    assert found["not_changed"] == [str(folder / "rows.csv")]


def _reviewed(file: Path) -> Path:
    """Corrections of both persons' requests, made by a labeller who knows neither."""
    lines = [correction("r1", "tall house", "build()"), correction("r2", "small house", "paint()")]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def _requests(file: Path) -> list[str]:
    return [json.loads(line)["request_id"] for line in file.read_text().splitlines()]


def test_a_correction_that_names_no_person_goes_with_its_request(
    kept: Recording, tmp_path: Path
) -> None:
    file = _reviewed(tmp_path / "corrections.jsonl")
    assert _erase(kept, "--person", "ann", "--files", str(file)) == 0
    assert _requests(file) == ["r2"]


def test_a_correction_that_comes_after_the_erasure_of_its_request_is_found(
    kept: Recording, tmp_path: Path
) -> None:
    _erase(kept)
    file = _reviewed(Path(kept.log, "feedback", "later.jsonl"))
    assert _erase(kept, "--person", "ann", "--check") == 1
    assert _erase(kept) == 0
    assert _requests(file) == ["r2"]


def test_a_request_of_another_person_with_the_same_id_stays(
    kept: Recording, tmp_path: Path
) -> None:
    file = _reviewed(tmp_path / "corrections.jsonl")
    line = correction("r1", "tall house", "build()", person=BOB)
    file.write_text(json.dumps(line))
    assert _erase(kept, "--person", "ann", "--files", str(file)) == 0
    assert _requests(file) == ["r1"]


def test_lines_of_a_compressed_log_are_gone(kept: Recording) -> None:
    file = next(Path(kept.log, "requests").rglob("*.jsonl"))
    packed = file.with_name("1.jsonl.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert _erase(kept) == 0
    lines = gzip.decompress(packed.read_bytes()).splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["r2"]


def test_nothing_that_feedback_has_written_has_the_person_any_more(
    kept: Recording, tmp_path: Path
) -> None:
    lines = [
        *log_lines(),
        request("r3", "old house", "paint()", person=ANN),
        request("r4", "new house", "paint()", person=BOB),
    ]
    found = collect_feedback([write_store(tmp_path / "more", lines)])
    found.write(tmp_path / "feedback")
    assert (len(found.pairs), len(found.queue)) == (1, 3)
    assert _erase(kept, "--person", "ann", "--files", str(tmp_path / "feedback")) == 0
    texts = "".join(file.read_text() for file in (tmp_path / "feedback").glob("*.jsonl"))
    assert ("old house" in texts, "tall house" in texts, "new house" in texts) == (0, 0, 1)


def test_an_export_is_named_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export = tmp_path / "export.jsonl"
    export.write_text('{"person": "ann", "instruction": "red boat", "output": "paint()"}\n')
    kept = recording(tmp_path, str(tmp_path / "registry"), log=str(export))
    assert _summary(kept, capsys)["not_changed"] == [str(export)]
    assert "ann" in export.read_text()


def test_rows_that_are_erased_while_a_run_is_under_way_are_not_recorded(
    kept: Recording, tmp_path: Path
) -> None:
    _erase(kept)
    with pytest.raises(IntentflowError, match="1 train rows were erased"):
        recording(tmp_path, kept.place)


def test_the_next_data_set_states_the_list_that_it_was_checked_with(
    kept: Recording, tmp_path: Path
) -> None:
    _erase(kept)
    later = recording(tmp_path, kept.place, train=TRAIN[1:])
    registry = Registry(kept.place)
    assert registry.entry(later.data).erasures == registry.listing().erasures.digest != ""


def test_neither_the_id_nor_the_key_is_kept_or_shown(
    kept: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _erase(kept, "--person", "customer-1042")
    texts = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    shown = capsys.readouterr()
    assert not any("1042" in text or KEY in text for text in [*texts, shown.out, shown.err])


@pytest.mark.parametrize("stage", STAGES)
def test_an_erasure_that_was_killed_is_completed_by_the_next(
    kept: Recording, tmp_path: Path, stage: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.erasure.killed", kept.place, stage],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    for file in Path(kept.place).rglob("*.jsonl"):
        assert file.name == "ledger.jsonl" or read_records(file), "half of a file"
    assert _erase(kept) == 0
    assert _rows(kept, "train", tmp_path) == TRAIN[1:]
    folders = [one.name for one in (Path(kept.place) / "data").iterdir()]
    assert len(folders) == 1, "the rows are still there"
    assert len(_logged(kept)) == 1
    datasets = [one for one in Registry(kept.place).listing().entries.values() if one.parents]
    assert [one.kind for one in datasets].count("dataset") == 1


def test_two_erasures_at_once_both_count(kept: Recording, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "intentflow.cli.main", "erase", "--registry", kept.place]
    processes = [
        subprocess.Popen([*command, "--person", person], cwd=ROOT, env={**os.environ})
        for person in ("ann", "bob")
    ]
    assert {process.wait(120) for process in processes} <= {0, 1}  # 1: changed while it was read
    assert _erase(kept) == 0
    assert _erase(kept, "--person", "bob", "--check") == 0
    assert _rows(kept, "train", tmp_path) == TRAIN[2:]


def test_a_registry_from_before_there_were_erasures_keeps_its_ids(kept: Recording) -> None:
    assert "erasures" not in Registry(kept.place).entry(kept.data).as_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--person", " "], "nothing to erase"),
        (["--match", "nowhere.txt"], "nowhere.txt"),
        (["--person", "ann", "--files", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_bad_usage_changes_nothing(
    kept: Recording, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert _erase(kept, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (Path(kept.place) / "erasures.json").exists()


def test_without_a_registry_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "none"
    assert main(["erase", "--person", "ann", "--registry", str(place)]) == 2
    assert "no registry" in capsys.readouterr().err
    assert not place.exists()


def test_a_damaged_data_set_is_no_proof(
    kept: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    file = next(Path(kept.place).rglob("train.jsonl"))
    file.write_text('{"instruction": "x", "output": "y()"}\n')
    assert _erase(kept) == 1
    assert "damaged" in capsys.readouterr().err


@pytest.mark.real
@pytest.mark.parametrize("kind", ["moto_bucket", "s3_bucket"])
def test_a_registry_and_a_log_on_s3(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bucket = request.getfixturevalue(kind)
    log = write_store(tmp_path / "log", log_lines())
    for file in log.rglob("*.jsonl"):
        location = S3Location(bucket, f"log/{file.relative_to(log).as_posix()}")
        S3Store().write(location, file.read_bytes())
    kept = recording(tmp_path, f"s3://{bucket}/registry", log=f"s3://{bucket}/log")
    assert _erase(kept) == 0
    assert _rows(kept, "train", tmp_path / "fetched") == TRAIN[1:]
    store, everything = S3Store(), S3Location(bucket, "")
    rows = [name for name in store.below(everything) if name.endswith(".jsonl")]
    assert not any(ANN.encode() in (store.read(everything / name) or b"") for name in rows)
    assert any(BOB.encode() in (store.read(everything / name) or b"") for name in rows)
    assert list(Registry(kept.place).listing().stale) == [kept.model]
    assert parse_s3(kept.place).bucket == bucket
    assert SERVICE in Registry(kept.place).listing().aliases

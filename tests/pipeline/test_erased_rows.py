"""Rows that a registry lists as erased: every run leaves them out, wherever they come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.erasures import Erasures
from intentflow.cli.main import main
from intentflow.components.convert.component import convert
from intentflow.components.merge.component import merge
from intentflow.components.split.component import split
from intentflow.erasure.data_sets import data_address
from intentflow.erasure.rows import request_digest
from intentflow.persons import PERSON_KEY_VARIABLE
from intentflow.pipeline.steps.look import find_champion
from intentflow.pipeline.steps.recorded import RecordConfig
from intentflow.pipeline.steps.resolve import run_resolve
from intentflow.records import Example, content_digest, read_records, write_records
from intentflow.registry import Registry
from intentflow.registry.erasures import change_erasures
from tests.components.calls import call
from tests.erasure.registries import ANN, BOB
from tests.feedback.service_logs import correction, write_store
from tests.pipeline.graph import Run, labels, run_graph, write_inputs
from tests.test_persons import KEY

MINE, OTHER = Example("red boat", "paint()", person=ANN), Example("blue boat", "paint()")
TIME = "2026-11-30T00:00:00Z"


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    """A registry that lists a person."""
    place = str(tmp_path / "registry")
    requests = {request_digest("r3"): TIME}
    change_erasures(place, lambda _: Erasures(persons={ANN: TIME}, requests=requests))
    return {"registry": place}


def _file(path: Path, *rows: Example) -> str:
    write_records(path, rows)
    return str(path)


def test_convert_leaves_them_out(tmp_path: Path, record: dict[str, Any]) -> None:
    sources = [_file(tmp_path / "export.jsonl", MINE, OTHER)]
    found = call(convert, tmp_path, sources=sources, sources_digest="", config={}, record=record)
    assert read_records(found["records"].path) == [OTHER]
    assert found["records"].metadata == {"rows": 1, "digest": content_digest([OTHER])}


def test_an_export_of_nothing_else_ends_the_run(tmp_path: Path, record: dict[str, Any]) -> None:
    sources = [_file(tmp_path / "export.jsonl", MINE)]
    found = call(convert, tmp_path, sources=sources, sources_digest="", config={}, record=record)
    assert "all were erased" in str(found["Output"])


def test_merge_leaves_out_corrections_and_test_rows(tmp_path: Path, record: dict[str, Any]) -> None:
    log = write_store(
        tmp_path / "log",
        [
            correction("r1", "tall house", "build()", person=ANN),
            correction("r2", "small house", "build()", person=BOB),
            correction("r3", "old house", "build()"),  # of a request that was erased before
            correction("r3", "old house", "paint()", annotator="b"),
        ],
    )
    test = _file(tmp_path / "test.jsonl", MINE, Example("gold boat", "paint()"))
    given: dict[str, Any] = {
        "records": _artifact(tmp_path / "records", OTHER),
        "champion_data": "",
        "feedback": [str(log)],
        "feedback_digest": "",
        "test_digest": "",
        "convert": {},
        "curate": {},
        "split": {"test": [test], "test_share": 0.0},
    }
    found = call(merge, tmp_path, **given, record=record)
    merged = {row.instruction for row in read_records(found["merged"].path)}
    assert merged == {"blue boat", "small house"}
    assert [row.instruction for row in read_records(found["test_set"].path)] == ["gold boat"]
    assert "house" not in Path(found["changes"].path).read_text()


def test_split_leaves_out_test_rows(tmp_path: Path, record: dict[str, Any]) -> None:
    test = _file(tmp_path / "test.jsonl", MINE, Example("gold boat", "paint()"))
    found = call(
        split,
        tmp_path,
        records=_artifact(tmp_path / "records", OTHER, Example("pink lamp", "paint()")),
        test_digest="",
        config={"test": [test], "validation_share": 0.0},
        record=record,
    )
    assert [row.instruction for row in read_records(found["test_set"].path)] == ["gold boat"]


def test_a_new_erasure_is_a_new_run(tmp_path: Path, record: dict[str, Any]) -> None:
    source = _file(tmp_path / "export.jsonl", OTHER)
    config = RecordConfig(registry=record["registry"])
    before = run_resolve([source], record=config).erased_digest
    change_erasures(record["registry"], lambda _: Erasures(persons={ANN: TIME, BOB: TIME}))
    assert before != run_resolve([source], record=config).erased_digest


def _artifact(path: Path, *rows: Example) -> Any:
    from tests.components.calls import rows as artifact

    return artifact(path, *((row.instruction, row.output) for row in rows))


@pytest.fixture(scope="module")
def erased(
    tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path
) -> tuple[Path, Run, Run]:
    """A first run with a column of persons, an erasure of one, and a retraining."""
    folder = tmp_path_factory.mktemp("erased")
    config = write_inputs(folder / "inputs", tiny_base_model)
    export = ["person,text,label"]
    export += [
        f'c-{number % 6},{row.instruction},"{row.output}"' for number, row in enumerate(labels())
    ]
    (folder / "inputs" / "labels.csv").write_text("\n".join(export))
    more = [
        f"--set=data.sources={folder / 'inputs' / 'labels.csv'}",
        "--set=data.person_field=person",
        "--set=policy.champion={margin: 1.0, per_intent: {drop: 1.0}}",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, PERSON_KEY_VARIABLE, KEY)
        patch.setitem(_environment(), PERSON_KEY_VARIABLE, KEY)
        first = run_graph(config, folder / "first", *more)
        registry = str(folder / "registry")
        assert main(["erase", "--person", "c-2", "--registry", registry]) == 0
        second = run_graph(config, folder / "second", "--retrain", "--json", *more)
        assert main(["erase", "--person", "c-2", "--registry", registry, "--check"]) == 0
    return folder, first, second


def _environment() -> dict[str, str]:
    from tests.pipeline.graph import ENVIRONMENT

    return ENVIRONMENT


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_next_model_has_none_of_an_erased_person(erased: tuple[Path, Run, Run]) -> None:
    folder, first, second = erased
    assert (first.status, second.status) == (0, 0), second.err
    place = str(folder / "registry")
    champion = find_champion(RecordConfig(registry=place, service="travel"))
    assert champion is not None
    assert champion.data is not None
    assert champion.data.erasures == Registry(place).listing().erasures.digest
    data = Path(data_address(place, champion.data))
    persons = {row.person for file in data.glob("[tv]*.jsonl") for row in read_records(file)}
    assert len(persons - {None}) == 5
    assert not champion.stale_since


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_page_of_a_run_has_a_person(erased: tuple[Path, Run, Run]) -> None:
    folder, first, _ = erased
    pages = [file for kind in ("html", "md") for file in folder.rglob(f"*.{kind}")]
    assert pages
    assert not any("hmac-sha256" in file.read_text() for file in pages)
    assert KEY not in first.err

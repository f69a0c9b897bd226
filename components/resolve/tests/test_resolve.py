"""Component ``resolve``: digests of what is there now."""

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.erasures import Erasures, ReplacedData
from intentflow.artifacts.registry_entry import RegistryEntry
from intentflow.components.resolve.component import resolve
from intentflow.pipeline.code_version import code_version
from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from intentflow.registry.erasures import change_erasures
from tests.components.calls import call, document, rows
from tests.gating.scores import scores
from tests.pipeline.recipes import train_parameter


def _resolve(folder: Path, split: dict[str, Any] | None = None, **more: object) -> tuple[Any, ...]:
    given = {
        "sources": [str(folder)],
        "split": split or {},
        "champion": "",
        "deploy": {},
        "record": {},
        "code_version": code_version(),
        **more,
    }
    return tuple(call(resolve, folder, **given)["Output"])


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder with a labelling export."""
    (folder := tmp_path / "labels").mkdir()
    rows(folder / "first.jsonl", ("play jazz", "play(jazz)"))
    return folder


def test_a_source_without_a_change_has_the_same_digest(labels: Path) -> None:
    assert _resolve(labels)[0] == _resolve(labels)[0] != ""


def test_a_new_file_below_a_source_is_another_digest(labels: Path) -> None:
    former = _resolve(labels)[0]
    rows(labels / "second.jsonl", ("play rock", "play(rock)"))
    assert _resolve(labels)[0] != former


def test_the_test_file_has_a_digest(labels: Path, tmp_path: Path) -> None:
    test = rows(tmp_path / "test.jsonl", ("play soul", "play(soul)"))
    assert _resolve(labels, {"test": str(test)})[1] != ""


def test_without_a_test_file_there_is_no_digest_of_one(labels: Path) -> None:
    assert _resolve(labels)[1] == ""


def test_a_log_to_which_nothing_is_written_yet_is_no_error(labels: Path, tmp_path: Path) -> None:
    (log := tmp_path / "log").mkdir()
    assert _resolve(labels, feedback=[str(log), str(labels)])[6].split()[0] == "empty"


def test_a_first_model_has_no_champion(labels: Path) -> None:
    assert _resolve(labels)[2:] == ({}, "", "", "", "", "", "", "")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry with a champion and its data set."""
    made = {"name": "travel", "created": "2026-11-29T20:15:00Z"}
    found = Registry(tmp_path / "registry")
    data = found.add(RegistryEntry(kind="dataset", uri="s3://data", **made))
    model = found.add(RegistryEntry(kind="model", uri="s3://model", parents=[data], **made))
    found.move("travel", deployed(model), reason="test")
    return tmp_path / "registry"


def _record(registry: Path, *, compare: bool) -> dict[str, object]:
    return {"registry": str(registry), "service": "travel", "compare": compare}


def test_the_champion_of_the_registry_is_compared_with(labels: Path, registry: Path) -> None:
    found = _resolve(labels, record=_record(registry, compare=True))
    assert (found[3], found[5]) == ("s3://model", "s3://data")


def test_a_registry_that_is_only_written_names_no_champion(labels: Path, registry: Path) -> None:
    assert _resolve(labels, record=_record(registry, compare=False))[3:6] == ("", "", "")


def test_given_scores_count_before_the_registry(
    labels: Path, registry: Path, tmp_path: Path
) -> None:
    given = document(tmp_path / "metrics.json", scores(n=200))
    found = _resolve(labels, record=_record(registry, compare=True), champion=str(given))
    assert (found[2]["n"], found[3]) == (200, "")


def _starts(name: str | None) -> dict[str, object]:
    train = train_parameter()
    return {**train, "recipe": {**train["recipe"], **({"start_from": name} if name else {})}}


@pytest.mark.parametrize(("name", "start"), [("champion", "s3://model"), (None, ""), ("a/b", "")])
def test_a_training_starts_from_the_champion_if_its_recipe_asks_for_it(
    labels: Path, registry: Path, name: str | None, start: str
) -> None:
    found = _resolve(labels, record=_record(registry, compare=True), train=_starts(name))
    assert (found[8], bool(found[9])) == (start, bool(start))


def test_a_first_training_starts_from_the_base(labels: Path) -> None:
    assert _resolve(labels, train=_starts("champion"))[8:] == ("", "")


def test_no_training_starts_from_a_champion_that_has_learned_from_erased_rows(
    labels: Path, registry: Path
) -> None:
    erased = ReplacedData(at="2026-11-30T00:00:00Z", by=None, erased={"train": 1})
    data = Registry(registry).models("travel")[0].parents[0]
    change_erasures(registry, lambda _: Erasures(persons={}, replaced={data: erased}))
    found = _resolve(labels, record=_record(registry, compare=True), train=_starts("champion"))
    assert (found[3], found[8:]) == ("s3://model", ("", ""))


def test_logs_have_a_digest(labels: Path) -> None:
    assert _resolve(labels, feedback=[str(labels)])[6] == _resolve(labels)[0]


def test_a_missing_source_ends_the_step(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        _resolve(tmp_path / "missing")

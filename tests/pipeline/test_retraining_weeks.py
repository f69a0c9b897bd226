"""Weeks of retraining without a model: what the steps hand to one another through the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.artifacts.registry_entry import RegistryEntry, now
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.steps.curate import CurateConfig, run_curate
from intentflow.pipeline.steps.look import Present, find_champion, run_look
from intentflow.pipeline.steps.merge import MergeFiles, MergeRules, run_merge
from intentflow.pipeline.steps.record import DataFacts, record_data
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.pipeline.steps.recorded_recipes import DataRecipe
from intentflow.pipeline.steps.split import SplitConfig, SplitFiles, run_split
from intentflow.records import Example, read_records, write_records
from intentflow.registry import Registry
from intentflow.registry.changes import deployed
from intentflow.storage import digest_of
from tests.feedback.service_logs import correction, write_store
from tests.pipeline.recipes import model_recipe

STAGES = ["merge", "curate", "split", "record", "champion"]
SPLIT = SplitConfig(test_share=0.2, validation_share=0.1)
WORDS = ["red", "blue", "green", "black", "white", "brown", "pink", "grey", "gold", "violet"]
THINGS = ["boat", "house", "lamp", "river", "cloud", "train", "apple", "stone", "chair", "window"]
ROWS = [Example(f"{word} {thing}", "paint()") for word in WORDS for thing in THINGS]


class _Weeks:
    """A service whose labels and corrections are merged, recorded and made the champion's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = RecordConfig(registry=str(folder / "registry"), service="paint")
        self.export = folder / "export.jsonl"
        self.log = folder / "log"
        write_records(self.export, ROWS)
        write_store(self.log, [correction("r0", "first words", "paint()")])

    def present(self) -> Present:
        sources = [str(self.export), str(self.log)]
        return Present(sources, [digest_of(one) for one in sources], DataRecipe(), model_recipe())

    def run(self, name: str, *, until: str = "champion") -> None:
        """A week's run, which ends after one of the stages as if it were killed there."""
        place = self.folder / name
        champion = find_champion(self.config)
        previous = champion.data.uri if champion and champion.data else None
        merged = MergeFiles.in_folder(place)
        rules = MergeRules(split=SPLIT, feedback=[self.log])
        run_merge(self.export, merged, rules, previous=previous)
        if until == "merge":
            return
        curated = place / "curated.jsonl"
        run_curate(merged.rows, curated, CurateConfig())
        if until == "curate":
            return
        parts = SplitFiles.in_folder(place / "parts")
        run_split(curated, parts, SPLIT, test_records=merged.test)
        if until == "split":
            return
        present = self.present()
        facts = DataFacts(present.sources, present.digests)
        sets = {**parts.by_name(), "ledger": merged.ledger}
        data = record_data(Recorded(self.config, name), sets, facts)
        if until == "record":
            return
        registry = Registry(self.config.registry or "")
        facts_of_model = {"parents": [data], "recipe": as_parameter(model_recipe())}
        model = RegistryEntry(kind="model", name="paint", created=now(), **facts_of_model)
        registry.move("paint", deployed(registry.add(model)), reason="test")

    def rows(self, *parts: str) -> dict[str, str]:
        """Labels by utterance in parts of the champion's data set."""
        champion = find_champion(self.config)
        assert champion is not None and champion.data is not None
        files = [Path(champion.data.uri or "") / f"{part}.jsonl" for part in parts]
        found = [row for file in files if file.exists() for row in read_records(file)]
        assert len({row.instruction for row in found}) == len(found), "a row is there twice"
        return {row.instruction: row.output for row in found}


def _add_second_week(weeks: _Weeks) -> None:
    write_records(weeks.export, [*ROWS, Example("loud music", "play()")])
    trained = next(iter(weeks.rows("train")))
    lines = [correction("r1", trained, "clean()"), correction("r2", "open the door", "open()")]
    write_store(weeks.log, lines, day="2")


@pytest.fixture
def weeks(tmp_path: Path) -> _Weeks:
    """A service after its first week."""
    made = _Weeks(tmp_path)
    made.run("week-1")
    return made


def test_the_first_week_has_every_label_once(weeks: _Weeks) -> None:
    rows = weeks.rows("train", "validation", "test")
    assert set(rows) == {row.instruction for row in ROWS} | {"first words"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_killed_after_a_stage_loses_no_label_and_counts_none_twice(
    weeks: _Weeks, stage: str
) -> None:
    tested = weeks.rows("test")
    _add_second_week(weeks)
    weeks.run("killed", until=stage)
    weeks.run("week-2")
    rows = weeks.rows("train", "validation", "test")
    assert len(rows) == len(ROWS) + 3
    assert sorted(set(rows.values())) == ["clean()", "open()", "paint()", "play()"]
    assert list(rows.values()).count("clean()") == 1
    assert tested.items() <= weeks.rows("test").items()


def test_after_a_week_nothing_is_new(weeks: _Weeks) -> None:
    assert not run_look(find_champion(weeks.config), weeks.present()).retrain


def test_new_labels_and_corrections_are_news(weeks: _Weeks) -> None:
    _add_second_week(weeks)
    news = run_look(find_champion(weeks.config), weeks.present())
    assert [one.state for one in news.sources] == ["changed", "changed"]


def test_a_run_that_is_done_twice_gives_the_same_data_set(weeks: _Weeks) -> None:
    before = weeks.rows("train"), weeks.rows("validation"), weeks.rows("test")
    weeks.run("again")
    train, validation, test = before
    assert weeks.rows("test") == test
    assert weeks.rows("train", "validation") == train | validation


def test_test_rows_stay_through_the_weeks(weeks: _Weeks) -> None:
    frozen = weeks.rows("test")
    for week in range(2, 5):
        write_records(
            weeks.export, [*ROWS, *(Example(f"{week} {word}", "count()") for word in WORDS)]
        )
        weeks.run(f"week-{week}")
    assert frozen.items() <= weeks.rows("test").items()
    assert len(weeks.rows("train", "validation", "test")) == len(ROWS) + 1 + 3 * len(WORDS)

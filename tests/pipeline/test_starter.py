"""Configuration files drafted from labelled rows: ``init --from`` and ``taxonomy``."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.starter import write_starter
from intentflow.pipeline.starter.from_rows import service_name
from intentflow.pipeline.starter.gate_draft import draft_gate, linear_accuracy
from intentflow.pipeline.starter.recipe_draft import draft_recipe
from intentflow.pipeline.starter.taxonomy_draft import draft_taxonomy
from intentflow.pipeline.steps.validate import ValidateConfig, run_validate
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, write_records
from intentflow.taxonomy import Taxonomy
from intentflow.validation.hardware import Hardware
from tests.public_sets import sample

GPU = Hardware("cuda", 1, 24 << 30)
SMALL_GPU = Hardware("cuda", 1, 4 << 30)
LAPTOP = Hardware("cpu", 1, 16 << 30)
CHINESE = [Example("我想去杭州，查一下天气", "weather_search(杭州)"), Example("放点音乐", "play()")]
ENGLISH = [Example("what will the weather be like in Oslo", "weather(Oslo)")] * 20


def _write_table(path: Path) -> Path:
    rows = json.loads(sample("banking77").read_text())
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["text", "category"])
        table.writerows([row["instruction"], row["output"].removesuffix("()")] for row in rows)
    return path


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table ``text,category`` of a public set, as it is published, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return _write_table(tmp_path / "tickets.csv")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that is drafted from this table, next to it."""
    table = _write_table(tmp_path_factory.mktemp("project") / "tickets.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(table.parent)
        assert main(["init", "--from", table.name]) == 0
    return table.with_suffix("")


@pytest.fixture
def drafted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, in the working directory; not to be changed."""
    monkeypatch.chdir(project.parent)
    return project


def _drafted(folder: str = "tickets") -> RunConfig:
    return RunConfig.load(Path(folder, "run.yaml"))


def test_a_project_is_drafted_from_a_table(drafted: Path) -> None:
    config = _drafted()
    assert Path(config.data.sources[0]).resolve() == drafted.with_suffix(".csv")
    assert len(config.data.taxonomy.intents) == 77 if config.data.taxonomy else False
    assert config.deploy.name == "tickets"


def test_the_taxonomy_counts_the_rows_of_each_intent(drafted: Path) -> None:
    lines = Path("tickets/taxonomy.yaml").read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if "activate_my_card" in line)
    table = drafted.with_suffix(".csv").read_text()
    rows = sum("activate_my_card" in line for line in table.splitlines())
    assert lines[at - 1].strip() == f"# {rows} rows"


@pytest.mark.usefixtures("drafted")
def test_the_gate_lies_near_the_linear_classifier() -> None:
    rows = [Example(row["instruction"], row["output"]) for row in _rows("banking77")]
    accuracy = linear_accuracy(rows)
    assert accuracy is not None
    minimum = _drafted().policy.metrics["intent_accuracy"].min
    assert minimum is not None and 0 <= accuracy - minimum <= 0.04


@pytest.mark.parametrize(("rows", "judged"), [(120, False), (600, True)])
def test_intents_are_judged_alone_where_they_will_have_rows(rows: int, judged: bool) -> None:
    examples = [Example(f"row {at}", f"intent_{at % 2}()") for at in range(rows)]
    assert draft_gate(examples, has_parameters=False).judges_intents is judged


@pytest.mark.usefixtures("drafted")
def test_no_rule_that_can_judge_no_intent_is_drafted() -> None:
    assert _drafted().policy.per_intent.recall is None


def test_options_about_the_table_stand_in_the_configuration(classes: Path) -> None:
    classes.write_text(classes.read_text().replace("text,category", "note,topic", 1))
    command = ["init", "own", "--from", classes.name, "--field", "note", "--label-field", "topic"]
    assert main(command) == 0
    assert (_drafted("own").data.field, _drafted("own").data.label_field) == ("note", "topic")


def test_parameters_have_the_names_of_the_export(tmp_path: Path) -> None:
    call = {"name": "weather", "arguments": json.dumps({"place": "Oslo", "day": "today"})}
    question = {"role": "user", "content": "weather in Oslo today"}
    answer = {"role": "assistant", "tool_calls": [{"type": "function", "function": call}]}
    row = {"messages": [question, answer]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    command = ["taxonomy", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "t.yaml")]
    assert main(command) == 0
    found = Taxonomy.from_yaml(tmp_path / "t.yaml")
    assert found.intents["weather"].parameters == ["place", "day"]


def test_a_taxonomy_is_what_the_rows_have(tmp_path: Path) -> None:
    command = ["taxonomy", str(sample("snips")), "-o", str(tmp_path / "t.yaml")]
    assert main(command) == 0
    rows = [Example(row["instruction"], row["output"]) for row in _rows("snips")]
    assert Taxonomy.from_yaml(tmp_path / "t.yaml") == Taxonomy.infer(rows)


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A taxonomy that was completed by hand."""
    path = tmp_path / "t.yaml"
    path.write_text("intents:\n  play: {description: music of an artist}\n")
    return path


def _draft_onto(path: Path, *options: str) -> int:
    rows = path.with_name("rows.csv")
    rows.write_text("text,label\nplay jazz,play()\nplay soul,play()\n")
    return main(["taxonomy", str(rows), "-o", str(path), *options])


def test_a_taxonomy_that_was_edited_stays(edited: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _draft_onto(edited) == 2
    assert "music of an artist" in edited.read_text()
    assert f"{edited} is there already and differs" in capsys.readouterr().err


def test_a_taxonomy_is_replaced_where_that_is_asked_for(edited: Path) -> None:
    assert _draft_onto(edited, "--overwrite") == 0
    assert "music of an artist" not in edited.read_text()


def test_the_same_draft_is_written_again(tmp_path: Path) -> None:
    assert [_draft_onto(tmp_path / "t.yaml") for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("name", ["yes", "a: b", "#1", "查询", "'", "null", "1"])
def test_any_name_survives_the_file(name: str, tmp_path: Path) -> None:
    draft = draft_taxonomy([Example("x", f"{name}()"), Example("y", f"{name}()")])
    draft.write(tmp_path / "t.yaml")
    assert list(Taxonomy.from_yaml(tmp_path / "t.yaml").intents) == [name]


def test_the_intent_of_no_intent_is_named(tmp_path: Path) -> None:
    draft = draft_taxonomy([Example("x", "a()"), Example("y", "other()")], out_of_scope="other")
    draft.write(tmp_path / "t.yaml")
    assert Taxonomy.from_yaml(tmp_path / "t.yaml").out_of_scope == "other"


@pytest.mark.parametrize(
    ("rows", "hardware", "source"),
    [
        (ENGLISH, LAPTOP, "smollm2-135m/full"),
        (ENGLISH, GPU, "qwen1.5-1.8b-chat/lora"),
        (ENGLISH, SMALL_GPU, "qwen1.5-1.8b-chat/qlora"),
        (CHINESE, LAPTOP, "qwen1.5-1.8b-chat/lora"),
        (CHINESE, Hardware("cpu", 1, 2 << 30), "smollm2-135m/full"),
    ],
)
def test_the_recipe_fits_the_language_and_the_hardware(
    rows: list[Example], hardware: Hardware, source: str
) -> None:
    assert draft_recipe(rows, hardware).source == source


def test_the_prompt_is_in_the_rows_language() -> None:
    assert draft_recipe(CHINESE, GPU).recipe.language == "zh"


def test_few_rows_are_seen_more_often() -> None:
    few, many = (draft_recipe(ENGLISH * times, LAPTOP) for times in (1, 200))
    shipped = Recipe.load(many.source)
    assert few.recipe.num_train_epochs > many.recipe.num_train_epochs == shipped.num_train_epochs


@pytest.mark.parametrize(
    ("rows", "hardware"), [(ENGLISH, "16Gi"), (ENGLISH * 200, "1x24Gi"), (CHINESE, "16Gi")]
)
def test_validate_advises_what_is_drafted(
    rows: list[Example], hardware: str, tmp_path: Path
) -> None:
    drafted = draft_recipe(rows, Hardware.parse(hardware)).recipe
    write_records(tmp_path / "rows.jsonl", rows)
    config = ValidateConfig(hardware=hardware)
    advice = run_validate(tmp_path / "rows.jsonl", config).advice
    assert (advice.method, advice.model) == (drafted.method, drafted.model_name_or_path)
    assert advice.global_batch_size == drafted.global_batch_size
    assert advice.num_train_epochs[drafted.method] == drafted.num_train_epochs


def test_rows_too_few_for_a_classifier_get_a_guess() -> None:
    draft = draft_gate([Example("x", "a()")] * 3, has_parameters=False)
    assert (draft.minimum_rows, draft.reasons[0].startswith("A guess")) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["init"], "--from SRC"),
        (["init", "own", "--field", "x"], "give them with --from"),
        (["init", "--from", "nowhere.csv"], "nowhere.csv"),
        (["init", "own", "--from", "rows.csv"], "no row was kept"),
        (["taxonomy", "rows.csv", "-o", "own"], "no row was kept"),
    ],
)
def test_what_cannot_be_drafted_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "good.csv").write_text("text,label\nplay it,play()\n")
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words in line and "/tmp" not in line.replace(str(tmp_path), "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.csv", "rows.csv"]


def test_files_that_are_there_stay(classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tickets").mkdir()
    Path("tickets/gate.yaml").write_text("mine")
    assert main(["init", "--from", classes.name]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in Path("tickets").iterdir()] == ["gate.yaml"]


@pytest.mark.parametrize(
    ("folder", "name"), [("My Tickets_2026", "my-tickets-2026"), ("查询", "intent"), ("-a-", "a")]
)
def test_a_folder_gives_the_service_its_name(folder: str, name: str, tmp_path: Path) -> None:
    assert service_name(tmp_path / folder) == name


@pytest.mark.usefixtures("drafted")
def test_every_drafted_file_is_valid_yaml() -> None:
    assert all(yaml.safe_load(path.read_text()) for path in Path("tickets").glob("*.yaml"))


def test_the_accuracy_does_not_depend_on_the_order_of_rows_much() -> None:
    rows = [Example(row["instruction"], row["output"]) for row in _rows("snips")]
    shuffled = random.Random(1).sample(rows, len(rows))
    first, second = linear_accuracy(rows), linear_accuracy(shuffled)
    assert first is not None and second is not None and abs(first - second) < 0.05


def _rows(name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(sample(name).read_text())
    return rows


def _chats(path: Path, *cities: str) -> Path:
    """A chat for each city, whose tools are declared in all but one of them is called."""
    tools = [
        _tool("weather", "The weather in a city.", ["city", "day"], ["city"]),
        _tool("book_flight", "Book a flight.", ["day", "to", "from"], ["to"]),
        _tool("not a (name)", "", [], []),
    ]
    lines = []
    for city in cities:
        function = {"name": "weather", "arguments": json.dumps({"city": city})}
        answer = {"role": "assistant", "content": None, "tool_calls": [{"function": function}]}
        user = {"role": "user", "content": f"weather in {city}"}
        lines.append(json.dumps({"messages": [user, answer], "tools": tools}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _tool(name: str, description: str, names: list[str], required: list[str]) -> dict[str, object]:
    schema = {"type": "object", "properties": {it: {} for it in names}, "required": required}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


def test_tools_that_are_declared_are_in_the_taxonomy_called_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = _chats(tmp_path / "chats.jsonl", "Rome", "Oslo"), tmp_path / "taxonomy.yaml"
    assert main(["taxonomy", str(source), "-o", str(out)]) == 0
    intents = Taxonomy.from_yaml(out).intents
    assert {name: it.parameters for name, it in intents.items()} == {
        "book_flight": ["day", "to", "from"],
        "weather": ["city", "day"],
    }
    assert "2 intents with 5 parameters, from 2 rows" in capsys.readouterr().out


def test_a_tools_description_and_required_parameters_are_in_the_taxonomy(tmp_path: Path) -> None:
    source, out = _chats(tmp_path / "chats.jsonl", "Rome"), tmp_path / "taxonomy.yaml"
    main(["taxonomy", str(source), "-o", str(out)])
    intents = Taxonomy.from_yaml(out).intents
    assert intents["weather"].description == "The weather in a city."
    assert (intents["book_flight"].description, intents["book_flight"].min_parameters) == (
        "Book a flight.",
        2,
    )


def test_a_project_of_chats_has_their_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _chats(tmp_path / "chats.jsonl", *(f"City {number}" for number in range(30)))
    assert main(["init", "--from", "chats.jsonl"]) == 0
    taxonomy = _drafted("chats").data.taxonomy
    assert taxonomy is not None
    assert set(taxonomy.intents) == {"weather", "book_flight"}


def test_a_full_disk_leaves_no_half_of_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_text

    def write_text(path: Path, text: str, **options: str) -> int:
        if ".teacher.yaml" in path.name:
            raise OSError(28, "No space left on device", str(path))
        return real(path, text, **options)

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(InputError, match="disk full while writing"):
        write_starter(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_the_next_command_is_one_for_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init", "my intents"])
    assert capsys.readouterr().out.endswith("intentflow run --config 'my intents/run.yaml'\n")

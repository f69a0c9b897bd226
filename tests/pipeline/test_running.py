"""``intentflow run``: the complete graph on this computer, on a model of a few kilobytes.

The runs build on one another, as a user's do: the gate fails, its policy is mended, nothing
changes, new labels come.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.records import Example, read_records, write_records
from tests.pipeline.graph import (
    DATA_STEPS,
    PLACES,
    TEST,
    Run,
    files,
    labels,
    run_graph,
    write_inputs,
)

STRICT = [
    "--set=policy.metrics.intent_accuracy.min=1.0",
    "--set=policy.metrics.parameter_accuracy.min=1.0",
    "--set=policy.minimum_rows=4",
]
REPORTS = ["data", "redaction", "training", "evaluation"]
WORK = [*DATA_STEPS, "train", "baseline", "evaluate"]
CHECKS = ["check", "check-2"]  # without a failure, what they take is always the same
CACHED = [*WORK, *CHECKS]
# The complete graph once took 25 s on two busy cores, and a run from the cache 2 s.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A run configuration with its inputs."""
    return write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all runs of this module write."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def failed(config: Path, output: Path) -> tuple[Run, list[str]]:
    """A run that its policy stops, and what it left."""
    run = run_graph(config, output, *STRICT)
    return run, files(output)


@pytest.fixture(scope="module")
def passed(config: Path, output: Path, failed: object) -> Run:
    """The same with a policy that the model meets."""
    return run_graph(config, output)


@pytest.fixture(scope="module")
def repeated(config: Path, output: Path, passed: Run) -> Run:
    """The same again."""
    return run_graph(config, output, "--json")


@pytest.fixture(scope="module")
def compared(config: Path, output: Path, repeated: Run) -> tuple[Run, str]:
    """The same compared with the model in service, which is itself; and the report."""
    champion = config.parent / "champion.json"
    champion.write_bytes((output / "metrics.json").read_bytes())
    run = run_graph(config, output, f"--set=champion={champion}")
    return run, (output / "reports" / "evaluation.html").read_text()


@pytest.fixture(scope="module")
def relabelled(config: Path, output: Path, compared: object) -> Run:
    """The same on new labels."""
    (new := config.parent / "new").mkdir()
    write_records(new / "first.jsonl", labels(" please"))
    return run_graph(config, output, f"--set=data.sources={new}", "--json")


@pytest.fixture(scope="module")
def scheduled(config: Path, output: Path, relabelled: object) -> Run:
    """The same command as before, as a schedule gives it, when one more file has come."""
    new = config.parent / "new"
    write_records(new / "second.jsonl", labels(" now"))
    return run_graph(config, output, f"--set=data.sources={new}", "--json")


def test_a_failed_gate_exits_1(failed: tuple[Run, list[str]]) -> None:
    assert failed[0].status == 1, failed[0].err


@pytest.mark.parametrize(
    "reason",
    [
        "3 rows were scored; the policy asks for at least 4",
        r"intent_accuracy is 0(\.\d+)?; the policy asks for at least 1",
        r"parameter_accuracy is 0(\.\d+)?; the policy asks for at least 1",
    ],
)
def test_a_failed_gate_names_every_reason(failed: tuple[Run, list[str]], reason: str) -> None:
    assert re.search(f"^  not met: {reason}$", failed[0].out, re.MULTILINE)


def test_a_failed_gate_publishes_and_deploys_nothing(failed: tuple[Run, list[str]]) -> None:
    run, left = failed
    assert {"publish", "deploy"} & set(run.started) == set()
    assert {"published", "manifests"} & set(left) == set()


def test_a_failed_gate_is_explained(failed: tuple[Run, list[str]]) -> None:
    run, left = failed
    assert run.started[-3:] == ["explain", "check-3", "notify"]
    assert "reports/explanation.md" in left


def test_a_failed_gate_keeps_reports_scores_and_model(failed: tuple[Run, list[str]]) -> None:
    wanted = {"reports/data.html", "reports/training.html", "reports/evaluation.html"}
    wanted |= {"metrics.json", "verdict.json", "predictions.jsonl", "model"}
    assert wanted - set(failed[1]) == set()


def test_a_passed_gate_exits_0(passed: Run) -> None:
    assert passed.status == 0, passed.err


def test_another_policy_does_not_train_again(passed: Run) -> None:
    assert passed.started == ["resolve", "record", "gate", "publish", "deploy", "notify"]


def test_reused_steps_are_reported(passed: Run) -> None:
    assert sorted(passed.unchanged) == sorted(CACHED)


@pytest.mark.parametrize(
    ("row", "value"),
    [("rows", "60"), ("kept", "60"), ("rejected", "0"), ("gate", "passed")],
)
def test_the_table_has_a_row(passed: Run, row: str, value: str) -> None:
    assert [row, value] in [line.split() for line in passed.out.splitlines()]


@pytest.mark.parametrize("row", ["intent accuracy", "parameter accuracy"])
def test_the_table_gives_the_interval(passed: Run, row: str) -> None:
    (line,) = [line for line in passed.out.splitlines() if line.strip().startswith(row)]
    assert re.search(r"  0\.\d{3}  \(95 %: 0\.\d{3} to [01]\.\d{3}\)$", line)


def test_the_table_ends_with_the_next_two_commands(passed: Run, output: Path) -> None:
    asked = read_records(output / "test.jsonl")[0].instruction
    wanted = [f"intentflow serve --model {output}/model", f'intentflow predict "{asked}"']
    assert [line.strip() for line in passed.out.splitlines()[-2:]] == wanted


def test_the_verdict_is_that_of_the_last_run(repeated: Run, output: Path) -> None:
    assert json.loads((output / "verdict.json").read_text())["passed"] is True


def test_a_passed_gate_takes_the_explanation_away(passed: Run, output: Path) -> None:
    assert not (output / "reports" / "explanation.md").exists()


def test_the_published_model_is_the_judged_one(repeated: Run, output: Path) -> None:
    (stored,) = (output / "published").iterdir()
    digest = json.loads((output / "verdict.json").read_text())["model_digest"]
    assert stored.name == f"sha256-{digest}"


def test_the_manifests_name_the_published_model(repeated: Run, output: Path) -> None:
    (stored,) = (output / "published").iterdir()
    text = "".join(f.read_text() for f in (output / "manifests").rglob("*.yaml"))
    assert (stored.name in text, "name: travel" in text) == (True, True)


def test_the_model_link_leads_to_a_complete_model(passed: Run, output: Path) -> None:
    from intentflow.models.directory import check_model_directory

    assert check_model_directory(output / "model").is_dir()


def test_test_rows_are_those_of_the_file(passed: Run, output: Path) -> None:
    assert read_records(output / "test.jsonl") == TEST


@pytest.mark.parametrize(
    "name",
    ["rejects.jsonl", "predictions.jsonl", "test.jsonl", "reports/evaluation.html", ".steps"],
)
def test_files_with_users_words_are_the_owners_alone(passed: Run, output: Path, name: str) -> None:
    assert (output / name).stat().st_mode & 0o077 == 0


def test_a_run_without_a_change_only_looks_publishes_and_deploys(repeated: Run) -> None:
    assert repeated.started == ["resolve", "record", "publish", "deploy", "notify"]
    assert sorted(repeated.unchanged) == sorted([*CACHED, "gate"])


def test_a_champion_is_compared_without_training(compared: tuple[Run, str]) -> None:
    run, _ = compared
    steps = ["resolve", "record", "evaluate", "gate", "publish", "deploy", "notify"]
    assert sorted(run.started) == sorted(steps), run.err


def test_the_report_shows_the_champion(compared: tuple[Run, str]) -> None:
    assert "differs from the champion by no more than chance" in compared[1]


def test_json_is_all_that_stdout_holds(repeated: Run) -> None:
    assert len(repeated.out.splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "value"), [("rows", 60), ("passed", True), ("reasons", []), ("rejected", 0)]
)
def test_json_has_the_summary(repeated: Run, key: str, value: object) -> None:
    assert repeated.summary[key] == value


def test_json_counts_the_rows_of_every_list(repeated: Run, output: Path) -> None:
    counts = dict.fromkeys(("rejects.jsonl", "changes.json", "left-out.jsonl"), 0)
    assert repeated.summary["left_out"] == counts | {"test-rejects.jsonl": 0}
    assert (output / "left-out.jsonl").read_text() == ""


def test_the_last_line_of_a_run_says_how_many_rows_were_left_out(repeated: Run) -> None:
    assert repeated.err.splitlines()[-1] == "left out: no rows"


def test_new_labels_run_every_step_again(relabelled: Run) -> None:
    everything = ["resolve", *WORK, "record", "gate", "publish", "deploy", "notify"]
    assert sorted(relabelled.started) == sorted(everything)


def test_new_labels_are_learned(relabelled: Run, output: Path) -> None:
    texts = [row.instruction for row in read_records(output / "train.jsonl")]
    assert [text for text in texts if not text.endswith(" please")] == []


def test_former_models_stay_published(relabelled: Run, output: Path) -> None:
    assert len(list((output / "published").iterdir())) == 2


def test_a_changed_file_at_the_same_path_is_read_again(
    config: Path, output: Path, relabelled: Run
) -> None:
    source = config.parent / "labels.jsonl"
    former = source.read_bytes()
    write_records(source, labels()[: 2 * len(PLACES)])
    run = run_graph(config, output)
    source.write_bytes(former)
    assert run.started == ["resolve", "convert", "curate", "validate", "check-2", "notify"]
    assert run.error == (
        "intentflow run: error: step validate: the data failed its checks: "
        "one intent only: weather_search"
    )


def test_the_data_report_of_a_run_that_its_checks_ended_is_in_its_folder(
    config: Path, tmp_path: Path, relabelled: Run
) -> None:
    write_records(source := tmp_path / "one-intent.jsonl", labels()[: 2 * len(PLACES)])
    run = run_graph(config, tmp_path / "run", f"--set=data.sources={source}")
    assert run.status == 2
    report = (tmp_path / "run" / "reports" / "data.html").read_text(encoding="utf-8")
    assert "one intent only: weather_search" in report


def test_the_rejects_of_a_run_that_they_ended_are_in_its_folder(
    config: Path, tmp_path: Path, relabelled: Run
) -> None:
    rows = [*labels(), *(Example(f"what of {place}", "") for place in PLACES)]
    write_records(source := tmp_path / "rejected.jsonl", rows)
    limit = "--set=data.max_reject_rate=0.1"
    run = run_graph(config, tmp_path / "run", f"--set=data.sources={source}", limit)
    assert (run.status, run.started) == (1, ["resolve", "convert", "check", "notify"])
    assert "step convert: 14.3% of the rows were rejected" in run.error
    assert len((tmp_path / "run" / "rejects.jsonl").read_text().splitlines()) == len(PLACES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "bad.jsonl: No such file or directory"),
        (b"", "bad.jsonl: the file is empty"),
        (b'{"instruction": "caf\xe9", "output": "a()"}\n' * 9, "no row was kept: not_utf8 9"),
        (b'{"content": ""}\n' * 3, "no row was kept: unknown_shape 3"),
    ],
)
def test_labels_that_cannot_be_used_are_one_line_and_exit_2(
    config: Path, output: Path, content: bytes | None, message: str, relabelled: Run
) -> None:
    source = config.parent / "bad.jsonl"
    source.unlink(missing_ok=True)
    if content is not None:
        source.write_bytes(content)
    run = run_graph(config, output, f"--set=data.sources={source}")
    assert (run.status, "Traceback" in run.err, run.out) == (2, False, ""), run.err
    assert message in run.error


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("recipe.learning_rat=1", "unknown key learning_rat; did you mean learning_rate?"),
        ("policy.minimum_row=1", "unknown key minimum_row; did you mean minimum_rows?"),
        ("data.sorces=x", "unknown key data.sorces; did you mean sources?"),
        ("data.sources=[]", "data.sources"),
        ("data.sources=none.jsonl", "none.jsonl: No such file or directory"),
        ("data.test=none.jsonl", "none.jsonl: No such file or directory"),
        ("data.test=/", "data.test: / is the root of the file system"),
        ("champion=none.json", "none.json"),
        ("recipe=qwen1.5-1.8b-chat/lorra", "did you mean qwen1.5-1.8b-chat/lora?"),
    ],
)
def test_a_wrong_setting_is_found_before_anything_runs(
    config: Path, output: Path, setting: str, message: str, relabelled: Run
) -> None:
    run = run_graph(config, output, f"--set={setting}")
    assert (run.status, run.started, run.err.count("\n")) == (2, [], 1), run.err
    assert message in run.error


def test_a_base_model_that_is_not_there_is_one_line_and_exits_2(
    config: Path, output: Path, relabelled: Run
) -> None:
    run = run_graph(config, output, "--set=recipe.model_name_or_path=/no/such/model")
    assert (run.status, "Traceback" in run.err) == (2, False)
    assert "base model /no/such/model: there is no such folder" in run.error


def test_a_folder_that_is_a_file_exits_2(config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    run = run_graph(config, tmp_path / "file")
    assert (run.status, (tmp_path / "file").read_text()) == (2, "mine")


def test_an_error_leaves_no_results_that_look_like_its_own(
    config: Path, output: Path, relabelled: Run
) -> None:
    source = config.parent / "new"
    run_graph(config, output, f"--set=data.sources={source}")
    before = (output / "verdict.json").read_bytes()
    run_graph(config, output, f"--set=data.sources={_broken(config)}")
    assert not any((output / name).exists() for name in ("verdict.json", "metrics.json", "model"))
    (*_, kept) = sorted((output / "history").iterdir(), key=lambda run: run.stat().st_mtime)
    assert (kept / "verdict.json").read_bytes() == before
    assert (kept / "model" / "config.json").is_file()


def test_the_page_of_a_run_leads_to_the_others(passed: Run, output: Path, config: Path) -> None:
    run_graph(config, output)
    page = (output / "index.html").read_text()
    links = re.findall(r'href="([^"]+)"', page)
    assert {"reports/data.html", "reports/evaluation.html", "metrics.json"} <= set(links)
    assert all((output / link).is_file() for link in links)
    assert "passed" in page


@pytest.mark.parametrize("page", ["index", *(f"reports/{it}" for it in REPORTS)])
def test_every_page_of_a_run_begins_with_the_same_facts(
    passed: Run, output: Path, config: Path, page: str
) -> None:
    run_graph(config, output)
    head = (output / f"{page}.html").read_text(encoding="utf-8").partition("<main>")[0]
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd.*?>(.*?)</dd>", head))
    model = Metrics.read(output / "metrics.json").model_digest or ""
    assert (facts["Run"], facts["Model"], facts["Verdict"]) == (output.name, model[:12], "passed")


def test_the_page_of_a_run_that_ended_early_says_why(config: Path, tmp_path: Path) -> None:
    run_graph(config, tmp_path / "run", f"--set=data.sources={_broken(config)}")
    page = (tmp_path / "run" / "index.html").read_text()
    assert "broken.jsonl" in page
    assert "passed" not in page


def _broken(config: Path) -> Path:
    """A source that is there, but has no row that a step can read."""
    path = config.parent / "broken.jsonl"
    path.write_text("not JSON\n")
    return path


def test_a_run_in_json_names_step_and_level_of_every_line(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    config = write_inputs(tmp_path / "inputs", tiny_base_model)
    write_records(config.parent / "labels.jsonl", labels()[: 2 * len(PLACES)])
    run = run_graph(config, tmp_path / "run", "--log-format", "json")
    lines = [json.loads(line) for line in run.err.splitlines()]
    errors = [(line.get("step"), line["logger"]) for line in lines if line["level"] == "error"]
    assert errors == [("check-2", "intentflow.pipeline.steps"), (None, "intentflow.cli.main")]


def test_a_schedule_converts_to_deploy_again_when_a_file_has_come(scheduled: Run) -> None:
    everything = ["resolve", *WORK, "record", "gate", "publish", "deploy", "notify"]
    assert sorted(scheduled.started) == sorted(everything), scheduled.err

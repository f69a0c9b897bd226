"""The complete command line: verbs, help, errors, the files to start from."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from intentflow.cli.examples import EXAMPLES, epilog
from intentflow.cli.main import main
from intentflow.cli.verbs import VERBS, add_options, verb_module
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.starter import write_starter
from intentflow.serving.transformer.settings import transformer_parser
from intentflow.synthesis import Teacher

CONTRACT = [
    "convert",
    "validate",
    "curate",
    "split",
    "train",
    "quantize",
    "publish",
    "evaluate",
    "gate",
    "deploy",
    "endpoint",
    "serve",
    "predict",
    "init",
    "run",
    "compile",
    "submit",
    "schema",
]
SCHEMAS = ["recipe", "gate", "data-policy", "taxonomy", "teacher", "run", "deploy", "pipeline"]
STARTER = {
    "data-policy.yaml": "data-policy",
    "gate.yaml": "gate",
    "recipe.yaml": "recipe",
    "run.yaml": "run",
    "taxonomy.yaml": "taxonomy",
    "teacher.yaml": "teacher",
}


def _schema(name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["schema", name]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_ends_with_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.rstrip().endswith(epilog(verb))


@pytest.mark.parametrize(
    "line", [line for verb in VERBS for line in EXAMPLES[verb]], ids=lambda line: line[11:40]
)
def test_examples_have_options_that_exist(line: str) -> None:
    _, verb, *arguments = shlex.split(line)
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser, verb_module(verb))
    parser.parse_args(arguments)


@pytest.mark.parametrize("verb", CONTRACT)
def test_every_verb_of_the_contract_is_there(verb: str) -> None:
    assert verb in VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = main([verb, "--help"]), capsys.readouterr().out
    assert (status, f"usage: intentflow {verb}" in printed) == (0, True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_json_and_debug(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([verb, "--help"])
    printed = capsys.readouterr().out
    assert ("--json" in printed, "--debug" in printed) == (True, True)


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_flag_exits_2(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--no-such-flag"]) == 2
    assert capsys.readouterr().out == ""


def test_the_option_that_is_near_an_unknown_one_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["convert", "a.csv", "-o", "b.jsonl", "--feild", "text"]) == 2
    assert "--feild text; did you mean --field? (see" in capsys.readouterr().err


def test_no_option_is_named_where_none_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "a.csv", "-o", "b.jsonl", "--xyzzy"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_description(verb: str) -> None:
    parser = argparse.ArgumentParser(prog=verb)
    add_options(parser, verb_module(verb))
    assert undescribed(parser) == []


def test_every_option_of_the_transformer_has_a_description() -> None:
    assert undescribed(transformer_parser()) == []


def test_an_option_without_a_description_is_found() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--one")
    parser.add_argument("--two", help="metrics.json")
    assert undescribed(parser) == ["--one", "--two"]


def undescribed(parser: argparse.ArgumentParser) -> list[str]:
    """Options and arguments whose description is missing, or only a name."""
    return [
        (action.option_strings or [action.dest])[-1]
        for action in parser._actions
        if len((action.help or "").split()) < len(("a", "noun"))
    ]


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_the_overview_lists_every_verb(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = main([argument]), capsys.readouterr().out
    assert (status, [verb for verb in VERBS if f"  {verb} " not in printed]) == (0, [])


def test_no_command_shows_the_overview_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main([]), "usage: intentflow COMMAND" in capsys.readouterr().out) == (2, True)


@pytest.mark.parametrize(
    ("written", "meant"), [("evalute", "evaluate"), ("tran", "train"), ("pubish", "publish")]
)
def test_an_unknown_command_names_the_nearest(
    written: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = main([written]), capsys.readouterr().err
    assert (status, printed) == (
        2,
        f"intentflow: error: unknown command {written}; did you mean {meant}?\n",
    )


def test_a_command_like_no_other_leads_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    main(["xyzzy"])
    assert "see intentflow --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["help", "split"], ["-v", "help", "split"], ["--log-format", "json", "split", "--help"]],
)
def test_help_of_a_command_is_asked_in_front_of_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = main(arguments), capsys.readouterr().out
    assert (status, printed.startswith("usage: intentflow split")) == (0, True)


def test_help_alone_is_the_overview(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = main(["help"]), capsys.readouterr().out
    assert (status, printed.startswith("usage: intentflow COMMAND")) == (0, True)


@pytest.mark.parametrize("flag", [["-v"], ["--verbose"], ["--log-format=text", "-v"], ["-v", "-v"]])
def test_options_of_all_commands_may_precede_the_command(
    flag: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"instruction": "hi", "output": "greet()"}\n', encoding="utf-8")
    main([*flag, "convert", str(rows), "-o", str(tmp_path / "out.jsonl")])
    assert "DEBUG intentflow.cli.main: convert took" in capsys.readouterr().err


def test_json_before_the_command_ends_stdout_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json", "evalute"])
    assert json.loads(capsys.readouterr().out) == {
        "error": "unknown command evalute; did you mean evaluate?",
        "exit_code": 2,
    }


def test_an_option_of_one_command_belongs_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = main(["--model", "folder", "serve"]), capsys.readouterr().err
    assert (status, "--model is not an option of all commands: write it after" in printed) == (
        2,
        True,
    )


def test_the_installed_command_answers() -> None:
    command = [str(Path(sys.executable).with_name("intentflow")), "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout.startswith("intentflow ")) == (0, True)


def test_debug_shows_the_trace_and_still_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["validate", str(tmp_path / "none.jsonl")]
    plain, quiet = main(arguments), capsys.readouterr().err
    debug, traced = main([*arguments, "--debug"]), capsys.readouterr().err
    assert (plain, debug, "Traceback" in quiet, "Traceback" in traced) == (2, 2, False, True)


def test_init_writes_what_run_takes(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "own")]) == 0
    config = RunConfig.load(tmp_path / "own" / "run.yaml")
    assert (config.recipe.method, config.policy.minimum_rows) == ("full", 200)
    assert config.data.policy.imbalanced.max_ratio == 3.0
    assert config.data.taxonomy is not None
    Teacher.from_yaml(str(tmp_path / "own" / "teacher.yaml"))


def test_init_says_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path / "own")])
    last = capsys.readouterr().out.splitlines()[-1].strip()
    assert last == f"intentflow run --config {tmp_path / 'own' / 'run.yaml'}"


def test_init_writes_nothing_else(tmp_path: Path) -> None:
    write_starter(tmp_path / "own")
    assert sorted(p.name for p in (tmp_path / "own").iterdir()) == sorted(STARTER)


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gate.yaml").write_text("mine")
    status, printed = main(["init", str(tmp_path)]), capsys.readouterr().err
    assert (status, "gate.yaml already; nothing was written: give another" in printed) == (2, True)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("gate.yaml", "mine")]


def test_init_into_a_file_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    status, printed = main(["init", str(tmp_path / "file")]), capsys.readouterr().err
    assert (status, "is a file; give a folder" in printed) == (2, True)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_configuration_file_has_a_schema(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    jsonschema.Draft202012Validator.check_schema(_schema(name, capsys))


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_refuses_unknown_keys(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _schema(name, capsys)["additionalProperties"] is False


@pytest.mark.parametrize(("file", "name"), STARTER.items())
def test_the_schema_accepts_what_init_writes(
    file: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_starter(tmp_path)
    jsonschema.validate(yaml.safe_load((tmp_path / file).read_text()), _schema(name, capsys))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_line_with_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["schema", name, "--json"])
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["validate", "nowhere.jsonl"], ["split", "--wrong"], ["convert"]]
)
def test_with_json_an_error_is_the_last_line_of_stdout_too(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"]) == 2
    printed = capsys.readouterr()
    last = json.loads(printed.out.splitlines()[-1])
    assert last["exit_code"] == 2
    assert printed.err == f"intentflow {arguments[0]}: error: {last['error']}\n"


def test_a_wrong_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curate", "rows.jsonl", "-o", "out.jsonl", "--seed", "x"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "--seed: x: give an integer" in printed

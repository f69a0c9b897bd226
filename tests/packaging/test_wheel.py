"""The distributions, built and installed into environments that hold nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from intentflow.environment import resource
from intentflow.pipeline.code_version import code_version

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
SOURCES = ("components", "examples", "intentflow", "manifests", "pipelines", "recipes")
COMPONENTS = sorted(file.parent.name for file in ROOT.glob("components/*/component.py"))


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel and one of its extras, or none."""

    folder: Path

    def __call__(self, *command: str | Path) -> str:
        """What a command of the environment prints, away from the checkout."""
        settings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        program, *arguments = map(str, command)
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.folder,
            env=settings,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def evaluate(self, expression: str) -> str:
        """What an expression gives in the environment's Python, as it prints it."""
        return self("python", "-c", f"print({expression})").strip()

    def finds(self, module: str) -> bool:
        """Whether the environment can import a module."""
        return self.evaluate(f"__import__('importlib.util').util.find_spec({module!r})") != "None"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    checkout, built = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, checkout / name, symlinks=True, ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, checkout)
    _run(sys.executable, "-m", "build", "--outdir", built, checkout)
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", built / "direct", checkout)
    return built


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    """The wheel that is built from the source distribution."""
    [file] = distributions.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def with_kfp(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that can describe graphs."""
    return _installed(wheel, "kfp", tmp_path_factory.mktemp("kfp"))


@pytest.fixture(scope="module")
def with_data(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that can prepare data."""
    return _installed(wheel, "data", tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with what the package itself requires, and nothing else."""
    return _installed(wheel, "", tmp_path_factory.mktemp("alone"))


def _installed(wheel: Path, extra: str, folder: Path) -> Environment:
    _run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    wanted = f"{wheel}[{extra}]" if extra else wheel
    _run(*pip, "--no-compile", "--constraint", ROOT / "requirements.lock", wanted)
    return Environment(folder)


def _run(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_holds_one_top_level_name(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"intentflow"}


@pytest.mark.parametrize("unwanted", ["/tests/", "/finetune.yaml", "/__pycache__/", "/README.md"])
def test_wheel_holds_what_runs_alone(wheel: Path, unwanted: str) -> None:
    assert [name for name in zipfile.ZipFile(wheel).namelist() if unwanted in name] == []


def test_wheel_built_from_the_checkout_holds_the_same_files(
    distributions: Path, wheel: Path
) -> None:
    [direct] = (distributions / "direct").glob("*.whl")
    names = [sorted(zipfile.ZipFile(file).namelist()) for file in (wheel, direct)]
    assert names[0] == names[1]


def test_source_distribution_holds_no_links(distributions: Path) -> None:
    [file] = distributions.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        assert [member.name for member in archive if member.issym() or member.islnk()] == []


@pytest.mark.parametrize("name", ["recipes", "examples/snips", "manifests/base"])
def test_wheel_brings_the_resources(with_data: Environment, name: str) -> None:
    code = f"__import__('intentflow.environment').environment.resource({name!r})"
    installed = Path(with_data.evaluate(code))
    files = [
        {file.relative_to(top) for file in top.rglob("*") if file.is_file()}
        for top in (installed, resource(name))
    ]
    assert installed.is_relative_to(with_data.folder)
    assert files[0] == files[1]


@pytest.mark.parametrize("extra", ["kfp", "data"])
def test_code_version_is_that_of_the_checkout(
    extra: str, with_kfp: Environment, with_data: Environment
) -> None:
    environment = {"kfp": with_kfp, "data": with_data}[extra]
    code = "from intentflow.pipeline.code_version import code_version as v; print(v())"
    assert environment("python", "-c", code).strip() == code_version()


@pytest.mark.parametrize("step", COMPONENTS)
def test_component_of_the_wheel_is_imported(with_kfp: Environment, step: str) -> None:
    code = f"from intentflow.components.{step}.component import {step} as c; print(c.name)"
    assert with_kfp("python", "-c", code).strip() == step


@pytest.mark.parametrize("module", ["components", "pipelines", "tests"])
def test_no_other_top_level_name_is_installed(with_kfp: Environment, module: str) -> None:
    assert not with_kfp.finds(module)


def test_compile_works_with_the_kfp_extra_alone(with_kfp: Environment) -> None:
    graph = with_kfp.folder / "finetune.yaml"
    with_kfp("intentflow", "compile", "finetune", "-o", graph)
    assert graph.read_bytes() == (ROOT / "pipelines/finetune/finetune.yaml").read_bytes()


def test_convert_works_without_torch(with_data: Environment) -> None:
    assert not with_data.finds("torch")
    export, records = resource("examples/snips/labels.manifest"), with_data.folder / "rows.jsonl"
    printed = with_data("intentflow", "convert", export, "-o", records, "--json")
    summary = json.loads(printed.splitlines()[-1])
    assert summary["kept"] == len(records.read_text().splitlines()) > 0


def test_the_package_alone_is_small(alone: Environment) -> None:
    """The packages that httpx and pydantic bring are all that comes with it."""
    listed = json.loads(alone("python", "-m", "pip", "list", "--format", "json"))
    assert {entry["name"].lower() for entry in listed} == {
        *("intentflow", "pip", "setuptools"),
        *("httpx", "httpcore", "h11", "anyio", "idna", "certifi"),
        *("pydantic", "pydantic_core", "annotated-types", "typing-inspection"),
        "typing_extensions",
    }


def test_the_client_alone_asks_a_service(alone: Environment) -> None:
    code = (
        "import sys; from intentflow.client import IntentClient\n"
        "with IntentClient(sys.argv[1]) as client: print(client.recognize('stop').calls[0].intent)"
    )
    with _service() as url:
        assert alone("python", "-c", code, url).strip() == "stop"


def test_the_package_alone_lists_its_commands(alone: Environment) -> None:
    assert "convert" in alone("intentflow", "--help")


@pytest.mark.parametrize(("verb", "extra"), [("convert", "data"), ("compile", "kfp")])
def test_a_command_of_the_package_alone_names_its_extra(
    alone: Environment, verb: str, extra: str
) -> None:
    command = [str(alone.folder / "bin/intentflow"), verb, "--help"]
    done = subprocess.run(command, cwd=alone.folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"is not installed: pip install 'intentflow[{extra}]'\n")


class _Stop(BaseHTTPRequestHandler):
    """A service that understands every utterance as the same intent."""

    def do_POST(self) -> None:
        call = {"intent": "stop", "parameters": [], "arguments": {}}
        answer = {"calls": [call], "text": "stop()", "confidence": None}
        answer |= {"out_of_scope": False, "latency_seconds": 0.1}
        body = json.dumps({"predictions": [answer]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _service() -> Iterator[str]:
    """The URL of a service on this computer."""
    with HTTPServer(("127.0.0.1", 0), _Stop) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

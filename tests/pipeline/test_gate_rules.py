"""Every rule of the gate, both ways, through a compiled graph on kfp's local runner.

One small graph holds the project's own gate component once for each case, with the branches that
the complete graph has behind it.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, local
from kfp.compiler import Compiler
from kfp.components import load_component_from_file

from intentflow.components.gate.component import gate
from intentflow.pipeline.code_version import code_version
from tests.gating.cases import CASES, Case, title

# 72 processes: a minute on two busy cores.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KEPT = range(len(CASES))
BROKEN = range(len(CASES), 2 * len(CASES))


@dsl.component(base_image="python:3.11", install_kfp_package=False)  # type: ignore[untyped-decorator]
def note(file: str, text: str) -> None:
    """Say which branch was taken."""
    from pathlib import Path

    with Path(file).open("a") as stream:
        stream.write(text + "\n")


@dataclass(frozen=True)
class Ran:
    """What the graph did.

    Attributes:
        branches: ``0 deployed`` and the like, one a case.
        log: What kfp warned of.
        root: Where its files lie.
    """

    branches: list[str]
    log: str
    root: Path

    def verdicts(self) -> dict[int, Any]:
        """Each case's ``verdict.json`` by its number, as the task that wrote it is named."""
        found = {}
        for file in self.root.rglob("verdict"):
            task = file.parent.name
            found[int(task.rpartition("-")[2]) - 1 if "-" in task else 0] = json.loads(
                file.read_text(encoding="utf-8")
            )
        return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The graph, compiled and run."""
    folder = tmp_path_factory.mktemp("gate")
    scored = [(case, case.good) for case in CASES] + [(case, case.bad) for case in CASES]
    Compiler().compile(_pipeline(scored, folder), str(folder / "gate.yaml"))
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "root"))
    try:
        load_component_from_file(str(folder / "gate.yaml"))()
    finally:
        logging.getLogger().removeHandler(handler)
    branches = (folder / "branches").read_text().splitlines()
    return Ran(branches, "\n".join(records), folder / "root")


def _pipeline(scored: list[tuple[Case, dict[str, Any]]], folder: Path) -> Any:
    def document(name: str, content: dict[str, Any]) -> Any:
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
        importing = dsl.importer(
            artifact_uri=str(folder / name), artifact_class=dsl.Artifact, reimport=False
        )
        return importing.output

    def optional(number: int, case: Case) -> dict[str, Any]:
        return {
            kind: document(f"{kind}-{number}.json", content)
            for kind in ("baselines", "reference")
            if (content := getattr(case, kind)) is not None
        }

    @dsl.pipeline(name="gate-rules")  # type: ignore[untyped-decorator]  # kfp has no types
    def pipeline() -> None:
        for number, (case, metrics) in enumerate(scored):
            judged = gate(
                metrics=document(f"metrics-{number}.json", metrics),
                config={"policy": case.policy, "policy_name": case.name},
                champion=_without_none(case.champion or {}),
                code_version=code_version(),
                **optional(number, case),
            )
            file = str(folder / "branches")
            with dsl.If(judged.outputs["Output"] == "pass"):
                note(file=file, text=f"{number} deployed")
            with dsl.Else():
                note(file=file, text=f"{number} explained")

    return pipeline


def _without_none(document: dict[str, Any]) -> dict[str, Any]:
    """A pipeline's parameters know no null."""
    return {key: value for key, value in document.items() if value is not None}


@pytest.mark.parametrize("number", KEPT, ids=[title(case) for case in CASES])
def test_a_rule_that_is_kept_deploys(ran: Ran, number: int) -> None:
    assert [line for line in ran.branches if line.split()[0] == str(number)] == [
        f"{number} deployed"
    ]


@pytest.mark.parametrize("number", BROKEN, ids=[title(case) for case in CASES])
def test_a_rule_that_is_broken_explains(ran: Ran, number: int) -> None:
    assert [line for line in ran.branches if line.split()[0] == str(number)] == [
        f"{number} explained"
    ]


@pytest.mark.parametrize("number", BROKEN, ids=[title(case) for case in CASES])
def test_the_verdict_of_a_broken_rule_names_it(ran: Ran, number: int) -> None:
    assert ran.verdicts()[number]["first_failed"] == CASES[number - len(CASES)].rule


def test_every_condition_was_resolved(ran: Ran) -> None:
    assert "Could not resolve CEL parameter" not in ran.log

"""The pages of a run: what later steps found stands at the head of those of earlier ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.gating.explain import explain
from intentflow.pipeline.run_index import RunEnd, write_pages
from intentflow.records import Example
from intentflow.validation import validate, write_validation_report

METRICS = Metrics(n=10, intent_accuracy=0.5, model_digest="a" * 64, data_digest="b" * 64)
VERDICT = Verdict(passed=False, reasons=["too low"])
END = RunEnd("weekly", "calls.csv", metrics=METRICS, verdict=VERDICT)
FACTS = {"Run": "weekly", "Data": f"calls.csv (test rows {'b' * 12})", "Model": "a" * 12}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    report = validate([Example("play jazz", "play(jazz)"), Example("stop", "stop()")])
    write_validation_report(tmp_path / "reports/data.html", report, redact=False)
    explanation = explain(VERDICT, METRICS)
    (tmp_path / "reports/explanation.md").write_text(explanation, encoding="utf-8")
    return tmp_path


def _facts(page: Path) -> dict[str, str]:
    pairs = re.findall(r"<dt>(.*?)</dt><dd.*?>(.*?)</dd>", page.read_text(encoding="utf-8"))
    return dict(pairs)


@pytest.mark.parametrize("page", ["index.html", "reports/data.html"])
def test_each_page_names_run_data_model_and_verdict(folder: Path, page: str) -> None:
    write_pages(folder, END)
    facts = _facts(folder / page)
    assert facts.pop("Date").endswith(" UTC")
    assert facts == {**FACTS, "Verdict": "failed"}


def test_the_explanation_names_them_too(folder: Path) -> None:
    write_pages(folder, END)
    text = (folder / "reports/explanation.md").read_text(encoding="utf-8")
    (line,) = re.findall("<!-- facts -->(.*)<!-- /facts -->", text)
    facts = dict(fact.split(": ", 1) for fact in line.split(" · "))
    assert facts.pop("Date").endswith(" UTC")
    assert facts == {**FACTS, "Verdict": "failed"}


def test_the_rest_of_a_page_stays(folder: Path) -> None:
    before = (folder / "reports/data.html").read_text(encoding="utf-8").partition("<main>")[2]
    write_pages(folder, END)
    after = (folder / "reports/data.html").read_text(encoding="utf-8").partition("<main>")[2]
    assert after == before


def test_a_page_for_the_owner_stays_one(folder: Path) -> None:
    write_pages(folder, END)
    assert (folder / "reports/data.html").stat().st_mode & 0o777 == 0o600


def test_the_head_of_a_run_that_failed_has_no_verdict_of_the_gate(folder: Path) -> None:
    write_pages(folder, RunEnd("weekly", "calls.csv", failure="no rows"))
    assert _facts(folder / "reports/data.html")["Verdict"] == "none: the run ended early"

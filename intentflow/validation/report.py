"""The validation report as an HTML page."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from intentflow.artifacts.data_findings import Advice
from intentflow.report import PageHeader, render, write_report
from intentflow.report.header import Tone
from intentflow.taxonomy import Taxonomy
from intentflow.validation.agreement_tables import agreement_section
from intentflow.validation.dataset import IntentRows, Row
from intentflow.validation.findings import Finding, ValidationReport
from intentflow.validation.policy import DataPolicy

_SHOWN_CHARACTERS = 1_000


def validation_html(
    report: ValidationReport,
    *,
    name: str,
    policy: DataPolicy | None = None,
    taxonomy: Taxonomy | None = None,
    redact: bool = True,
) -> str:
    """Render the report as a self-contained page; every text is escaped.

    Args:
        report: Result of :func:`intentflow.validation.validate`.
        name: Name of the data set, for the heading.
        policy: The policy that was applied, for the marks in the chart; the guide's if None.
        taxonomy: Taxonomy with descriptions of the intents.
        redact: Whether to replace personal data in the examples.

    Raises:
        ModuleNotFoundError: ``redact`` needs the ``data`` extra, which is not installed.
    """
    policy = policy or DataPolicy()
    return render(
        "validation.html",
        _header(report, name),
        name=name,
        report=report,
        tiles=_tiles(report),
        bars=_bars(report, policy),
        minimum=policy.too_few_examples.minimum,
        mark=_share(policy.too_few_examples.minimum, report),
        findings=[_finding(finding, redact) for finding in report.findings],
        advice_head=_advice_head(report),
        advice=_advice_rows(report),
        head=["Intent", "Rows", "Alone", "Parameters", "Example"]
        + (["Description"] if taxonomy else []),
        intents=_intent_rows(report, taxonomy, redact),
        redacted=redact,
        agreement=agreement_section(report.agreement, redact=redact),
    )


def write_validation_report(
    path: str | Path,
    report: ValidationReport,
    *,
    name: str = "records",
    policy: DataPolicy | None = None,
    taxonomy: Taxonomy | None = None,
    redact: bool = True,
) -> None:
    """Write :func:`validation_html`; a page that is not redacted is readable by the owner only.

    Raises:
        InputError: The file cannot be written.
        ModuleNotFoundError: ``redact`` needs the ``data`` extra, which is not installed.
    """
    page = validation_html(report, name=name, policy=policy, taxonomy=taxonomy, redact=redact)
    write_report(path, page, private=not redact)


def _header(report: ValidationReport, name: str) -> PageHeader:
    if report.errors:
        return PageHeader(data=name, verdict="not fit for training", tone="bad")
    tone: Tone = "warn" if report.warnings else "good"
    return PageHeader(data=name, verdict="fit for training", tone=tone)


def _tiles(report: ValidationReport) -> list[dict[str, Any]]:
    return [
        {"label": "rows", "value": f"{report.rows:,}"},
        {"label": "intents", "value": f"{len(report.intents):,}"},
        {"label": "errors", "value": report.errors, "tone": "bad" if report.errors else "good"},
        {
            "label": "warnings",
            "value": report.warnings,
            "tone": "warn" if report.warnings else "good",
        },
    ]


def _max_rows(report: ValidationReport) -> int:
    return max((found.rows for found in report.intents.values()), default=1)


def _share(rows: int, report: ValidationReport) -> float | None:
    """Position of a number of rows on a bar's track, in [0, 1]; None beyond its end."""
    return rows / _max_rows(report) if rows <= _max_rows(report) else None


def _bars(report: ValidationReport, policy: DataPolicy) -> list[dict[str, Any]]:
    if not report.intents:
        return []
    median = statistics.median(found.rows for found in report.intents.values())
    high = policy.imbalanced.max_ratio * median
    low = policy.too_few_examples.minimum
    return [
        {
            "name": name,
            "share": found.rows / _max_rows(report),
            "value": f"{found.rows:,}",
            "title": f"{found.rows:,} rows, {found.alone:,} of them with this intent alone",
            "tone": "low" if found.rows < low else "high" if found.rows > high else "",
        }
        for name, found in report.intents.items()
    ]


def _finding(finding: Finding, redact: bool) -> dict[str, Any]:
    shown = finding.noted_rows[: finding.shown]
    examples = [_shown(row, note, redact) for row, note in shown]
    return {
        **finding.summary().model_dump(),
        "advice": finding.advice,
        "examples": examples,
        "rows": len(finding.rows),
        "lines": "\n".join(json.dumps(example, ensure_ascii=False) for example in examples),
    }


def _shown(row: Row, note: str, redact: bool) -> dict[str, Any]:
    """A row as the page shows it: the keys of a records file without the person, and its note."""
    example = replace(row.example, person=None)
    if redact:
        from intentflow.redaction.anonymizer import redact_example

        example, _ = redact_example(example)
    shown = {"row": row.number, **example.as_dict(), **({"note": note} if note else {})}
    return {key: _cut(value) if isinstance(value, str) else value for key, value in shown.items()}


def _cut(text: str) -> str:
    """Shorten a text to a length that a page can show."""
    over = len(text) - _SHOWN_CHARACTERS
    return text if over <= 0 else f"{text[:_SHOWN_CHARACTERS]}… and {over:,} more characters"


def _advice_head(report: ValidationReport) -> list[str]:
    return ["Key", "Advice", *(["In the recipe"] if report.advice.in_recipe else []), "Why"]


def _advice_rows(report: ValidationReport) -> list[list[str]]:
    """Key, advised value, the recipe's own value if there is a recipe, and the reason."""
    own = report.advice.in_recipe
    return [
        [key, value, *([_in_recipe(own, key)] if own else []), reason]
        for key, value, reason in _advice_reasons(report.advice)
    ]


def _advice_reasons(advice: Advice) -> list[tuple[str, str, str]]:
    """Key, value and reason of each advice."""
    how = "estimated" if advice.tokens_estimated else "counted"
    fitting = advice.per_device_train_batch_size
    return [
        (
            "max_length",
            str(advice.max_length),
            "the power of two that fits the longest row with its prompt: "
            f"{advice.longest_row_tokens} tokens ({how}) and the prompt's {advice.prompt_tokens}",
        ),
        (
            "global_batch_size",
            str(advice.global_batch_size),
            "the recipe's; less for little data, so that an epoch has enough steps",
        ),
        (
            "per_device_train_batch_size",
            _by_method(advice, fitting),
            f"for {advice.model}: {advice.assumption}"
            + ("; –: the model does not fit with this method" if None in fitting.values() else ""),
        ),
        (
            "gradient_accumulation_steps",
            _by_method(advice, advice.gradient_accumulation_steps),
            "steps per device, so that the product is the global batch",
        ),
        (
            "learning_rate",
            _by_method(advice, advice.learning_rate),
            f"{advice.starting_points}; raise it if the loss decreases slowly",
        ),
        (
            "num_train_epochs",
            _by_method(advice, advice.num_train_epochs),
            f"{advice.starting_points}; the best epoch is kept",
        ),
    ]


def _in_recipe(own: Mapping[str, float | None], key: str) -> str:
    if key not in own:
        return ""
    value = own[key]
    return "derived" if value is None else f"{value:g}"


def _by_method(advice: Advice, values: Mapping[str, float | None]) -> str:
    """The value for the recipe's method; without a recipe those of all, one if they agree."""
    if advice.in_recipe:
        values = {method: value for method, value in values.items() if method == advice.method}
    texts = {method: "–" if value is None else f"{value:g}" for method, value in values.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{method} {text}" for method, text in texts.items())


def _intent_rows(
    report: ValidationReport, taxonomy: Taxonomy | None, redact: bool
) -> list[list[str]]:
    """The table's cells; intents of the taxonomy that no label uses come last."""
    known = taxonomy.intents if taxonomy else {}
    unused = {name: IntentRows() for name in known if name not in report.intents}
    return [
        [
            name,
            f"{found.rows:,}",
            f"{found.alone:,}",
            str(found.min_parameters)
            if found.min_parameters == found.max_parameters
            else f"{found.min_parameters}–{found.max_parameters}",
            _clean(found.example, redact),
            *([known[name].description if name in known else ""] if taxonomy else []),
        ]
        for name, found in (report.intents | unused).items()
    ]


def _clean(text: str, redact: bool) -> str:
    if not redact:
        return _cut(text)
    from intentflow.redaction.anonymizer import redact_text

    return _cut(redact_text(text))

"""The complete page: the variables of its template."""

from __future__ import annotations

from pathlib import Path

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.parity import Parity
from intentflow.evaluation.report.comparison import check_same_rows, comparison, judgements
from intentflow.evaluation.report.confusions import confusion_rows, matrix
from intentflow.evaluation.report.curves import coverage_curve, reliability_curve, threshold_rows
from intentflow.evaluation.report.parameters import parameter_table, several_intents_table
from intentflow.evaluation.report.parity import parity_table
from intentflow.evaluation.report.ranking import ranking_table
from intentflow.evaluation.report.rows import ROWS_A_PAGE, WHAT, shown_rows
from intentflow.evaluation.report.speed import Prices, speed
from intentflow.evaluation.report.summary import (
    facts,
    how,
    intent_rows,
    score_rows,
    sentence,
    tiles,
)
from intentflow.evaluation.run import Evaluation
from intentflow.report import PageHeader, render, write_report
from intentflow.report.header import short_digest


def write_evaluation_report(
    path: str | Path,
    evaluation: Evaluation,
    *,
    baselines: Baselines | None = None,
    champion: Metrics | None = None,
    parity: Parity | None = None,
    prices: Prices | None = None,
) -> None:
    """Write :func:`evaluation_html`.

    Raises:
        InputError: The file cannot be written; or see :func:`evaluation_html`.
    """
    page = evaluation_html(
        evaluation,
        baselines=baselines,
        champion=champion,
        parity=parity,
        prices=prices,
    )
    write_report(path, page)


def evaluation_html(
    evaluation: Evaluation,
    *,
    baselines: Baselines | None = None,
    champion: Metrics | None = None,
    parity: Parity | None = None,
    prices: Prices | None = None,
) -> str:
    """Render the report as a self-contained page; every text is escaped, utterances are redacted.

    Args:
        evaluation: Scores and rows. Keys that an older ``metrics.json`` lacks are skipped.
        baselines: Content of ``baselines.json``.
        champion: ``metrics.json`` of the model in service.
        parity: Rows that another engine answers differently.
        prices: Prices from which the cost of requests is computed; None if there are none.

    Raises:
        InputError: Baselines or champion are scores of other rows.
        UsageError: A price is invalid.
    """
    metrics = evaluation.metrics
    check_same_rows(metrics.data_digest, baselines=baselines, champion=champion)
    rows = shown_rows(evaluation.rows)
    picture = matrix(metrics, examples=rows.wrong_left_out > 0)
    return render(
        "evaluation.html",
        PageHeader(
            data=f"{metrics.n:,} rows {short_digest(metrics.data_digest)}".strip(),
            model=short_digest(metrics.model_digest),
        ),
        sentence=sentence(metrics),
        how=how(metrics),
        judgements=judgements(metrics, baselines, champion),
        tiles=tiles(metrics),
        comparison=comparison(metrics, baselines, champion),
        parity=parity and parity_table(parity),
        speed=speed(metrics, prices or Prices()),
        scores=score_rows(metrics),
        intents=intent_rows(metrics.per_intent or {}),
        confusions=confusion_rows(metrics.confusion),
        matrix=picture,
        rows=rows,
        what=WHAT,
        rows_a_page=ROWS_A_PAGE,
        reliability=reliability_curve(metrics.calibration),
        coverage=coverage_curve(metrics.calibration),
        ranking=ranking_table(metrics.ranking),
        several=several_intents_table(metrics.several_intents),
        parameters=parameter_table(metrics.per_parameter),
        threshold=threshold_rows(metrics),
        facts=facts(metrics),
        data={"matrix": picture, "rows": rows.as_json(), "about": _about(metrics)},
    )


def _about(metrics: Metrics) -> dict[str, str | None]:
    """Facts that a correction states of the answer that was wrong."""
    return {
        "id": short_digest(metrics.model_digest) or "unknown",
        "model_digest": metrics.model_digest,
        "prompt_digest": metrics.prompt_digest or "",
    }

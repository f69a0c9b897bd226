"""The evaluation report: a self-contained HTML page for decisions about a model."""

from intentflow.evaluation.report.comparison import check_same_rows
from intentflow.evaluation.report.page import evaluation_html, write_evaluation_report
from intentflow.evaluation.report.speed import Prices

__all__ = ["Prices", "check_same_rows", "evaluation_html", "write_evaluation_report"]

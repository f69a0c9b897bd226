"""Data checks, advice on hyper-parameters, and the validation report."""

from intentflow.artifacts.data_findings import Advice
from intentflow.validate.advice import advise
from intentflow.validate.findings import Finding, ValidationReport
from intentflow.validate.policy import DataPolicy
from intentflow.validate.report import validation_html, write_validation_report
from intentflow.validate.validation import CHECKS, validate

__all__ = [
    "CHECKS",
    "Advice",
    "DataPolicy",
    "Finding",
    "ValidationReport",
    "advise",
    "validate",
    "validation_html",
    "write_validation_report",
]

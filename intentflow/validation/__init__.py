"""Data checks, advice on hyper-parameters, and the validation report."""

from intentflow.artifacts.data_findings import Advice
from intentflow.validation.advice import advise
from intentflow.validation.findings import Finding, ValidationReport
from intentflow.validation.policy import DataPolicy
from intentflow.validation.report import validation_html, write_validation_report
from intentflow.validation.validation import CHECKS, validate

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

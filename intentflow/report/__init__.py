"""Self-contained HTML reports: one base page, shared pieces, every text escaped."""

from intentflow.report.page import render, write_report

__all__ = ["render", "write_report"]

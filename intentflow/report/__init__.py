"""Self-contained HTML reports: one base page, shared pieces, every text escaped."""

from intentflow.report.page import percent, render, write_report

__all__ = ["percent", "render", "write_report"]

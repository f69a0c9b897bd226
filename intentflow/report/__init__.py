"""Self-contained HTML reports: one base page, shared macros, every text escaped."""

from intentflow.report.page import json_for_page, percent, render, write_report

__all__ = ["json_for_page", "percent", "render", "write_report"]

"""Self-contained HTML reports: one base page, shared macros, every text escaped."""

from intentflow.report.header import PageHeader
from intentflow.report.page import json_for_page, percent, render, write_report

__all__ = ["PageHeader", "json_for_page", "percent", "render", "write_report"]

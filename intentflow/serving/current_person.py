"""The person of the request in progress, for what sees its dialogue alone."""

from __future__ import annotations

from contextvars import ContextVar

CURRENT_PERSON: ContextVar[str | None] = ContextVar("current_person", default=None)
"""Keyed hash; None if unknown. Each request is a task of its own, and so has its own value."""

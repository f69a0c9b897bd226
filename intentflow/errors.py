"""Errors that the user can fix."""


class IntentflowError(Exception):
    """Bad usage or bad input: one readable line, exit status 2."""

    exit_code = 2


class CheckFailed(IntentflowError):  # noqa: N818 - a verdict, not a fault
    """A data check or the gate failed: exit status 1."""

    exit_code = 1

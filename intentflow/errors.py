"""Errors that the user can fix, by who has to do what; each ends a command with one line.

===================== ====== =================================================
error                 status what to do
===================== ====== =================================================
:class:`UsageError`   2      give the command other arguments
:class:`InputError`   2      correct the file or the setting that it names
:class:`ServiceError` 2      look at the server or the cluster that it names
:class:`CheckFailed`  1      a data check or the gate failed, as it is meant to
===================== ====== =================================================
"""


class IntentflowError(Exception):
    """Base of all errors that are one readable line for the user.

    Attributes:
        exit_code: Exit status of a command that ends with it.
    """

    exit_code = 2


class UsageError(IntentflowError):
    """Arguments that do not go together, or are not known: exit status 2."""


class InputError(IntentflowError):
    """A file, a model or a configuration that cannot be used as it is: exit status 2."""


class ServiceError(IntentflowError):
    """A server, a cluster or a storage that is not there, or refused: exit status 2."""


class CheckFailed(IntentflowError):  # noqa: N818 - a verdict, not a fault
    """A data check or the gate failed: exit status 1."""

    exit_code = 1


KINDS: dict[str, type[IntentflowError]] = {
    kind.__name__: kind for kind in (UsageError, InputError, ServiceError, CheckFailed)
}
"""The kinds by name, which is what is left of an error of another process."""


def kind_of(error: IntentflowError) -> type[IntentflowError]:
    """The kind of an error; unlike a class derived from it, it takes a message alone."""
    return next((kind for kind in KINDS.values() if isinstance(error, kind)), InputError)

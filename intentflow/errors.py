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

STOPPED = "stopped; no incomplete output was kept"
"""Message of a command or a step that Ctrl-C ended."""


class IntentflowError(Exception):
    """Base of all errors that are one readable line for the user.

    Attributes:
        exit_code: Exit status of a command that ends with it.

    Example:
        >>> import intentflow
        >>> try:
        ...     intentflow.validate("nowhere.jsonl")
        ... except intentflow.IntentflowError as error:
        ...     print(type(error).__name__, error.exit_code)
        InputError 2
    """

    exit_code = 2


class UsageError(IntentflowError):
    """Arguments that do not go together, or are not known: exit status 2.

    Example:
        >>> import intentflow
        >>> options = intentflow.DeployOptions(mode="apply")
        >>> try:
        ...     intentflow.deploy("s3://models/banking", options)
        ... except intentflow.UsageError as error:
        ...     print(error)
        mode apply needs the gate's verdict: give --verdict F, or use --mode render
    """


class InputError(IntentflowError):
    """A file, a model or a configuration that cannot be used as it is: exit status 2.

    Example:
        >>> import intentflow
        >>> try:
        ...     intentflow.Recipe.load("smollm2-135m/full", ["learning_rat=1e-4"])
        ... except intentflow.InputError as error:
        ...     print(str(error).rpartition(": ")[2])
        unknown key learning_rat; did you mean learning_rate?
    """


class ServiceError(IntentflowError):
    """A server, a cluster or a storage that is not there, or refused: exit status 2.

    Example:
        >>> import intentflow
        >>> try:
        ...     with intentflow.IntentClient("http://127.0.0.1:9", retries=0) as client:
        ...         client.recognize("play some jazz")
        ... except intentflow.ServiceError as error:
        ...     print(str(error).partition(" (")[0])
        http://127.0.0.1:9 does not answer
    """


class CheckFailed(IntentflowError):  # noqa: N818 - a verdict, not a fault
    r"""A data check or the gate failed: exit status 1.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> _ = Path("calls.csv").write_text("text,intent\nplay jazz,play(jazz)\nstop,\n")
        >>> config = intentflow.ConvertConfig(max_reject_rate=0.1)
        >>> try:
        ...     intentflow.convert("calls.csv", "records.jsonl", config)
        ... except intentflow.CheckFailed as error:
        ...     print(error.exit_code, str(error).partition(":")[0])
        1 50.0% of the rows were rejected, more than the 10.0% allowed
    """

    exit_code = 1


KINDS: dict[str, type[IntentflowError]] = {
    kind.__name__: kind for kind in (UsageError, InputError, ServiceError, CheckFailed)
}
"""The kinds by name, which is what is left of an error of another process."""


def kind_of(error: IntentflowError) -> type[IntentflowError]:
    """The kind of an error; unlike a class derived from it, it takes a message alone."""
    return next((kind for kind in KINDS.values() if isinstance(error, kind)), InputError)


def one_line(error: BaseException) -> str:
    r"""An unexpected error in one line: its kind and message, for files the reason alone.

    Example:
        >>> one_line(OSError(28, "No space left on device", "runs/a/run.log"))
        'runs/a/run.log: No space left on device'
        >>> one_line(ValueError("first\nsecond"))
        'ValueError: first'
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return next(iter(f"{type(error).__name__}: {error}".splitlines()))

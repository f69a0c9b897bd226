"""The steps: one function on files and one configuration each, one module per step.

Command line, components and tests call the same functions; this package itself contains helpers of
components. A step's error is one line in its log; a file named by ``INTENTFLOW_ERROR_FILE`` also
tells the local runner the step, the kind of the error and its message.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from intentflow.artifacts.failure import StepFailure
from intentflow.errors import STOPPED, InputError, IntentflowError, one_line
from intentflow.logs import LogSettings, logging_to_stderr
from intentflow.pipeline.code_version import code_version

ERROR_FILE = "INTENTFLOW_ERROR_FILE"

log = logging.getLogger(__name__)


@contextmanager
def step_errors(step: str, submitted_version: str) -> Iterator[None]:
    """Log to stderr; turn errors that the user can fix into one line and an exit status.

    Args:
        step: Name of the step.
        submitted_version: Code version that the run was submitted with. Another one in the image
            ends the step: its outputs would be cached under code that did not make them.
    """
    with _reported(step):
        settings = LogSettings.from_environment()
        _check_code_version(submitted_version)
    with logging_to_stderr(settings), _reported(step):
        yield


def _check_code_version(submitted: str) -> None:
    own = code_version()
    if submitted != own and ERROR_FILE in os.environ:  # a run on this computer
        raise InputError(
            f"intentflow has changed since the run began, from {submitted} to {own}: run it again"
        )
    if submitted != own:
        raise InputError(
            f"the run was submitted with the code {submitted}, and this image has {own}: "
            "build the images again under a tag of their own and name it in the pipeline options, "
            "or submit with the release that the images have"
        )


@contextmanager
def _reported(step: str) -> Iterator[None]:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt_once)
    try:
        yield
    except IntentflowError as error:
        _end(step, error)
    except KeyboardInterrupt as error:
        _end(step, InputError(str(error) or STOPPED))
    except Exception as error:
        _end(step, InputError(one_line(error)), trace=True)


def keep_metadata(artifact: Any) -> None:
    """Write an artifact's metadata into its file, too.

    Metrics have no file, and the local runner's cache runs a step again if an output is not on
    disk.
    """
    text = json.dumps(artifact.metadata, indent=2, ensure_ascii=False)
    Path(artifact.path).write_text(text + "\n", encoding="utf-8")


@contextmanager
def json_lines(path: str) -> Iterator[Path]:
    """A file that ends in ``.jsonl``, moved to ``path`` at the end: the graph uses no suffixes.

    Args:
        path: Path of the output that the graph expects.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "records.jsonl"
        yield draft
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft, path)


def ensure_file(path: str) -> None:
    """Create an empty file if there is none; the graph requires every output to exist."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


def path_with_rows(path: str) -> str | None:
    """The path of a non-empty file; None for an empty one, such as missing validation rows."""
    return path if Path(path).stat().st_size else None


def _interrupt_once(number: int, _: FrameType | None) -> NoReturn:
    """End the step at the first Ctrl-C and ignore another, which would end its clean-up.

    The terminal sends one to every process of the run, and the run sends one to its steps.
    """
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end(step: str, error: IntentflowError, *, trace: bool = False) -> NoReturn:
    log.error("intentflow %s: error: %s", step, error, exc_info=trace)
    file = os.environ.get(ERROR_FILE)
    if file and not Path(file).exists():  # what fails afterwards, fails for the first failure
        StepFailure.of(step, error).write(file)
    sys.exit(error.exit_code)

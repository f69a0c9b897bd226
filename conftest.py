"""Fixtures for all tests: real servers and tiny models, made once a session where a test asks."""

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from intentflow.logs import LogSettings, logging_to_stderr

# Where the test run itself was started in the background, it inherits an ignored Ctrl-C, and so
# would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Durations say nothing about a property, and on a busy computer they vary: deadlines would flake.
settings.register_profile("intentflow", deadline=None)
settings.load_profile("intentflow")

pytest_plugins = [
    "pytester",
    "tests.selection",
    "tests.real_parts.kfp",
    "tests.real_parts.kube",
    "tests.real_parts.kubectl",
    "tests.real_parts.mlflow",
    "tests.real_parts.moto",
    "tests.real_parts.s3",
    "tests.real_parts.small_model",
    "tests.real_parts.vllm",
    "tests.models",
    "tests.simulators.fixtures",
]


def pytest_collection_finish() -> None:
    """Let the garbage collector leave out what is loaded.

    Training collects often, and would look at every module and test each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def log_on_stderr() -> Iterator[None]:
    """The log as a user sees it, where a test calls a function and not a command."""
    with logging_to_stderr(LogSettings()):
        yield

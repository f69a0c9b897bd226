"""Fixtures for all tests: real servers and tiny models, made once a session where a test asks."""

import signal

# Where the test run itself was started in the background, it inherits an ignored Ctrl-C, and so
# would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "pytester",
    "tests.selection",
    "tests.real_parts.kfp",
    "tests.real_parts.kube",
    "tests.real_parts.kubectl",
    "tests.real_parts.s3",
    "tests.real_parts.small_model",
    "tests.real_parts.vllm",
    "tests.models",
]

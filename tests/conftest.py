"""Fixtures for all tests: real servers and tiny models, made once a session where a test asks."""

pytest_plugins = [
    "tests.real_parts.kfp",
    "tests.real_parts.kube",
    "tests.real_parts.kubectl",
    "tests.real_parts.s3",
    "tests.real_parts.small_model",
    "tests.models",
]

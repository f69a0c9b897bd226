"""Fixtures for all tests: the real servers, each started once a session where a test asks."""

pytest_plugins = ["tests.real_parts.s3"]

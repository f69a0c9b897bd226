"""``mlflow_server``: MLflow's tracking server with SQLite and its own store of artifacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real_parts.process import CACHE, answers, free_port, program, running


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's address, for the complete session."""
    python = program(CACHE / "mlflow/bin/python", "mlflow")
    root = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        *(python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{root}/mlflow.db", "--workers", "1"),
        *("--artifacts-destination", str(root / "artifacts")),
    ]
    ready = lambda: answers(f"{address}/health")  # noqa: E731
    # Its workers for jobs, which the export asks for none, outlive the server and take a CPU.
    env = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with running(command, root / "server.log", ready, env=env, timeout_seconds=180):
        yield address

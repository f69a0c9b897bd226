"""Commands of ``kubectl`` that pages show, run with a real API server."""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from tests.docs.left_blocks import left_to
from tests.real_parts.kube import KubeApi

pytestmark = pytest.mark.real

HERE = "tests/deployment/test_commands_of_pages.py"
MANIFESTS = "manifests/README.md"
ISTIO = "docs/how-to/kubeflow-and-istio.md"
STORAGE_KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_ENDPOINT_URL", "AWS_REGION"}
ENDPOINT = "serving.kserve.io/s3-endpoint"
Run = Callable[..., str]


@pytest.fixture
def run(kubectl: Path, namespace: str, tmp_path: Path) -> Run:
    """Runs the blocks of a page that have a text, in a namespace of one's own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(kubectl)
    (programs / "intentflow").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m intentflow.cli.main "$@"\n'
    )
    (programs / "intentflow").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"

    def run_block(page: str, text: str, **variables: str) -> str:
        (left,) = (it for it in left_to(HERE, page) if text in it.block.code)
        code = re.sub(r"-n (NS|team-a|voice)\b", f"-n {namespace}", left.block.code)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=tmp_path,
            env={**os.environ, **variables, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run_block


@pytest.fixture
def secret(kube_api: KubeApi, namespace: str) -> Callable[[str], Any]:
    """Reads a Secret of the namespace: its annotations, and its data as text."""

    def read(name: str) -> tuple[dict[str, str], dict[str, str]]:
        found = CoreV1Api(kube_api.client()).read_namespaced_secret(name, namespace)
        data = {key: base64.b64decode(value).decode() for key, value in found.data.items()}
        return found.metadata.annotations or {}, data

    return read


def test_the_secrets_of_a_service_are_made(run: Run, secret: Callable[[str], Any]) -> None:
    run(MANIFESTS, "--from-literal=AWS_ACCESS_KEY_ID")
    annotations, keys = secret("intentflow-s3")
    _, tokens = secret("intentflow-api-key")
    assert (annotations[ENDPOINT], set(keys)) == ("HOST:PORT", STORAGE_KEYS)
    assert {name: len(token) for name, token in tokens.items()} == {
        "token": 48,
        "predictor-token": 48,
    }


def test_clients_move_from_one_token_to_another(run: Run, secret: Callable[[str], Any]) -> None:
    run(MANIFESTS, "--from-file=token", NEW="new", OLD="old", PREDICTOR="between")
    _, tokens = secret("intentflow-api-key")
    assert tokens == {"token": "new\nold\n", "predictor-token": "between"}


def test_a_private_authority_is_named_to_kserve(
    run: Run, secret: Callable[[str], Any], tmp_path: Path
) -> None:
    (tmp_path / "cabundle.crt").write_text("a certificate")
    run(MANIFESTS, "--from-literal=AWS_ACCESS_KEY_ID")
    run(MANIFESTS, "cabundle.crt")
    annotations, _ = secret("intentflow-s3")
    assert annotations["serving.kserve.io/s3-cabundle-configmap"] == "our-ca"


def test_a_profile_has_the_keys_of_kubeflows_storage(
    run: Run, secret: Callable[[str], Any], kube_api: KubeApi, namespace: str
) -> None:
    keys = {"accesskey": "minio", "secretkey": "minio123"}
    name = {"metadata": {"name": "mlpipeline-minio-artifact"}}
    CoreV1Api(kube_api.client()).create_namespaced_secret(namespace, {**name, "stringData": keys})
    run(ISTIO, "mlpipeline-minio-artifact")
    annotations, data = secret("intentflow-s3")
    assert (data["AWS_ACCESS_KEY_ID"], data["AWS_SECRET_ACCESS_KEY"]) == ("minio", "minio123")
    assert annotations[ENDPOINT] == "minio-service.kubeflow:9000"


def test_a_service_gets_the_key_of_persons(run: Run, secret: Callable[[str], Any]) -> None:
    key = secrets.token_hex(32)
    run("docs/how-to/erase-a-person.md", "kubectl create secret", INTENTFLOW_PERSON_KEY=key)
    _, data = secret("persons")
    assert data == {"person-key": key}


def test_an_account_of_another_namespace_may_change_the_service(run: Run) -> None:
    printed = run(MANIFESTS, "auth can-i")
    assert printed.splitlines()[-1] == "yes"

"""Commands of the pages about clusters, run with what is here in the place of what is not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.storage import publish
from tests.docs.left_blocks import Command, commands_left_to
from tests.docs.pages import ROOT, Block, blocks
from tests.verdicts import write_verdict_about

MODEL = "s3://models/intent/sha256-…"
REPOSITORY = "https://git.example.com/fleet.git"
HERE = "tests/docs/test_cluster_pages.py"
MANIFESTS = "manifests-banking"

Objects = dict[str, list[dict[str, Any]]]


def _write_files(page: str) -> None:
    titled: list[Block] = [it for it in blocks(ROOT / page) if it.title]
    for block in titled:
        Path(block.title or "").write_text(block.code, encoding="utf-8")


def _of_verb(page: str, verb: str) -> list[Command]:
    """The commands of a verb that a page leaves to these tests."""
    return [it for it in commands_left_to(HERE, page) if it.arguments[0] == verb]


def _rendered(folder: Path) -> Objects:
    objects: Objects = {}
    for file in sorted(folder.glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        objects.setdefault(document["kind"], []).append(document)
    return objects


def _render(page: str, model: Path) -> Objects:
    """What the page's one deployment renders in the present folder."""
    page = f"docs/how-to/{page}"
    _write_files(page)
    [command] = _of_verb(page, "deploy")
    model_uri = next(word for word in command.arguments if word.startswith("s3://"))
    assert command.run({model_uri: str(model)}) == 0
    return _rendered(Path(MANIFESTS))


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _egress(objects: Objects) -> list[dict[str, Any]]:
    return [rule for it in objects["NetworkPolicy"] for rule in it["spec"].get("egress", ())]


def test_a_service_of_a_profile_reaches_storage_and_istiod(model_directory: Path) -> None:
    rules = _egress(_render("kubeflow-and-istio.md", model_directory))
    found = {
        (peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], port["port"])
        for rule in rules
        for peer in rule["to"]
        if "namespaceSelector" in peer
        for port in rule["ports"]
    }
    assert {("kubeflow", 8333), ("istio-system", 15012)} <= found


def test_a_policy_for_clients_selects_the_transformers_pods(model_directory: Path) -> None:
    page = ROOT / "docs/how-to/kubeflow-and-istio.md"
    shown = [yaml.safe_load(it.code) for it in blocks(page) if it.language == "yaml"]
    [policy] = [it for it in shown if it.get("kind") == "AuthorizationPolicy"]
    objects = _render("kubeflow-and-istio.md", model_directory)
    selectors = [it["spec"]["podSelector"]["matchLabels"] for it in objects["NetworkPolicy"]]
    assert policy["spec"]["selector"]["matchLabels"] in selectors
    assert (
        policy["metadata"]["namespace"] == objects["InferenceService"][0]["metadata"]["namespace"]
    )


def test_on_eks_no_pod_has_a_key_and_the_account_has_the_role(model_directory: Path) -> None:
    objects = _render("eks-roles.md", model_directory)
    [account] = objects["ServiceAccount"]
    assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    assert "secrets" not in account
    assert "AWS_ACCESS_KEY_ID" not in json.dumps(objects)


def test_with_one_gpu_the_former_pod_ends_first(model_directory: Path) -> None:
    [service] = _render("one-gpu.md", model_directory)["InferenceService"]
    assert service["spec"]["predictor"]["deploymentStrategy"] == {"type": "Recreate"}


MANIFESTS_PAGE = "manifests/README.md"


def _shown_rendering(number: int, model: Path) -> Objects:
    """What a deployment of the manifests' page renders."""
    write_verdict_about(model, Path("verdict.json"))
    places = {"s3://bucket/models/sha256-…": str(model), "NS": "team-a", "DIR": MANIFESTS}
    assert _of_verb(MANIFESTS_PAGE, "deploy")[number].run(places) == 0
    return _rendered(Path(MANIFESTS))


def test_with_a_role_no_secret_of_the_storage_is_named(model_directory: Path) -> None:
    objects = _shown_rendering(0, model_directory)
    [account] = objects["ServiceAccount"]
    assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    assert "secrets" not in account


def test_a_restricted_namespace_downloads_by_the_container_of_the_page(
    model_directory: Path,
) -> None:
    [service] = _shown_rendering(1, model_directory)["InferenceService"]
    file = ROOT / "manifests/storage-container/clusterstoragecontainer.yaml"
    container = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert service["spec"]["predictor"]["storageContainerName"] == container["metadata"]["name"]


def test_a_service_is_rendered_with_its_verdict(model_directory: Path) -> None:
    [service] = _shown_rendering(2, model_directory)["InferenceService"]
    assert service["metadata"]["namespace"] == "team-a"


@pytest.mark.parametrize(
    ("page", "namespace"),
    [
        (MANIFESTS_PAGE, "team-a"),
        ("docs/how-to/kubeflow-and-istio.md", "team-a"),
        ("docs/how-to/your-cluster.md", "bots"),
    ],
)
def test_an_account_gets_a_role_for_the_service(page: str, namespace: str) -> None:
    (command,) = _of_verb(page, "permissions")
    assert command.run({"NS": namespace}) == 0
    role, binding = yaml.safe_load_all(Path("role.yaml").read_text(encoding="utf-8"))
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", namespace)
    assert [(it["namespace"], it["name"]) for it in binding["subjects"]] == [
        ("team-a", "default-editor")
    ]


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository with one commit."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.com")
    bare, clone = tmp_path / "fleet.git", tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", bare], check=True)
    subprocess.run(["git", "clone", "-q", bare, clone], check=True)
    _git(clone, "commit", "-q", "--allow-empty", "-m", "our fleet")
    _git(clone, "push", "-q", "origin", "HEAD:main")
    return bare


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _stored_uri(fleet: Path, branch: str, folder: str = "production/banking") -> str:
    """The model of a service on a branch."""
    text = _git(fleet, "show", f"{branch}:{folder}/inferenceservice.yaml")
    service = yaml.safe_load(text)
    assert service["metadata"]["namespace"] == "team-a"
    return str(service["spec"]["predictor"]["model"]["storageUri"])


def _published(model: Path, bucket: str) -> str:
    """The URI of a published model; ``verdict.json`` passes it."""
    write_verdict_about(model, Path("verdict.json"))
    return publish(model, f"s3://{bucket}/models").uri


@pytest.mark.real
def test_a_model_goes_to_staging_then_to_production_and_back(
    fleet: Path, model_directory: Path, s3_bucket: str
) -> None:
    page, branch = "docs/how-to/argocd-environments.md", "banking-to-production"
    _write_files(page)
    to_staging, to_production, back = commands_left_to(HERE, page)
    uris = []
    for weights in (b"first", b"second"):
        (model_directory / "model.safetensors").write_bytes(weights)
        uris.append(_published(model_directory, s3_bucket))
        places = {MODEL: uris[-1], REPOSITORY: f"file://{fleet}"}
        assert to_staging.run(places) == 0
        _git(fleet, "branch", "-f", branch, "main")
        assert to_production.run(places) == 0
        assert _stored_uri(fleet, branch) == uris[-1]
        _git(fleet, "update-ref", "refs/heads/main", branch)  # the pull request is merged
    files = _git(fleet, "ls-tree", "-r", "--name-only", "main").split()
    assert {"staging/banking/job.yaml", "production/banking/job.yaml"} <= {*files}

    assert back.run(places) == 0
    assert _stored_uri(fleet, "main") == uris[0]


@pytest.mark.real
@pytest.mark.parametrize("page", ["docs/how-to/gitops.md", "examples/gitops/README.md"])
def test_a_promotion_is_a_commit_and_a_rollback_its_revert(
    page: str, fleet: Path, model_directory: Path, s3_bucket: str
) -> None:
    deploy, rollback = commands_left_to(HERE, page)
    uris = []
    for weights in (b"first", b"second"):
        (model_directory / "model.safetensors").write_bytes(weights)
        uris.append(_published(model_directory, s3_bucket))
        places = {MODEL: uris[-1], REPOSITORY: f"file://{fleet}"}
        assert deploy.run(places) == 0
        assert _stored_uri(fleet, "main", "team-a/banking") == uris[-1]
    assert rollback.run(places) == 0
    assert _stored_uri(fleet, "main", "team-a/banking") == uris[0]


@pytest.mark.real
def test_a_model_is_published_and_rendered_by_hand(
    model_directory: Path, s3_bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "docs/how-to/your-cluster.md"
    [publish_it], [render] = _of_verb(page, "publish"), _of_verb(page, "deploy")
    places = {
        "runs/example/model": str(model_directory),
        "s3://models/intent": f"s3://{s3_bucket}/models",
    }
    assert publish_it.run(places) == 0
    uri = capsys.readouterr().out.split()[0]
    places |= {MODEL: uri, "runs/example/verdict.json": "verdict.json"}
    write_verdict_about(model_directory, Path("verdict.json"))
    assert render.run(places) == 0
    [service] = _rendered(Path("manifests-intent"))["InferenceService"]
    assert service["spec"]["predictor"]["model"]["storageUri"] == uri


@pytest.mark.parametrize(
    "page", ["kubeflow-and-istio.md", "eks-roles.md", "argocd-environments.md"]
)
def test_a_page_states_where_it_was_run(page: str) -> None:
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    assert re.search(r'!!! warning "Where this was run"', text)
    assert re.search(r"No .+ (was|were) at hand", text)

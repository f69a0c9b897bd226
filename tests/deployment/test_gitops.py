"""Deploying by commit, against real repositories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.artifacts.verdict import Rule, Verdict
from intentflow.cli.main import main
from intentflow.deployment import DeployOptions, ModelFacts, deploy, render
from intentflow.deployment.arguments import served_names
from intentflow.deployment.gitops import PushResult, RevertResult, commit_service, revert_service
from intentflow.deployment.gitops.repository import Repository
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.pipeline.steps.deploy import run_deploy
from intentflow.pipeline.steps.resolve import run_resolve
from intentflow.storage import publish

pytestmark = pytest.mark.real

VERDICT = Verdict(
    passed=True,
    model_digest="a" * 64,
    data_digest="d" * 64,
    prompt_digest="b" * 64,
    constrained=True,
    rules=[Rule(name="metrics.intent_accuracy.min", passed=True, value=0.961, limit=0.95)],
    engine="vllm",
)
HERE = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


@pytest.fixture(autouse=True)
def _no_settings_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in HERE.items():
        monkeypatch.setenv(key, value)


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody else would."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Server:
    """A bare repository, and a colleague's clone of it."""

    def __init__(self, root: Path) -> None:
        self.bare, self.clone = root / "fleet.git", root / "clone"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)], check=True)
        subprocess.run(["git", "clone", "-q", str(self.bare), str(self.clone)], check=True)
        git(self.clone, "checkout", "-q", "-B", "main")

    def write(self, name: str, text: str, message: str = "by hand") -> None:
        """A colleague changes a file and pushes."""
        if git(self.bare, "branch", "--list", "main"):
            git(self.clone, "pull", "-q", "origin", "main")
        file = self.clone / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", message)
        git(self.clone, "push", "-q", "origin", "HEAD:main")

    def read(self, name: str, branch: str = "main") -> str:
        """A file as it is on the server."""
        return git(self.bare, "show", f"{branch}:{name}")

    def commits(self, branch: str = "main") -> int:
        """How many there are."""
        return int(git(self.bare, "rev-list", "--count", branch))

    def hook(self, script: str) -> None:
        """Let the server decide about pushes."""
        file = self.bare / "hooks/pre-receive"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    found = Server(tmp_path)
    found.write("README.md", "our fleet\n")
    return found


@pytest.fixture
def git_options(options: DeployOptions, server: Server) -> DeployOptions:
    return options.model_copy(update={"mode": "git", "git_repo": f"file://{server.bare}"})


def _commit(facts: ModelFacts, options: DeployOptions, verdict: Verdict = VERDICT) -> PushResult:
    return commit_service(render(facts, options, verdict), verdict, options)


def _newer(facts: ModelFacts, letter: str = "e", **changes: Any) -> ModelFacts:
    uri = facts.uri.replace("a" * 64, letter * 64)
    return replace(facts, uri=uri, digest=letter * 64, **changes)


SERVICE = "team-a/banking/inferenceservice.yaml"


def test_first_deployment_writes_the_rendered_files(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    pushed = _commit(facts, git_options)

    assert pushed.commit == git(server.bare, "rev-parse", "main")
    assert "team-a/banking/kustomization.yaml" in pushed.files
    assert yaml.safe_load(server.read(SERVICE))["spec"]["predictor"]["model"]["storageUri"] == (
        facts.uri
    )


def test_message_has_the_numbers_and_the_lineage(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    message = git(server.bare, "log", "-1", "--format=%B", "main")

    assert message.startswith("Deploy banking: model aaaaaaaaaaaa\n")
    assert "metrics.intent_accuracy.min: 0.961 (limit 0.95)" in message
    assert f"Training-Data-Digest: {'c' * 64}" in message
    assert f"Test-Data-Digest: {'d' * 64}" in message
    assert message.endswith("Intentflow-Service: team-a/banking")


def test_same_model_again_makes_no_commit(
    facts: ModelFacts,
    git_options: DeployOptions,
    server: Server,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _commit(facts, git_options)
    commits = server.commits()

    assert _commit(facts, git_options).commit is None
    assert server.commits() == commits
    assert "is already up to date: no commit" in capsys.readouterr().err


def test_new_model_changes_uri_digests_and_arguments_alone(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    by_hand = server.read(SERVICE).replace("maxReplicas: 1", "maxReplicas: 9  # the sale", 1)
    server.write(SERVICE, f"# ask us first\n{by_hand}\n")
    before = server.read(SERVICE)

    pushed = _commit(_newer(facts, max_length=4096, max_positions=8192), git_options)

    assert pushed.files == [SERVICE, "team-a/banking/job.yaml"]
    changed = {
        (old, new)
        for old, new in zip(before.splitlines(), server.read(SERVICE).splitlines(), strict=True)
        if old != new
    }
    olds = sorted(old.strip().replace("a" * 64, "OLD") for old, _ in changed)
    news = sorted(new.strip().replace("e" * 64, "NEW") for _, new in changed)
    assert olds == [
        "- --max-model-len=2048",
        "- --model_uri=s3://models/intent/sha256-OLD",
        "- OLD",
        "intentflow.dev/model-digest: OLD",
        "storageUri: s3://models/intent/sha256-OLD",
    ]
    assert news == [
        "- --max-model-len=4096",
        "- --model_uri=s3://models/intent/sha256-NEW",
        "- NEW",
        "intentflow.dev/model-digest: NEW",
        "storageUri: s3://models/intent/sha256-NEW",
    ]


def test_options_that_the_files_decide_on_are_named(
    facts: ModelFacts, git_options: DeployOptions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="intentflow")
    options = DeployOptions.model_validate(
        {**git_options.model_dump(exclude_unset=True), "cpu": 6, "memory": "32Gi"}
    )
    _commit(facts, options)
    assert "leaves them alone" not in caplog.text
    _commit(_newer(facts), options)
    assert "the files decide on cpu, memory; mode git leaves them alone" in caplog.text


def test_argument_that_the_new_model_does_not_need_goes(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(replace(facts, quantization="awq"), git_options)
    assert "--quantization=awq" in server.read(SERVICE)

    _commit(_newer(facts), git_options)
    assert "--quantization" not in server.read(SERVICE)


def test_patch_of_an_overlay_is_enough(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    patch = {
        "kind": "InferenceService",
        "metadata": {"name": "banking"},
        "spec": {"predictor": {"model": {"storageUri": "s3://models/before"}}},
    }
    server.write("overlays/production/model.yaml", yaml.safe_dump(patch))
    _commit(facts, git_options.model_copy(update={"git_path": "overlays/production"}))

    changed = yaml.safe_load(server.read("overlays/production/model.yaml"))
    assert changed["spec"]["predictor"]["model"]["storageUri"] == facts.uri
    stated = changed["spec"]["predictor"]["annotations"]
    assert stated["intentflow.dev/model-digest"] == "a" * 64


@pytest.mark.parametrize(
    "present", [["--served-model-name=intent"], ["--served-model-name", "intent", "b" * 64]]
)
def test_digest_by_which_vllm_is_asked_is_rewritten_and_its_name_kept(
    facts: ModelFacts, git_options: DeployOptions, server: Server, present: list[str]
) -> None:
    model = {"storageUri": "s3://models/before", "args": [*present, "--enforce-eager"]}
    patch = {
        "kind": "InferenceService",
        "metadata": {"name": "banking"},
        "spec": {"predictor": {"model": model}},
    }
    server.write("overlays/production/model.yaml", yaml.safe_dump(patch))
    _commit(facts, git_options.model_copy(update={"git_path": "overlays/production"}))

    changed = yaml.safe_load(server.read("overlays/production/model.yaml"))
    arguments = changed["spec"]["predictor"]["model"]["args"]
    assert served_names(arguments) == ["intent", "a" * 64]
    assert "--enforce-eager" in arguments


def test_what_an_earlier_release_stated_on_the_service_moves_to_its_predictor(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    service = yaml.safe_load(server.read(SERVICE))
    stated = service["spec"]["predictor"].pop("annotations")
    service["metadata"]["annotations"] |= stated
    server.write(SERVICE, yaml.safe_dump(service))
    _commit(_newer(facts), git_options)

    changed = yaml.safe_load(server.read(SERVICE))
    moved = changed["spec"]["predictor"]["annotations"]
    assert moved == stated | {"intentflow.dev/model-digest": "e" * 64}
    assert not stated.keys() & changed["metadata"]["annotations"].keys()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A labelling export."""
    (file := tmp_path / "labels.jsonl").write_text("{}")
    return file


def _champion(source: Path, options: DeployOptions) -> str:
    return run_resolve([str(source)], service=options).champion_model


def test_the_model_that_was_committed_is_the_champion_of_the_next_run(
    facts: ModelFacts, git_options: DeployOptions, source: Path
) -> None:
    _commit(facts, git_options)
    assert _champion(source, git_options) == facts.uri


def test_a_model_on_a_branch_that_is_not_deployed_is_no_champion(
    facts: ModelFacts, git_options: DeployOptions, source: Path
) -> None:
    _commit(facts, git_options)
    proposed = git_options.model_copy(update={"git_push_branch": "next"})
    _commit(_newer(facts), proposed)
    assert _champion(source, proposed) == facts.uri


def test_a_repository_without_the_service_has_no_champion(
    git_options: DeployOptions, source: Path
) -> None:
    assert _champion(source, git_options) == ""


def test_a_committed_model_whose_address_has_no_digest_is_no_champion(
    git_options: DeployOptions, server: Server, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = {"storageUri": "s3://models/by-hand"}
    service = {
        "kind": "InferenceService",
        "metadata": {"name": "banking"},
        "spec": {"predictor": {"model": model}},
    }
    server.write("team-a/banking/service.yaml", yaml.safe_dump(service))
    assert _champion(source, git_options) == ""
    assert "the model of banking in team-a is not compared with" in caplog.text


def test_a_repository_that_cannot_be_read_ends_the_first_step(
    git_options: DeployOptions, tmp_path: Path, source: Path
) -> None:
    missing = git_options.model_copy(update={"git_repo": f"file://{tmp_path}/missing.git"})
    with pytest.raises(IntentflowError, match=r"missing\.git"):
        _champion(source, missing)


def test_service_in_two_places_is_refused(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    service = yaml.safe_dump(render(facts, git_options, VERDICT)[-1])
    server.write("team-a/banking/a.yaml", service)
    server.write("team-a/banking/b.yaml", service)
    with pytest.raises(IntentflowError, match=r"several times .*: a\.yaml, b\.yaml"):
        _commit(_newer(facts), git_options)


def test_folder_of_something_else_is_not_written_over(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    server.write("team-a/banking/kustomization.yaml", "resources: [other.yaml]\n")
    with pytest.raises(IntentflowError, match=r"contains kustomization\.yaml, but no Inference"):
        _commit(facts, git_options)


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", ".git/hooks"])
def test_path_out_of_the_repository_is_refused(
    facts: ModelFacts, git_options: DeployOptions, path: str
) -> None:
    with pytest.raises(IntentflowError, match="expected a folder inside"):
        _commit(facts, git_options.model_copy(update={"git_path": path}))


def test_link_out_of_the_repository_is_refused(
    facts: ModelFacts, git_options: DeployOptions, server: Server, tmp_path: Path
) -> None:
    (server.clone / "team-a").symlink_to(tmp_path)
    server.write("note.txt", "a link\n")
    with pytest.raises(IntentflowError, match="a symbolic link"):
        _commit(facts, git_options)


def test_push_in_between_is_not_lost(
    facts: ModelFacts, git_options: DeployOptions, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(facts, git_options)
    push = Repository.push
    others = iter([lambda: server.write("other.txt", "mine\n")])

    def late(self: Repository, branch: str) -> None:
        next(others, lambda: None)()
        push(self, branch)

    monkeypatch.setattr(Repository, "push", late)
    _commit(_newer(facts), git_options)

    assert server.read("other.txt") == "mine"
    assert "e" * 64 in server.read(SERVICE)


def test_two_at_once_both_hold(
    facts: ModelFacts, git_options: DeployOptions, server: Server, tmp_path: Path
) -> None:
    names = ["banking", "travel", "music"]
    script = (
        "import sys\n"
        "from tests.deployment.test_gitops import VERDICT, _commit\n"
        "from intentflow.deployment import DeployOptions, ModelFacts\n"
        "facts = ModelFacts(uri='s3://m/sha256-' + 'a' * 64, digest='a' * 64,"
        " prompt_digest='b' * 64)\n"
        "_commit(facts, DeployOptions(name=sys.argv[1], namespace='team-a', mode='git',"
        f" git_repo='file://{server.bare}'))\n"
    )
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", script, name], cwd=root, stderr=subprocess.PIPE)
        for name in names
    ]
    endings = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]

    assert [code for _, code in endings] == [0, 0, 0], endings
    for name in names:
        assert "a" * 64 in server.read(f"team-a/{name}/inferenceservice.yaml")


def test_branch_that_always_moves_on_is_reported(
    facts: ModelFacts, git_options: DeployOptions, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intentflow.deployment.gitops.commit._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("intentflow.deployment.gitops.commit._TRIES", 2)
    push = Repository.push
    numbers = iter(range(9))

    def late(self: Repository, branch: str) -> None:
        server.write("other.txt", f"{next(numbers)}\n")
        push(self, branch)

    monkeypatch.setattr(Repository, "push", late)
    with pytest.raises(CheckFailed, match="main moved on 2 times"):
        _commit(facts, git_options)


def test_protected_branch_names_the_rule_and_the_way(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    server.hook("echo 'main is protected: two reviews'; exit 1")
    with pytest.raises(IntentflowError) as caught:
        _commit(facts, git_options)
    message = str(caught.value)
    assert "main is protected: two reviews (pre-receive hook declined)" in message
    assert "--push-branch" in message
    assert "\n" not in message


def test_push_branch_leaves_the_protected_branch_alone(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    server.hook('while read old new ref; do [ "$ref" != refs/heads/main ] || exit 1; done')
    commits = server.commits()
    for_review = git_options.model_copy(update={"git_push_branch": "intentflow/banking"})
    pushed = _commit(facts, for_review)

    assert (pushed.branch, server.commits()) == ("intentflow/banking", commits)
    assert server.commits("intentflow/banking") == commits + 1
    assert _commit(facts, for_review).commit is None


def test_missing_branch_names_the_nearest(facts: ModelFacts, git_options: DeployOptions) -> None:
    wrong = git_options.model_copy(update={"git_branch": "mian"})
    with pytest.raises(IntentflowError, match="has no branch mian; did you mean main"):
        _commit(facts, wrong)


def test_empty_repository_gets_its_first_commit(
    facts: ModelFacts, git_options: DeployOptions, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.git"
    subprocess.run(["git", "init", "-q", "--bare", str(empty)], check=True)
    _commit(facts, git_options.model_copy(update={"git_repo": str(empty)}))
    assert git(empty, "rev-list", "--count", "main") == "1"


def test_missing_repository_is_one_line(
    facts: ModelFacts, git_options: DeployOptions, tmp_path: Path
) -> None:
    nowhere = git_options.model_copy(update={"git_repo": f"file://{tmp_path}/nowhere.git"})
    with pytest.raises(IntentflowError, match=r"nowhere\.git") as caught:
        _commit(facts, nowhere)
    assert "\n" not in str(caught.value)


def test_dirty_clone_stays_as_it_is(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    (server.clone / "README.md").write_text("half a thought\n")
    _commit(facts, git_options.model_copy(update={"git_repo": str(server.clone)}))

    assert server.read("README.md") == "our fleet"
    assert git(server.clone, "status", "--porcelain") == "M README.md"
    assert "a" * 64 in server.read(SERVICE)


def test_clone_without_an_origin_is_refused(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    git(server.clone, "remote", "remove", "origin")
    local = git_options.model_copy(update={"git_repo": str(server.clone)})
    with pytest.raises(IntentflowError, match="without an origin"):
        _commit(facts, local)


def test_password_in_the_url_is_refused_and_not_repeated(
    facts: ModelFacts, git_options: DeployOptions
) -> None:
    reported = git_options.model_copy(
        update={"git_repo": "https://ada:s3cret@example.com/fleet.git"}
    )
    with pytest.raises(IntentflowError, match="INTENTFLOW_GIT_TOKEN") as caught:
        _commit(facts, reported)
    assert "s3cret" not in str(caught.value)


def test_author_is_intentflow_where_git_knows_nobody(
    facts: ModelFacts, git_options: DeployOptions, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in HERE:
        if "CONFIG" not in key:
            monkeypatch.delenv(key)
    monkeypatch.delenv("EMAIL", raising=False)
    _commit(facts, git_options)
    assert git(server.bare, "log", "-1", "--format=%an", "main") == "intentflow"


def test_missing_git_is_named(
    facts: ModelFacts, git_options: DeployOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(IntentflowError, match="install git"):
        _commit(facts, git_options)


def _revert(options: DeployOptions) -> RevertResult:
    return revert_service(options)


def test_rollback_is_a_revert(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    before = server.read(SERVICE)
    second = _commit(_newer(facts), git_options)

    reverted = _revert(git_options)
    assert (reverted.reverted, reverted.model) == (second.commit, facts.uri)
    assert server.read(SERVICE) == before
    assert f"This reverts commit {second.commit}." in git(
        server.bare, "log", "-1", "--format=%B", "main"
    )


def test_rollback_keeps_what_others_changed_since(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    _commit(_newer(facts), git_options)
    server.write(SERVICE, "# a note\n" + server.read(SERVICE) + "\n")
    _revert(git_options)

    assert server.read(SERVICE).startswith("# a note")
    assert facts.uri in server.read(SERVICE)


def test_second_rollback_goes_back_one_more(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    for letter in "aef":
        _commit(_newer(facts, letter), git_options)
    _revert(git_options)
    assert _revert(git_options).model == facts.uri


def test_first_deployment_has_nothing_to_go_back_to(
    facts: ModelFacts, git_options: DeployOptions
) -> None:
    _commit(facts, git_options)
    with pytest.raises(CheckFailed, match="was the first deployment"):
        _revert(git_options)


def test_rollback_of_what_was_never_deployed(git_options: DeployOptions) -> None:
    with pytest.raises(CheckFailed, match="no deployment of banking on main"):
        _revert(git_options)


def test_rollback_over_a_later_change_of_the_same_line_is_explained(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    _commit(_newer(facts), git_options)
    server.write(SERVICE, server.read(SERVICE).replace("e" * 64, "f" * 64) + "\n")
    with pytest.raises(IntentflowError, match="deploy the previous model instead"):
        _revert(git_options)


def test_deployment_after_a_rollback_counts_again(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    _commit(facts, git_options)
    _commit(_newer(facts), git_options)
    _revert(git_options)
    again = _commit(_newer(facts), git_options)
    assert _revert(git_options).reverted == again.commit


@pytest.fixture
def model_uri(model_directory: Path, s3_bucket: str) -> str:
    return publish(model_directory, f"s3://{s3_bucket}/models").uri


def test_step_of_the_graph_commits(
    model_uri: str,
    git_options: DeployOptions,
    server: Server,
    write_verdict: Callable[..., Path],
    tmp_path: Path,
) -> None:
    result = run_deploy(model_uri, git_options, verdict=write_verdict(), manifests=tmp_path / "out")

    assert result.commit == git(server.bare, "rev-parse", "main")
    assert result.branch == "main"
    assert model_uri in server.read(SERVICE)


def test_command_deploys_and_rolls_back(
    model_uri: str,
    model_directory: Path,
    s3_bucket: str,
    server: Server,
    write_verdict: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = ["--name", "banking", "-n", "team-a", "--repo", str(server.bare), "--path", "live"]
    common = ["deploy", "--mode", "git", *where, "--json"]
    assert main([*common, "--model", model_uri, "--verdict", str(write_verdict())]) == 0
    (model_directory / "model.safetensors").write_bytes(b"second")
    second = publish(model_directory, f"s3://{s3_bucket}/models").uri
    assert main([*common, "--model", second, "--verdict", str(write_verdict())]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["commit"] == git(server.bare, "rev-parse", "main")

    back = ["rollback", "banking", "-n", "team-a", "--mode", "git"]
    assert main([*back, "--repo", str(server.bare), "--path", "live"]) == 0
    assert model_uri in server.read("live/inferenceservice.yaml")


def test_model_that_the_gate_did_not_pass_is_not_committed(
    model_uri: str, git_options: DeployOptions, server: Server, write_verdict: Callable[..., Path]
) -> None:
    commits = server.commits()
    with pytest.raises(CheckFailed, match="about another model"):
        deploy(model_uri, git_options, verdict_file=write_verdict(model_digest="f" * 64))
    assert server.commits() == commits


@pytest.fixture
def http_server(server: Server) -> Iterator[tuple[str, list[str]]]:
    """The bare repository over HTTP, by git's own backend, with a token."""
    import base64
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    git(server.bare, "config", "http.receivepack", "true")
    wanted = "Basic " + base64.b64encode(b"git:sesame").decode()
    backend = Path(git(server.bare, "--exec-path")) / "git-http-backend"
    refused: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != wanted:
                refused.append(self.path)
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            environment = {
                **os.environ,
                "GIT_PROJECT_ROOT": str(server.bare.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "git",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            done = subprocess.run(
                [backend], input=body, env=environment, capture_output=True, check=True
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that the class looks for

        def log_message(self, *_: object) -> None:
            """Nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{listener.server_port}/fleet.git", refused
    listener.shutdown()
    thread.join()
    listener.server_close()


def test_token_of_the_environment_opens_the_server(
    facts: ModelFacts,
    git_options: DeployOptions,
    server: Server,
    http_server: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTENTFLOW_GIT_TOKEN", "sesame")
    _commit(facts, git_options.model_copy(update={"git_repo": http_server[0]}))
    assert facts.uri in server.read(SERVICE)


@pytest.mark.parametrize("token", ["", "wr0ng-token"])
def test_no_access_is_one_line_without_the_token(
    facts: ModelFacts,
    git_options: DeployOptions,
    http_server: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    token: str,
) -> None:
    monkeypatch.setenv("INTENTFLOW_GIT_TOKEN", token)
    with pytest.raises(IntentflowError, match="git has no access") as caught:
        _commit(facts, git_options.model_copy(update={"git_repo": http_server[0]}))
    assert "wr0ng" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_verdict_forges_no_trailer(
    facts: ModelFacts, git_options: DeployOptions, server: Server
) -> None:
    name = "intent_accuracy\nApproved-By: nobody"
    rule = Rule(name=name, passed=True, value=1.0, limit=0.9)
    changes = {"engine": "vllm\nApproved-By: nobody", "rules": [rule]}
    forged = VERDICT.model_copy(update=changes)
    _commit(facts, git_options, forged)
    lines = git(server.bare, "log", "-1", "--format=%B", "main").splitlines()
    assert not [line for line in lines if line.startswith("Approved-By")]

"""The compiled graph: what is checked in, and where the options end up."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.pipeline.arguments import STEP_CONFIGS
from intentflow.pipeline.compile import compile_pipeline
from intentflow.pipeline.options import STEPS, PipelineOptions
from tests.pipeline.compiled import all_tasks, compiled, read_documents

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "pipelines" / "finetune" / "finetune.yaml"
CHECKS = ["check-2", "check-3"]  # of the data and of the model
# The others are of a retraining.
OWN = [step for step in STEPS if step not in ("look", "merge", "watch")]
EXECUTED = [*(step for step in OWN if step not in ("balance", "quantize")), *CHECKS]
GPU = {"gpu_count": 2, "gpu_type": "nvidia.com/mig-1g.10gb", "memory": "32Gi", "cpu": "500m"}
TOLERATION = {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}
SECRET = {"s3-writer": {"access": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY"}}
CREDENTIAL = "tr0ub4dor-and-3"


def _compile(path: Path, **options: Any) -> list[dict[str, Any]]:
    """The documents of a compiled graph: the pipeline, then the platform's part if any."""
    text = compiled(options)
    path.write_text(text, encoding="utf-8")
    return read_documents(text)


def _containers(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    executors = spec["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): e["container"] for name, e in executors.items()}


def _platform(documents: list[dict[str, Any]], step: str) -> dict[str, Any]:
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    found: dict[str, Any] = executors[f"exec-{step}"]
    return found


def _tasks(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The steps of all levels, without the branches that hold some of them."""
    groups = ("condition", "exit-handler")
    return {name: t for name, t in all_tasks(spec).items() if not name.startswith(groups)}


def _producers(task: dict[str, Any]) -> set[str]:
    """The steps whose outputs a step takes."""
    given = [entry for inputs in task["inputs"].values() for entry in inputs.values()]
    taken = [value for entry in given for value in entry.values() if isinstance(value, dict)]
    return {value["producerTask"] for value in taken if "producerTask" in value}


def test_the_graph_that_is_checked_in_is_the_one_in_the_code(tmp_path: Path) -> None:
    _compile(tmp_path / "fresh.yaml")
    assert (tmp_path / "fresh.yaml").read_text() == CHECKED_IN.read_text(), "run: make compile"


def test_every_step_is_a_task_with_a_title(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", quantize="awq", balance="cap")
    titles = {name: task["taskInfo"]["name"] for name, task in _tasks(spec).items()}
    assert sorted(titles) == sorted([*OWN, *CHECKS, "evaluate-2"])
    assert [name for name, title in titles.items() if title == name] == []


def test_the_graph_takes_one_dict_a_step_and_no_digests(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", balance="cap")
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    kinds = {name: entry["parameterType"] for name, entry in parameters.items()}
    steps = {name for name, kind in kinds.items() if kind == "STRUCT"}
    # A graph quantizes or not; the configuration of record is that of all that write the registry.
    assert steps == set(STEP_CONFIGS) - {"quantize", "behave"} | {"record", "notify"}
    others = {"sources", "champion", "code_version"}
    assert set(kinds) == steps | others


def test_the_graph_has_at_most_sixteen_parameters(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", quantize="awq", balance="cap")
    assert len(spec["root"]["inputDefinitions"]["parameters"]) <= 16


def test_rows_are_split_after_they_are_checked_but_not_by_what_the_checks_find(
    tmp_path: Path,
) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    split = _tasks(spec)["split"]
    assert "check-2" in split["dependentTasks"]
    assert {"validate", "check-2"} & _producers(split) == set()


def test_the_next_step_waits_for_the_check_of_the_one_before(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    tasks = _tasks(spec)
    assert [_producers(tasks[name]) for name in ("check", *CHECKS)] == [
        {"convert"},
        {"validate"},
        {"explain"},
    ]
    assert "check" in tasks["curate"]["dependentTasks"]


def test_a_check_is_not_retried(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", all={"retries": 2})
    retried = {name for name, task in _tasks(spec).items() if "retryPolicy" in task}
    assert retried == set(EXECUTED) - {"check", *CHECKS}


def test_quantize_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    assert sorted(_containers(spec)) == sorted(EXECUTED)


def test_the_behaviour_is_tested_only_if_asked_for(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", behave={})
    assert sorted(_containers(spec)) == sorted([*EXECUTED, "behave"])


def test_the_gate_takes_the_behaviour_of_the_model_to_serve(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", behave={}, quantize="gptq")
    given = _tasks(spec)["gate"]["inputs"]["artifacts"]
    assert "'behave'" in str(given["behaviour"])
    assert "'quantize'" in str(_tasks(spec)["behave"]["inputs"]["artifacts"]["model"])


def test_the_behaviour_is_tested_with_the_engine_that_is_scored(tmp_path: Path) -> None:
    options = {"tag": "0.1.0-3f2a", "steps": {"evaluate": {"gpu_count": 1}}}
    (spec, *_) = _compile(tmp_path / "f.yaml", behave={}, **options)
    containers, tasks = _containers(spec), _tasks(spec)
    assert containers["behave"]["image"] == containers["evaluate"]["image"]
    asked = [tasks[step]["inputs"]["parameters"] for step in ("behave", "evaluate")]
    assert asked[0]["evaluate"] == asked[1]["config"]


PREFERENCES = {"recipe": "smollm2-135m/dpo", "minimum_pairs": 3}


def test_preference_tuning_is_left_out_unless_asked_for() -> None:
    assert "comp-correct" not in compiled({})


@pytest.mark.parametrize("step", ["evaluate", "publish"])
def test_what_is_scored_and_published_is_the_model_that_corrections_tuned(
    step: str, tmp_path: Path
) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", preferences=PREFERENCES)
    given = str(_tasks(spec)[step]["inputs"]["artifacts"]["model"])
    assert ("'corrected'" in given or "correct-corrected" in given, "train" in given) == (
        True,
        False,
    )


def test_corrections_of_all_training_rows_count_once_where_these_are_balanced(
    tmp_path: Path,
) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", preferences=PREFERENCES, balance="oversample")
    given = _tasks(spec)["correct"]["inputs"]["artifacts"]["train_set"]["taskOutputArtifact"]
    assert given == {"outputArtifactKey": "train_set", "producerTask": "split"}


def test_the_4_bit_copy_is_of_the_model_that_corrections_tuned(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", preferences=PREFERENCES, quantize="awq")
    given = _tasks(spec)["quantize"]["inputs"]["artifacts"]["model"]["taskOutputArtifact"]
    assert given == {"outputArtifactKey": "corrected", "producerTask": "correct"}


def test_preference_tuning_has_the_image_and_the_devices_of_the_training(tmp_path: Path) -> None:
    options = {"steps": {"train": {"gpu_count": 2, "image": "mirror/train"}}}
    (spec, *_) = _compile(tmp_path / "f.yaml", preferences=PREFERENCES, **options)
    containers = _containers(spec)
    assert [containers[step]["image"] for step in ("correct", "train")] == ["mirror/train"] * 2


@pytest.mark.parametrize("step", ["publish", "explain"])
def test_the_registry_is_given_the_tuning_and_the_digest_of_its_rows(
    step: str, tmp_path: Path
) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", preferences=PREFERENCES)
    given = _tasks(spec)[step]["inputs"]["parameters"]
    assert "minimum_pairs" in str(given["preferences"])
    assert "correct-Output" in str(given["pairs_digest"])


def test_what_is_scored_and_published_is_the_quantized_model(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", quantize="gptq")
    text = yaml.safe_dump([_tasks(spec)[name]["inputs"] for name in ("evaluate", "publish")])
    assert ("quantize" in text, "train-model" in text) == (True, False)


def test_the_gate_sees_the_scores_of_the_16_bit_model_next_to_the_quantized_ones(
    tmp_path: Path,
) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", quantize="gptq")
    given = _tasks(spec)["gate"]["inputs"]["artifacts"]
    assert "evaluate-2" in str(given["reference"])
    assert "'train'" in str(_tasks(spec)["evaluate-2"]["inputs"]["artifacts"]["model"])


def test_the_gate_compares_with_what_evaluate_scored_of_the_model_in_service(
    tmp_path: Path,
) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    given = {name: _tasks(spec)[name]["inputs"]["parameters"] for name in ("evaluate", "gate")}
    resolved = given["evaluate"]["champion_model"]["taskOutputParameter"]
    assert resolved == {"outputParameterKey": "champion_model", "producerTask": "resolve"}
    assert given["gate"]["champion"]["taskOutputParameter"]["producerTask"] == "evaluate"


def test_every_cached_step_sees_the_code_version(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", quantize="awq", balance="cap")
    without = [
        n for n, t in _tasks(spec).items() if "code_version" not in t["inputs"]["parameters"]
    ]
    assert without == []


def test_what_changes_something_outside_the_run_is_never_cached(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    cached = {name for name, task in _tasks(spec).items() if task["cachingOptions"]}
    assert cached == set(EXECUTED) - {"resolve", "record", "publish", "deploy", "explain", "notify"}


def test_the_outcome_is_sent_at_the_end_of_every_run(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    tasks = spec["root"]["dag"]["tasks"]
    assert sorted(tasks) == ["exit-handler-1", "notify"]
    assert tasks["notify"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    given = tasks["notify"]["inputs"]["parameters"]
    assert given["status"] == {"taskFinalStatus": {"producerTask": "exit-handler-1"}}


def test_the_gate_waits_for_the_entry_of_the_data_set(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    assert "record" in _tasks(spec)["gate"]["dependentTasks"]


def test_what_writes_the_registry_knows_the_run(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    runs = {name: task["inputs"]["parameters"].get("run") for name, task in _tasks(spec).items()}
    known = {name for name, run in runs.items() if run is not None}
    assert known == {"record", "publish", "deploy", "explain", "notify"}
    assert str(runs["record"]).count("{{$.pipeline_job_uuid}}") == 1


def test_both_outcomes_of_the_gate_have_a_branch(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml")
    conditions = [
        task["triggerPolicy"]["condition"]
        for task in all_tasks(spec).values()
        if "condition" in task.get("triggerPolicy", {})
    ]
    output = "inputs.parameter_values['pipelinechannel--gate-Output']"
    assert conditions == [f"{output} == 'pass'", f"!({output} == 'pass')"]


def test_a_registry_goes_before_every_image(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", registry="registry.example/team/")
    images = {container["image"] for container in _containers(spec).values()}
    assert [i for i in images if not i.startswith("registry.example/team/intentflow/")] == []


def test_a_tag_is_that_of_every_image(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", tag="0.1.0-3f2a91c04b7e")
    images = {container["image"] for container in _containers(spec).values()}
    assert images == {
        f"intentflow/{name}:0.1.0-3f2a91c04b7e" for name in ("data", "train", "deploy")
    }


@pytest.mark.parametrize("gpus", [0, 1])
def test_scores_are_measured_with_vllm_where_the_step_has_a_gpu(gpus: int, tmp_path: Path) -> None:
    options = {"registry": "registry.example", "steps": {"evaluate": {"gpu_count": gpus}}}
    (spec, *_) = _compile(tmp_path / "f.yaml", quantize="awq", **options)
    containers = _containers(spec)
    measured = {containers[name]["image"].partition(":")[0] for name in ("evaluate", "evaluate-2")}
    assert measured == {f"registry.example/intentflow/{'evaluate' if gpus else 'train'}"}


def test_a_gpu_for_all_steps_is_one_for_evaluate(tmp_path: Path) -> None:
    (spec, *_) = _compile(tmp_path / "f.yaml", all={"gpu_count": 1}, tag="0.1.0-3f2a")
    images = {name: c["image"] for name, c in _containers(spec).items()}
    assert images["evaluate"] == "intentflow/evaluate:0.1.0-3f2a"
    assert images["train"] == "intentflow/train:0.1.0-3f2a"


def test_vllm_has_the_shared_memory_that_it_has_in_the_service(tmp_path: Path) -> None:
    documents = _compile(tmp_path / "f.yaml", steps={"evaluate": {"gpu_count": 1}})
    (mount,) = _platform(documents, "evaluate")["emptyDirMounts"]
    runtime = yaml.safe_load((ROOT / "manifests/base/servingruntime.yaml").read_text())
    (shared,) = [v["emptyDir"] for v in runtime["spec"]["volumes"] if v["name"] == "shm"]
    assert (mount["mountPath"], mount["medium"], mount["sizeLimit"]) == (
        "/dev/shm",
        shared["medium"],
        shared["sizeLimit"],
    )


def test_a_steps_image_goes_before_the_registry(tmp_path: Path) -> None:
    image = f"mine/train@sha256:{'0' * 64}"
    steps = {"train": {"image": image}}
    (spec,) = _compile(tmp_path / "f.yaml", registry="registry.example", steps=steps)
    assert _containers(spec)["train"]["image"] == image


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("resourceCpuLimit", "500m"),
        ("resourceMemoryLimit", "32Gi"),
    ],
)
def test_resources_of_a_step(tmp_path: Path, key: str, value: object) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", steps={"train": GPU})
    assert _containers(spec)["train"]["resources"][key] == value


def test_accelerators_of_a_step(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", steps={"train": GPU})
    accelerator = _containers(spec)["train"]["resources"]["accelerator"]
    assert (accelerator["resourceCount"], accelerator["resourceType"]) == ("2", GPU["gpu_type"])


def test_resources_of_one_step_are_not_those_of_another(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", steps={"train": GPU})
    resources = _containers(spec)["evaluate"]["resources"]
    assert "accelerator" not in resources
    assert resources["resourceMemoryLimit"] != GPU["memory"]


def test_resources_for_all_hold_for_every_step(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", all={"memory": "2Gi"}, steps={"train": GPU})
    limits = {n: c["resources"]["resourceMemoryLimit"] for n, c in _containers(spec).items()}
    assert limits == {step: "32Gi" if step == "train" else "2Gi" for step in EXECUTED}


@pytest.mark.parametrize(
    ("option", "value", "key", "written"),
    [
        ("node_selector", {"pool": "gpu"}, "nodeSelector", {"labels": {"pool": "gpu"}}),
        ("tolerations", [TOLERATION], "tolerations", [TOLERATION]),
    ],
)
def test_placement_of_a_step(
    tmp_path: Path, option: str, value: object, key: str, written: object
) -> None:
    documents = _compile(tmp_path / "f.yaml", steps={"train": {option: value}})
    assert _platform(documents, "train")[key] == written


def test_a_volume_of_a_step_is_a_claim_by_its_name(tmp_path: Path) -> None:
    documents = _compile(tmp_path / "f.yaml", steps={"train": {"volumes": {"work": "/mnt/work"}}})
    (mount,) = _platform(documents, "train")["pvcMount"]
    assert (mount["constant"], mount["mountPath"]) == ("work", "/mnt/work")


def test_a_plain_variable_of_a_step(tmp_path: Path) -> None:
    variables = {"INTENTFLOW_CHECKPOINTS": "/mnt/work"}
    (spec,) = _compile(tmp_path / "f.yaml", steps={"train": {"env": variables}})
    (variable,) = _containers(spec)["train"]["env"]
    assert {variable["name"]: variable["value"]} == variables


def test_secrets_are_references(tmp_path: Path) -> None:
    documents = _compile(tmp_path / "f.yaml", steps={"publish": {"env_from_secrets": SECRET}})
    (secret,) = _platform(documents, "publish")["secretAsEnv"]
    names = {entry["secretKey"]: entry["envVar"] for entry in secret["keyToEnv"]}
    assert (secret["secretName"], names) == ("s3-writer", SECRET["s3-writer"])


def test_secrets_of_a_step_are_added_to_those_for_all(tmp_path: Path) -> None:
    own = {"gitops": {"token": "INTENTFLOW_GIT_TOKEN"}}
    documents = _compile(
        tmp_path / "f.yaml",
        all={"env_from_secrets": SECRET},
        steps={"deploy": {"env_from_secrets": own}},
    )
    secrets = _platform(documents, "deploy")["secretAsEnv"]
    assert {secret["secretName"] for secret in secrets} == {"s3-writer", "gitops"}


def test_credentials_of_the_environment_stay_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "INTENTFLOW_API_KEY"):
        monkeypatch.setenv(name, CREDENTIAL)
    given = {"steps": {"publish": {"env_from_secrets": SECRET}}}
    options = PipelineOptions.from_mapping(given, "options")
    compile_pipeline("finetune", tmp_path / "f.yaml", options)
    assert CREDENTIAL not in (tmp_path / "f.yaml").read_text()


def test_nothing_of_the_local_host_is_in_the_graph(tmp_path: Path) -> None:
    _compile(tmp_path / "f.yaml", steps={"train": {**GPU, "node_selector": {"pool": "gpu"}}})
    text = (tmp_path / "f.yaml").read_text()
    places = [str(ROOT), str(tmp_path), str(Path.home()), sys.prefix, socket.gethostname()]
    assert [place for place in places if len(place) > 3 and place in text] == []


def test_kubernetes_manifest_gives_a_pipeline_and_its_version(tmp_path: Path) -> None:
    assert main(["compile", "-o", str(tmp_path / "k.yaml"), "--kubernetes-manifest"]) == 0
    pipeline, version = read_documents((tmp_path / "k.yaml").read_text())
    assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert version["spec"]["pipelineName"] == pipeline["metadata"]["name"]


def test_the_version_object_holds_the_graph(tmp_path: Path) -> None:
    compile_pipeline("finetune", tmp_path / "k.yaml", kubernetes_manifest=True)
    _, version = read_documents((tmp_path / "k.yaml").read_text())
    (plain,) = _compile(tmp_path / "plain.yaml")
    assert version["spec"]["pipelineSpec"] == plain


def test_another_graph_is_another_version_object(tmp_path: Path) -> None:
    names = []
    for quantize in ("none", "awq"):
        options = PipelineOptions.from_mapping({"quantize": quantize}, "options")
        compile_pipeline("finetune", tmp_path / "k.yaml", options, kubernetes_manifest=True)
        _, version = read_documents((tmp_path / "k.yaml").read_text())
        names.append(version["metadata"]["name"])
    assert len(set(names)) == 2
    assert [n for n in names if not re.fullmatch(r"intentflow-finetune-[0-9a-f]{12}", n)] == []


def test_options_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "o.yaml").write_text("registry: registry.example")
    out = tmp_path / "f.yaml"
    assert main(["compile", "-o", str(out), "--options", str(tmp_path / "o.yaml")]) == 0
    assert "image: registry.example/intentflow/train" in out.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": {"trian": {}}}, "there is no step trian; did you mean train"),
        ({"steps": {"train": {"gpus": 1}}}, "unknown key steps.train.gpus"),
        ({"steps": {"train": {"gpu_count": -1}}}, "steps.train.gpu_count"),
        ({"registri": "x"}, "did you mean registry"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        PipelineOptions.from_mapping(options, "options")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["finetun", "-o", "f.yaml"], "there is no pipeline finetun; did you mean finetune"),
        (["-o", "f.json"], "the output must end in .yaml"),
        (["-o", "f.yaml", "--options", "none.yaml"], "none.yaml: No such file"),
    ],
)
def test_a_wrong_request_is_one_line_and_exits_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = main(["compile", *arguments]), capsys.readouterr().err
    assert (status, printed.count("\n"), message in printed) == (2, 1, True), printed


def test_an_existing_file_survives_a_failure(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("mine")
    assert main(["compile", "finetun", "-o", str(tmp_path / "f.yaml")]) == 2
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("f.yaml", "mine")]


_ONLY_KFP = """
import re, sys
from importlib import metadata

def needed(name, extras, seen):
    if (name, extras) in seen:
        return seen
    seen.add((name, extras))
    try:
        requirements = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return seen
    for line in map(Requirement, requirements):
        if line.marker and not any(line.marker.evaluate({"extra": e}) for e in extras or {""}):
            continue
        needed(canonicalize_name(line.name), frozenset(line.extras), seen)
    return seen

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
allowed = {name for name, _ in needed("intentflow", frozenset({"kfp"}), set())}
owners = metadata.packages_distributions()
foreign = {
    package for package, names in owners.items()
    if not {canonicalize_name(name) for name in names} & allowed
} - {"packaging", "_virtualenv", "setuptools", "pip"}
assert {"torch", "transformers", "sklearn", "scrubadub", "minio", "fastapi", "openai"} <= foreign

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"{name} is not in the kfp extra", name=name)

for module in [m for m in sys.modules if m.partition(".")[0] in foreign]:
    del sys.modules[module]
sys.meta_path.insert(0, Blocked())
from intentflow.cli.main import main
sys.exit(main(["compile", "-o", sys.argv[1], "--kubernetes-manifest"]))
"""


def test_compile_needs_nothing_but_the_kfp_extra(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _ONLY_KFP, str(tmp_path / "f.yaml")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def _resources(documents: list[dict[str, Any]], step: str) -> dict[str, Any]:
    found: dict[str, Any] = _containers(documents[0])[step]["resources"]
    return found


def test_every_step_has_requests_and_limits_for_namespaces_with_a_quota(tmp_path: Path) -> None:
    documents = _compile(tmp_path / "f.yaml")
    wanted = {
        f"resource{what}{kind}" for what in ("Cpu", "Memory") for kind in ("Limit", "Request")
    }
    lacking = [step for step in EXECUTED if not wanted <= set(_resources(documents, step))]
    assert lacking == []


@pytest.mark.parametrize(
    ("options", "request_and_limit"),
    [
        ({}, ("16Gi", "64Gi")),
        ({"memory": "8Gi"}, ("8Gi", "8Gi")),
        ({"memory_request": "100Gi"}, ("100Gi", "100Gi")),
        ({"memory": "8Gi", "memory_request": "4Gi"}, ("4Gi", "8Gi")),
    ],
)
def test_a_limit_alone_is_also_the_request(
    options: dict[str, str], request_and_limit: tuple[str, str]
) -> None:
    step = PipelineOptions.from_mapping({"steps": {"train": options}}, "options").for_step("train")
    assert (step.memory_request, step.memory) == request_and_limit


def test_cpus_may_be_numbers() -> None:
    options = PipelineOptions.from_mapping({"steps": {"train": {"cpu": 8}}}, "options")
    assert options.for_step("train").cpu == "8"


@pytest.mark.parametrize(
    "wrong", [{"cpu": "a lot"}, {"cpu": True}, {"memory": "64 GB"}, {"shared_memory": "x"}]
)
def test_a_quantity_that_kubernetes_does_not_know_is_refused(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(IntentflowError, match=rf"steps\.train\.{next(iter(wrong))}"):
        PipelineOptions.from_mapping({"steps": {"train": wrong}}, "options")


def test_a_step_is_started_again_as_often_as_asked_for(tmp_path: Path) -> None:
    (spec,) = _compile(tmp_path / "f.yaml", steps={"publish": {"retries": 3}})
    assert _tasks(spec)["publish"]["retryPolicy"]["maxRetryCount"] == 3


def test_a_pods_options_reach_the_platforms_part(tmp_path: Path) -> None:
    options = {
        "image_pull_secrets": ["registry"],
        "timeout_seconds": 7200,
        "shared_memory": "4Gi",
        "labels": {"team": "voice"},
        "annotations": {"sidecar.istio.io/inject": "false"},
        "config_maps": {"our-ca": "/etc/ca"},
        "empty_dirs": {"/scratch": "100Gi"},
        "run_as_user": 1000,
    }
    found = _platform(_compile(tmp_path / "f.yaml", steps={"train": options}), "train")
    assert found["activeDeadlineSeconds"] == "7200"
    assert [item["secretName"] for item in found["imagePullSecret"]] == ["registry"]
    assert found["podMetadata"] == {
        "labels": {"team": "voice"},
        "annotations": {"sidecar.istio.io/inject": "false"},
    }
    mounts = {
        item["mountPath"]: (item.get("medium"), item["sizeLimit"])
        for item in found["emptyDirMounts"]
    }
    assert mounts == {"/dev/shm": ("Memory", "4Gi"), "/scratch": (None, "100Gi")}
    [certificates] = found["configMapAsVolume"]
    assert (certificates["configMapName"], certificates["mountPath"]) == ("our-ca", "/etc/ca")
    assert found["securityContext"] == {"runAsUser": "1000"}


def test_labels_of_a_step_are_added_to_those_of_all(tmp_path: Path) -> None:
    documents = _compile(
        tmp_path / "f.yaml", all={"labels": {"a": "1"}}, steps={"train": {"labels": {"b": "2"}}}
    )
    assert _platform(documents, "train")["podMetadata"]["labels"] == {"a": "1", "b": "2"}
    assert _platform(documents, "split")["podMetadata"]["labels"] == {"a": "1"}

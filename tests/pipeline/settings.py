"""A value of every field of every step's configuration, other than its default."""

from __future__ import annotations

from typing import Any

from tests.pipeline.doors import Setting

_SYNTHESIS = (
    ("mode", ("--balance", "synthesize"), "synthesize"),
    ("teacher", ("--teacher", "teacher.yaml"), "teacher.yaml"),
)
_ENCODER = (("kinds", ("--kinds", "linear,encoder"), ["linear", "encoder"]),)
_UNTUNED = (("kinds", ("--kinds", "untuned"), ["untuned"]),)
_FEW_SHOT = (("kinds", ("--kinds", "few-shot"), ["few-shot"]),)
_RECIPE = (("recipe", ("--recipe", "recipe.yaml"), "recipe.yaml"),)
_POLICY = (("policy", ("--policy", "gate.yaml"), "gate.yaml"),)


def _set(name: str, text: str, value: Any, *more: tuple[str, str, Any]) -> Setting:
    """A field that has no flag of its own."""
    others = tuple((other, ("--set", f"{other}={written}"), read) for other, written, read in more)
    return Setting(("--set", f"{name}={text}"), value, others)


SETTINGS: dict[str, dict[str, Setting]] = {
    "convert": {
        "format": Setting(("--format", "csv"), "csv"),
        "field": Setting(("--field", "text"), "text"),
        "label_field": Setting(("--label-field", "intent"), "intent"),
        "taxonomy": Setting(("--taxonomy", "taxonomy.yaml"), "taxonomy.yaml"),
        "person_field": Setting(("--person-field", "user"), "user"),
        "job": Setting(("--job", "second"), "second"),
        "parameters_from_spans": Setting(("--parameters-from-spans",), True),
        "max_reject_rate": Setting(("--max-reject-rate", "0.25"), 0.25),
        "redact_rejects": Setting(("--no-redact",), False),
        "max_line_bytes": Setting(("--max-line-bytes", "1000"), 1000),
        "max_cell_characters": Setting(("--max-cell-characters", "100"), 100),
        "max_decompressed_bytes": Setting(("--max-decompressed-bytes", "10000"), 10_000),
    },
    "curate": {
        "redact": Setting(("--redact",), True),
        "dedup": Setting(("--dedup", "near"), "near"),
        "near_threshold": Setting(("--near-threshold", "0.9"), 0.9),
        "conflicts": Setting(("--conflicts", "latest"), "latest"),
        "normalise_labels": Setting(("--normalise-labels",), True),
    },
    "validate": {
        "policy": Setting(("--policy", "data-policy.yaml"), "data-policy.yaml"),
        "redact_report": Setting(("--no-redact",), False),
        "taxonomy": Setting(("--taxonomy", "taxonomy.yaml"), "taxonomy.yaml"),
        "recipe": Setting(("--recipe", "recipe.yaml"), "recipe.yaml"),
        "hardware": Setting(("--hardware", "2x80Gi"), "2x80Gi"),
    },
    "split": {
        "field": Setting(("--field", "text"), "text"),
        "label_field": Setting(("--label-field", "intent"), "intent"),
        "taxonomy": Setting(("--taxonomy", "taxonomy.yaml"), "taxonomy.yaml"),
        "person_field": Setting(("--person-field", "user"), "user"),
        "job": Setting(("--job", "second"), "second"),
        "parameters_from_spans": Setting(("--parameters-from-spans",), True),
        "test": Setting(("--test-file", "own-test.jsonl"), ["own-test.jsonl"]),
        "test_share": Setting(("--test", "0.3"), 0.3),
        "validation_share": Setting(("--validation", "0.2"), 0.2),
        "near_threshold": Setting(("--near-threshold", "0.9"), 0.9),
        "seed": Setting(("--seed", "4"), 4),
    },
    "balance": {
        "mode": Setting(("--balance", "cap"), "cap"),
        "teacher": Setting(("--teacher", "teacher.yaml"), "teacher.yaml", _SYNTHESIS[:1]),
        "taxonomy": Setting(("--taxonomy", "taxonomy.yaml"), "taxonomy.yaml", _SYNTHESIS),
        "seed": Setting(("--seed", "4"), 4),
    },
    "baseline": {
        "encoder": Setting(("--encoder", "an/encoder"), "an/encoder", _ENCODER),
        "epochs": Setting(("--epochs", "3"), 3, _ENCODER),
        "shots": Setting(("--shots", "2"), 2, _FEW_SHOT),
        "limit_rows": Setting(("--limit-rows", "9"), 9, _UNTUNED),
        "kinds": Setting(("--kinds", "linear"), ["linear"]),
        "recipe": Setting(("--recipe", "recipe.yaml"), "recipe.yaml", _UNTUNED),
        "taxonomy": Setting(("--taxonomy", "taxonomy.yaml"), "taxonomy.yaml", _UNTUNED),
        "seed": Setting(("--seed", "4"), 4),
    },
    "train": {
        "recipe": Setting(("--recipe", "recipe.yaml"), "recipe.yaml"),
        "taxonomy": Setting(("--taxonomy", "taxonomy.yaml"), "taxonomy.yaml", _RECIPE),
    },
    "quantize": {"method": Setting(("--method", "gptq"), "gptq")},
    "evaluate": {
        "engine": Setting(("--engine", "vllm"), "vllm"),
        "constrained": Setting(("--no-constrained",), False),
        "batch_size": Setting(("--batch-size", "16"), 16),
        "concurrency": Setting(("--concurrency", "3"), 3),
        "request_timeout": Setting(("--request-timeout", "7.5"), 7.5),
        "hourly_price": Setting(("--hourly-price", "1.5"), 1.5),
        "prompt_token_price": Setting(("--prompt-token-price", "0.5"), 0.5),
        "answer_token_price": Setting(("--answer-token-price", "2.0"), 2.0),
    },
    "behave": {
        "kinds": Setting(("--kinds", "typos,negation"), ["typos", "negation"]),
        "cases_per_kind": Setting(("--cases-per-kind", "9"), 9),
        "seed": Setting(("--seed", "4"), 4),
    },
    "gate": {
        "policy": Setting(("--policy", "gate.yaml"), "gate.yaml"),
        "policy_name": Setting(("--name", "strict"), "strict", _POLICY),
        "vllm_version": Setting(("--vllm-version", "v0.30.0"), "v0.30.0", _POLICY),
        "vllm_args": Setting(("--vllm-args=--quantization=awq",), ["--quantization=awq"], _POLICY),
    },
    "publish": {"destination": Setting(("s3://models/intent",), "s3://models/intent")},
    "deploy": {
        "name": Setting(("--name", "travel"), "travel"),
        "namespace": Setting(("-n", "intents"), "intents"),
        "mode": Setting(("--mode", "apply"), "apply"),
        "deployment_mode": _set("deployment_mode", "Knative", "Knative"),
        "kserve_version": _set("kserve_version", "0.21.0", "0.21.0"),
        "canary_percent": Setting(("--canary", "20"), 20),
        "stable_model": _set(
            "stable_model", "s3://m/old", "s3://m/old", ("canary_percent", "20", 20)
        ),
        "shadow_model": Setting(("--shadow", "s3://m/new"), "s3://m/new"),
        "shadow_percent": _set(
            "shadow_percent", "50", 50, ("shadow_model", "s3://m/new", "s3://m/new")
        ),
        "components": _set("components", "monitoring", ["monitoring"]),
        "gpu_count": _set("gpu_count", "2", 2),
        "gpu_product": _set("gpu_product", "NVIDIA-L4", "NVIDIA-L4"),
        "cpu": _set("cpu", "8", "8"),
        "memory": _set("memory", "32Gi", "32Gi"),
        "min_replicas": _set("min_replicas", "2", 2, ("max_replicas", "3", 3)),
        "max_replicas": _set("max_replicas", "3", 3),
        "deployment_strategy": _set("deployment_strategy", "Recreate", "Recreate"),
        "vllm_image": _set("vllm_image", "mirror/vllm", "mirror/vllm"),
        "vllm_version": _set("vllm_version", "v0.30.0", "v0.30.0"),
        "vllm_image_digest": _set("vllm_image_digest", f"sha256:{'0' * 64}", f"sha256:{'0' * 64}"),
        "transformer": _set("transformer", "false", False),
        "transformer_image": _set("transformer_image", "mirror/t", "mirror/t"),
        "transformer_version": _set("transformer_version", "v2", "v2"),
        "transformer_image_digest": _set(
            "transformer_image_digest", f"sha256:{'1' * 64}", f"sha256:{'1' * 64}"
        ),
        "transformer_cpu": _set("transformer_cpu", "2", "2"),
        "transformer_memory": _set("transformer_memory", "2Gi", "2Gi"),
        "transformer_replicas": _set("transformer_replicas", "2", 2),
        "rollout_job": _set("rollout_job", "true", True),
        "rollout_image": _set("rollout_image", "mirror/d", "mirror/d"),
        "rollout_version": _set("rollout_version", "v3", "v3"),
        "rollout_image_digest": _set(
            "rollout_image_digest", f"sha256:{'2' * 64}", f"sha256:{'2' * 64}"
        ),
        "log_uri": _set("log_uri", "s3://logs/intent", "s3://logs/intent"),
        "max_model_len": _set("max_model_len", "512", 512),
        "dtype": _set("dtype", "float16", "float16"),
        "extra_args": _set("extra_args", "[--enforce-eager]", ["--enforce-eager"]),
        "service_account": _set("service_account", "runner", "runner"),
        "service_account_annotations": _set(
            "service_account_annotations", "{role: nlu}", {"role": "nlu"}
        ),
        "s3_secret": _set("s3_secret", "null", None),
        "storage_container": _set("storage_container", "own", "own"),
        "ca_config_map": _set("ca_config_map", "ca", "ca"),
        "api_key_secret": _set("api_key_secret", "tokens", "tokens"),
        "api_key_secret_key": _set("api_key_secret_key", "key", "key"),
        "predictor_key_secret_key": _set("predictor_key_secret_key", "other", "other"),
        "person_key_secret": _set("person_key_secret", "persons", "persons"),
        "person_key_secret_key": _set("person_key_secret_key", "hashes", "hashes"),
        "lora_adapters": _set(
            "lora_adapters",
            "{fr: 's3://m/fr'}",
            {"fr": "s3://m/fr"},
            ("transformer", "false", False),
        ),
        "lora_rank": _set("lora_rank", "16", 16),
        "model_cache_node_groups": _set("model_cache_node_groups", "[big]", ["big"]),
        "prometheus_url": _set("prometheus_url", "http://p:9090", "http://p:9090"),
        "requests_per_replica": _set("requests_per_replica", "9", 9),
        "monitoring_namespace": _set("monitoring_namespace", "observe", "observe"),
        "storage_cidrs": _set("storage_cidrs", "[10.0.0.0/8]", ["10.0.0.0/8"]),
        "storage_ports": _set("storage_ports", "[9000]", [9000]),
        "storage_namespace": _set("storage_namespace", "kubeflow", "kubeflow"),
        "dns_namespace": _set("dns_namespace", "openshift-dns", "openshift-dns"),
        "dns_port": _set("dns_port", "5353", 5353),
        "mesh": _set("mesh", "istio", "istio"),
        "image_pull_secrets": _set("image_pull_secrets", "[pull]", ["pull"]),
        "node_selector": _set("node_selector", "{pool: gpu}", {"pool": "gpu"}),
        "tolerations": _set("tolerations", "[{key: gpu}]", [{"key": "gpu"}]),
        "affinity": _set("affinity", "{nodeAffinity: {}}", {"nodeAffinity": {}}),
        "topology_spread_constraints": _set(
            "topology_spread_constraints", "[{maxSkew: 1}]", [{"maxSkew": 1}]
        ),
        "runtime_class_name": _set("runtime_class_name", "nvidia", "nvidia"),
        "pod_labels": _set("pod_labels", "{team: nlu}", {"team": "nlu"}),
        "pod_annotations": _set("pod_annotations", "{owner: nlu}", {"owner": "nlu"}),
        "monitoring_labels": _set("monitoring_labels", "{release: kps}", {"release": "kps"}),
        "timeout_seconds": Setting(("--timeout", "60"), 60.0),
        "max_restarts": _set("max_restarts", "5", 5),
        "unschedulable_seconds": _set("unschedulable_seconds", "900", 900.0),
        "probe": Setting(("--mode", "apply", "--probe", "s3://b/rows.jsonl"), "s3://b/rows.jsonl"),
        "probe_url": Setting(("--mode", "apply", "--probe-url", "http://s"), "http://s"),
        "git_repo": Setting(("--mode", "git", "--repo", "https://h/r.git"), "https://h/r.git"),
        "git_branch": Setting(("--mode", "git", "--branch", "live"), "live"),
        "git_path": Setting(("--mode", "git", "--path", "a/b"), "a/b"),
        "git_push_branch": Setting(("--mode", "git", "--push-branch", "pr"), "pr"),
    },
}

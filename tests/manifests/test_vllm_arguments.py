"""vLLM itself reads the arguments that are rendered for it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, ModelFacts, render

pytestmark = pytest.mark.real

_PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
args = vars(make_arg_parser(FlexibleArgumentParser()).parse_args(sys.argv[1:]))
print("\\n" + json.dumps({key: args[key] for key in %s}, default=lambda it: vars(it)))
"""
_ARGUMENTS = (
    "served_model_name",
    "max_model_len",
    "dtype",
    "quantization",
    "chat_template",
    "override_generation_config",
    "structured_outputs_config",
    "logprobs_mode",
    "enable_prefix_caching",
    "block_size",
    "enable_lora",
    "max_lora_rank",
    "lora_modules",
)


@pytest.fixture(scope="module")
def settings(vllm_program: Path) -> dict[str, Any]:
    """What vLLM takes everything that can be asked of it for."""
    facts = ModelFacts(
        uri="s3://models/intent",
        digest="a" * 64,
        prompt_digest="b" * 64,
        max_length=256,
        dtype="bfloat16",
        chat_template="chat_template.jinja",
    )
    options = DeployOptions(
        name="banking",
        gpu_count=0,
        transformer=False,
        lora_adapters={"cards": "s3://m/cards", "loans": "s3://m/l"},
    )
    objects = render(replace(facts, quantization="compressed-tensors"), options, None)
    runtime, service = (
        next(item for item in objects if item["kind"] == kind)
        for kind in ("ServingRuntime", "InferenceService")
    )
    arguments = runtime["spec"]["containers"][0]["args"]
    arguments += service["spec"]["predictor"]["model"]["args"]
    command = [vllm_program, "-c", _PARSE % repr(_ARGUMENTS), *arguments]
    parsed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert parsed.returncode == 0, parsed.stderr[-2000:]
    found: dict[str, Any] = json.loads(parsed.stdout.splitlines()[-1])
    return found


def test_server_is_greedy_and_constrains_as_evaluated(settings: dict[str, Any]) -> None:
    assert settings["override_generation_config"] == {"temperature": 0}
    assert settings["structured_outputs_config"]["backend"] == "guidance"


def test_confidences_are_of_what_the_grammar_leaves(settings: dict[str, Any]) -> None:
    assert settings["logprobs_mode"] == "processed_logprobs"


def test_model_is_served_as_it_was_trained(settings: dict[str, Any]) -> None:
    assert settings["served_model_name"] == ["banking"]
    assert settings["max_model_len"] == 2048
    assert (settings["dtype"], settings["quantization"]) == ("bfloat16", "compressed-tensors")
    assert settings["chat_template"] == "/mnt/models/chat_template.jinja"


def test_prompt_is_found_again(settings: dict[str, Any]) -> None:
    assert (settings["enable_prefix_caching"], settings["block_size"]) == (True, 32)


def test_adapters_have_their_names(settings: dict[str, Any]) -> None:
    assert (settings["enable_lora"], settings["max_lora_rank"]) == (True, 64)
    assert [(it["name"], it["path"]) for it in settings["lora_modules"]] == [
        ("cards", "/mnt/adapters/cards"),
        ("loans", "/mnt/adapters/loans"),
    ]

"""Adapters that vLLM cannot load are refused before anything is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment.adapter_check import require_servable_adapters
from intentflow.errors import InputError


def _adapter(folder: Path, **config: Any) -> dict[str, str]:
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **config}))
    return {"cards": str(folder)}


@pytest.mark.parametrize("rows", [[5, 6], {"embed_tokens": [5]}])
def test_an_adapter_with_rows_for_tokens_is_refused(tmp_path: Path, rows: Any) -> None:
    adapters = _adapter(tmp_path, trainable_token_indices=rows)
    with pytest.raises(InputError, match=r"adapter cards .* intent_tokens: false"):
        require_servable_adapters(adapters)


@pytest.mark.parametrize("rows", [None, [], {}])
def test_an_adapter_without_them_is_taken(tmp_path: Path, rows: Any) -> None:
    require_servable_adapters(_adapter(tmp_path, trainable_token_indices=rows))


def test_a_folder_without_a_configuration_is_left_to_the_server(tmp_path: Path) -> None:
    require_servable_adapters({"cards": str(tmp_path)})


@pytest.mark.real
def test_deploy_refuses_such_an_adapter_in_storage(s3_bucket: str, model_directory: Path) -> None:
    from intentflow.deployment import deploy
    from intentflow.deployment.options import DeployOptions
    from intentflow.storage import publish
    from intentflow.storage.s3 import S3Store
    from intentflow.storage.uris import parse_s3

    adapter = f"s3://{s3_bucket}/adapters/cards"
    config = json.dumps({"peft_type": "LORA", "trainable_token_indices": [5]})
    S3Store().write(parse_s3(adapter) / "adapter_config.json", config.encode())
    model = publish(model_directory, f"s3://{s3_bucket}/models").uri
    options = DeployOptions(name="a", transformer=False, lora_adapters={"cards": adapter})
    with pytest.raises(InputError, match="adapter cards"):
        deploy(model, options)

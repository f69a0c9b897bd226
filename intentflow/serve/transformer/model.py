"""The transformer as KServe's model server runs it: V1 and Open Inference (V2)."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model

from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.metrics import count_prediction
from intentflow.serve.transformer.recognizer import (
    Understander,
    Understanding,
    as_dict,
    read_instance,
)
from intentflow.serve.transformer.request_log import Keeper
from intentflow.serve.transformer.vllm_client import Message

REQUEST_ID = "x-request-id"
_UTTERANCE, _MESSAGES = "utterance", "messages"


class IntentModel(Model):  # type: ignore[misc]  # kserve is not typed
    """Utterances in, typed calls out.

    Args:
        name: In the routes.
        understander: Asks the predictor.
        keeper: Of requests.
        most_instances: Utterances of one request.
    """

    def __init__(
        self,
        name: str,
        understander: Understander,
        keeper: Keeper,
        most_instances: int,
    ) -> None:
        super().__init__(name)
        self._understander = understander
        self._keeper = keeper
        self._most = most_instances
        self.ready = True

    async def predict(
        self,
        payload: Any,
        headers: Mapping[str, str] | None = None,
        response_headers: Any = None,  # noqa: ARG002 - KServe's signature
    ) -> Any:
        """Predictions, one an instance; all instances are asked at once, for vLLM to batch.

        Raises:
            ServiceError: An instance that cannot be read, too many, or no answer.
        """
        request_id = (headers or {}).get(REQUEST_ID) or uuid.uuid4().hex
        if isinstance(payload, InferRequest):
            found = await self._understand_all(_v2_instances(payload), request_id)
            return self._v2_response(payload.id or request_id, found)
        found = await self._understand_all(_v1_instances(payload), request_id)
        return {"predictions": [as_dict(one) for one in found]}

    def get_input_types(self) -> list[dict[str, Any]]:
        """For the metadata of V2."""
        return [{"name": _UTTERANCE, "datatype": "BYTES", "shape": [-1]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """For the metadata of V2."""
        return [
            {"name": "calls", "datatype": "BYTES", "shape": [-1]},
            {"name": "confidence", "datatype": "FP64", "shape": [-1]},
            {"name": "out_of_scope", "datatype": "BOOL", "shape": [-1]},
        ]

    async def _understand_all(
        self, instances: list[list[Message]], request_id: str
    ) -> list[Understanding]:
        if len(instances) > self._most:
            raise ServiceError(413, f"{len(instances)} instances are more than {self._most}")
        tasks = [
            asyncio.ensure_future(self._understander.understand(messages, request_id))
            for messages in instances
        ]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        for messages, one in zip(instances, found, strict=True):
            count_prediction(one.calls)
            self._keeper.keep_request(request_id, messages, one)
        return list(found)

    def _v2_response(self, request_id: str, found: list[Understanding]) -> InferResponse:
        calls = [json.dumps(as_dict(one), ensure_ascii=False) for one in found]
        unknown = [one.confidence for one in found]
        outputs = [
            InferOutput("calls", [len(found)], "BYTES", calls),
            InferOutput("out_of_scope", [len(found)], "BOOL", [one.out_of_scope for one in found]),
        ]
        if None not in unknown:
            outputs.insert(1, InferOutput("confidence", [len(found)], "FP64", unknown))
        return InferResponse(request_id, self.name, outputs)


def _v1_instances(payload: object) -> list[list[Message]]:
    """Of ``{"instances": […]}``."""
    instances = payload.get("instances") if isinstance(payload, Mapping) else None
    if not isinstance(instances, list) or not instances:
        raise ServiceError(400, 'expected {"instances": ["an utterance", …]}')
    return [read_instance(instance) for instance in instances]


def _v2_instances(request: InferRequest) -> list[list[Message]]:
    """Of an input ``utterance`` with texts, or ``messages`` with JSON lists of messages."""
    for given in request.inputs:
        if given.name in (_UTTERANCE, _MESSAGES) and given.datatype == "BYTES":
            texts = [_text(item) for item in given.data]
            if not texts:
                raise ServiceError(400, f"the input {given.name} holds nothing")
            if given.name == _UTTERANCE:
                return [read_instance(text) for text in texts]
            return [read_instance({_MESSAGES: _json(text)}) for text in texts]
    raise ServiceError(400, "expected an input named utterance (or messages) of datatype BYTES")


def _text(item: object) -> str:
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError:
            raise ServiceError(400, "the input is not UTF-8") from None
    if not isinstance(item, str):
        raise ServiceError(400, "the input holds something that is no text")
    return item


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ServiceError(400, "the input messages holds something that is no JSON") from None

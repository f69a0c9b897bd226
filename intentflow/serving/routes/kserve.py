"""KServe's protocols, V1 and V2 (Open Inference): utterances in, typed calls out."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError

from intentflow.io.surrogates import is_unicode
from intentflow.serving.backend import Message
from intentflow.serving.binary_tensors import BINARY_TYPE, BinaryTensorRoute
from intentflow.serving.dialogue import read_instances, read_messages, require_count
from intentflow.serving.errors import ReplyError
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.limits import Limits
from intentflow.serving.model_header import model_header
from intentflow.serving.recognizer import Asked
from intentflow.serving.schemas.common import ChatMessage, ErrorResponse, StatusResponse
from intentflow.serving.schemas.infer import (
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelNames,
    ModelReadiness,
    OutputTensor,
    ServerMetadata,
    TensorMetadata,
)
from intentflow.serving.schemas.predict import PredictRequest, PredictResponse
from intentflow.serving.service import CurrentService
from intentflow.version import __version__

_UTTERANCE, _MESSAGES = "utterance", "messages"
_ANY = [-1]
_DIALOGUE = TypeAdapter(list[ChatMessage])
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorResponse, "description": "Refused"},
    "5XX": {"model": ErrorResponse, "description": "Not answered"},
}
_BINARY_BODY = {
    "requestBody": {"content": {BINARY_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


v1_router = APIRouter(prefix="/v1", tags=["KServe V1"], responses=_ERRORS)
v2_router = APIRouter(
    prefix="/v2",
    tags=["KServe V2 (Open Inference)"],
    responses=_ERRORS,
    route_class=BinaryTensorRoute,
)
root_router = APIRouter(tags=["KServe V1"], responses=_ERRORS)


@root_router.get("/")
async def root() -> StatusResponse:
    """State of the server, as KServe's V1 clients ask for it."""
    return StatusResponse(status="alive")


@v1_router.post("/models/{name}:predict")
async def predict(
    name: str,
    body: PredictRequest,
    request: Request,
    response: Response,
    service: CurrentService,
) -> PredictResponse:
    """Recognize utterances and dialogues, each by itself; a digest asks that model alone."""
    recognizer = service.recognizer_of(name)
    dialogues = read_instances(body.instances, service.limits)
    top_k = body.top_k or 0
    asked = Asked(request.state.request_id, service.log.hashed(body.person))
    found = await recognizer.recognize(dialogues, asked, top_k)
    response.headers.update(model_header(one.model for one in found))
    return PredictResponse(predictions=[one.as_prediction(top_k) for one in found])


@v2_router.get("")
async def server() -> ServerMetadata:
    """Name and version of the server."""
    extensions = ["binary_tensor_data"]
    return ServerMetadata(name="intentflow", version=__version__, extensions=extensions)


@v2_router.get("/models")
async def models(service: CurrentService) -> ModelNames:
    """The served model."""
    return ModelNames(models=[service.name])


@v2_router.get("/models/{name}")
async def metadata(name: str, service: CurrentService) -> ModelMetadata:
    """Inputs and outputs of the model."""
    service.backend_of(name)
    return _metadata(name)


@v2_router.get("/models/{name}/ready")
async def ready(name: str, service: CurrentService) -> ModelReadiness:
    """Whether the model answers now."""
    await service.require_backend(name)
    return ModelReadiness(name=name, ready=True)


@v2_router.post("/models/{name}/infer", openapi_extra=_BINARY_BODY)
async def infer(
    name: str,
    body: InferenceRequest,
    request: Request,
    response: Response,
    service: CurrentService,
) -> InferenceResponse:
    """Recognize the texts of the input, each by itself; a digest asks that model alone."""
    recognizer = service.recognizer_of(name)
    request_id = request.state.request_id
    top_k = (body.parameters.top_k if body.parameters else None) or 0
    person = service.log.hashed(body.parameters.person if body.parameters else None)
    dialogues = _dialogues(body, service.limits)
    found = await recognizer.recognize(dialogues, Asked(request_id, person), top_k)
    response.headers.update(model_header(one.model for one in found))
    return _response(name, body.id or request_id, found, top_k)


def _metadata(name: str) -> ModelMetadata:
    texts = TensorMetadata(name=_UTTERANCE, datatype="BYTES", shape=_ANY)
    outputs = [("calls", "BYTES"), ("confidence", "FP64"), ("out_of_scope", "BOOL")]
    return ModelMetadata(
        name=name,
        platform="",
        inputs=[texts],
        outputs=[TensorMetadata(name=n, datatype=kind, shape=_ANY) for n, kind in outputs],
    )


def _dialogues(body: InferenceRequest, limits: Limits) -> list[list[Message]]:
    """Dialogues of an input ``utterance`` with texts, or ``messages`` with JSON lists."""
    for tensor in body.inputs:
        if tensor.name in (_UTTERANCE, _MESSAGES) and tensor.datatype == "BYTES":
            texts = [_text(item) for item in tensor.data or []]
            if not texts:
                raise ReplyError(400, f"the input {tensor.name} holds nothing")
            if tensor.name == _UTTERANCE:
                return read_instances(texts, limits)
            require_count(len(texts), limits)
            return [read_messages(_dialogue(text), limits) for text in texts]
    raise ReplyError(400, "expected an input named utterance (or messages) of datatype BYTES")


def _text(item: object) -> str:
    if isinstance(item, str) and item and is_unicode(item):
        return item
    raise ReplyError(400, "the input holds something that is not a text, or an empty one")


def _dialogue(text: str) -> list[ChatMessage]:
    try:
        return _DIALOGUE.validate_python(json.loads(text))
    except (ValidationError, ValueError, RecursionError):
        raise ReplyError(
            400, "the input messages holds something that is not a JSON list of messages"
        ) from None


def _response(
    name: str, request_id: str, found: list[Interpretation], top_k: int
) -> InferenceResponse:
    shape = [len(found)]
    calls = [one.as_prediction(top_k).model_dump_json() for one in found]
    outside = [one.out_of_scope for one in found]
    outputs = [
        OutputTensor(name="calls", shape=shape, datatype="BYTES", data=calls),
        OutputTensor(name="out_of_scope", shape=shape, datatype="BOOL", data=outside),
    ]
    known = [one.confidence for one in found if one.confidence is not None]
    if len(known) == len(found):
        confidence = OutputTensor(name="confidence", shape=shape, datatype="FP64", data=known)
        outputs.insert(1, confidence)
    return InferenceResponse(model_name=name, id=request_id, outputs=outputs)

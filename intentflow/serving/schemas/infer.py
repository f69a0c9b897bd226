"""The Open Inference Protocol (V2), whose tensors hold texts here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from intentflow.serving.schemas.common import Text


class InputTensor(BaseModel):
    """``utterance`` with texts, or ``messages`` with JSON lists of chat messages."""

    name: Text
    shape: list[int]
    datatype: Text
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class InferenceRequest(BaseModel):
    """Utterances or dialogues to recognize."""

    id: Text | None = None
    inputs: list[InputTensor]
    parameters: dict[str, Any] | None = None


class OutputTensor(BaseModel):
    """``calls`` (predictions as JSON), ``confidence`` where it is known, ``out_of_scope``."""

    name: str
    shape: list[int]
    datatype: str
    data: list[str] | list[float] | list[bool]


class InferenceResponse(BaseModel):
    """One value of each output for each text of the input."""

    model_name: str
    model_version: str | None = None
    id: str
    outputs: list[OutputTensor]


class TensorMetadata(BaseModel):
    """Name, type and shape of an input or output; -1 is any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """Inputs and outputs of the model."""

    name: str
    versions: list[str] | None = None
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The server's name, version and extensions of the protocol."""

    name: str
    version: str
    extensions: list[str]


class Liveness(BaseModel):
    """Whether the server runs."""

    live: bool


class ServerReadiness(BaseModel):
    """Whether the server answers."""

    ready: bool


class ModelReadiness(BaseModel):
    """Whether the model answers."""

    name: str
    ready: bool


class ModelNames(BaseModel):
    """The served models."""

    models: list[str]

"""The Open Inference Protocol (V2), whose tensors hold texts here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from intentflow.serving.schemas.common import Person, Text, TopK


class InputTensor(BaseModel):
    """``utterance`` with texts, or ``messages`` with JSON lists of chat messages."""

    name: Text = Field(description="utterance or messages")
    shape: list[int] = Field(description="Number of texts, as a list of one or more sizes")
    datatype: Text = Field(description="BYTES, the protocol's type of texts")
    data: list[Any] | None = Field(None, description="The texts")
    parameters: dict[str, Any] | None = Field(
        None, description="Options of the protocol for this tensor"
    )


class InferenceParameters(BaseModel):
    """Options of a request; those of the protocol's extensions are ignored."""

    top_k: TopK | None = Field(
        None, description="Number of most probable intents to rank in each of calls; null for none"
    )
    person: Person = None


class InferenceRequest(BaseModel):
    """Utterances or dialogues to recognize."""

    id: Text | None = Field(
        None, description="Identifier of the request, returned with the answer; made up if null"
    )
    inputs: list[InputTensor] = Field(
        description="Tensors; the first one named utterance or messages is read"
    )
    parameters: InferenceParameters | None = Field(None, description="Options for the request")


class OutputTensor(BaseModel):
    """``calls`` (predictions as JSON), ``confidence`` where it is known, ``out_of_scope``."""

    name: str = Field(description="calls, confidence or out_of_scope")
    shape: list[int] = Field(description="Number of values, as a list of one size")
    datatype: str = Field(description="Type of the values in the protocol: BYTES, FP64 or BOOL")
    data: list[str] | list[float] | list[bool] = Field(
        description="The values, one for each text of the input, in order"
    )


class InferenceResponse(BaseModel):
    """One value of each output for each text of the input."""

    model_name: str = Field(description="Name of the served model")
    model_version: str | None = Field(None, description="Version of the model; null if it has none")
    id: str = Field(description="Identifier of the request")
    outputs: list[OutputTensor] = Field(description="The outputs")


class TensorMetadata(BaseModel):
    """Name, type and shape of an input or output; -1 is any length."""

    name: str = Field(description="Name of the tensor")
    datatype: str = Field(description="Type of its values in the protocol")
    shape: list[int] = Field(description="Sizes of the tensor; -1 is any number")


class ModelMetadata(BaseModel):
    """Inputs and outputs of the model."""

    name: str = Field(description="Name of the served model")
    versions: list[str] | None = Field(
        None, description="Versions of the model; null if it has none"
    )
    platform: str = Field(description="Empty: the protocol's platforms have no name for it")
    inputs: list[TensorMetadata] = Field(description="Tensors that a request may have")
    outputs: list[TensorMetadata] = Field(description="Tensors that an answer has")


class ServerMetadata(BaseModel):
    """The server's name, version and extensions of the protocol."""

    name: str = Field(description="Name of the server")
    version: str = Field(description="Version of the server")
    extensions: list[str] = Field(description="Extensions of the protocol that it supports")


class Liveness(BaseModel):
    """Whether the server runs."""

    live: bool = Field(description="Whether the server runs")


class ServerReadiness(BaseModel):
    """Whether the server answers."""

    ready: bool = Field(description="Whether the server answers predictions")


class ModelReadiness(BaseModel):
    """Whether the model answers."""

    name: str = Field(description="Name of the model")
    ready: bool = Field(description="Whether the model answers")


class ModelNames(BaseModel):
    """The served models."""

    models: list[str] = Field(description="Names of the served models")

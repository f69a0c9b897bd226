"""The binary tensor data extension of the Open Inference Protocol, for tensors of texts.

Source: kserve.github.io/website, "Binary Tensor Data Extension": the JSON document stands first,
its length in a header; behind it stand the tensors' bytes, each element of datatype BYTES with its
length before it, a 32-bit little-endian number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from intentflow.serving.errors import ReplyError

BINARY_TYPE = "application/octet-stream"
LENGTH_HEADER = "inference-header-content-length"
_LENGTH_BYTES = 4
_MAX_DIGITS = 18  # of a length; thousands are too many for Python


class BinaryTensorRoute(APIRoute):
    """A route whose handler sees a binary request as the equivalent JSON request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the conversion."""
        handle = super().get_route_handler()

        async def convert(request: Request) -> Response:
            if request.headers.get("content-type", "").startswith(BINARY_TYPE):
                body = as_json(await request.body(), request.headers.get(LENGTH_HEADER, ""))
                request = _json_request(request, body)
            return await handle(request)

        return convert


def as_json(body: bytes, json_length: str) -> bytes:
    """The JSON request that is equivalent to a binary one.

    Args:
        body: JSON document and tensors.
        json_length: The header with the document's length in bytes.

    Raises:
        ReplyError: The lengths do not fit the body, or the document is no request.
    """
    is_number = json_length.isdecimal() and len(json_length) <= _MAX_DIGITS
    length = int(json_length) if is_number else -1
    if not 0 <= length <= len(body):
        raise ReplyError(400, f"the header {LENGTH_HEADER} is missing or wrong")
    try:
        document = json.loads(body[:length])
        inputs = document["inputs"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ReplyError(400, "the request's JSON part holds no inputs") from None
    rest = memoryview(body)[length:]
    for tensor in inputs if isinstance(inputs, list) else []:
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is not None:
            if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(rest):
                raise ReplyError(400, "binary_data_size does not fit the request's body")
            tensor["data"] = list(_texts(bytes(rest[:size])))
            rest = rest[size:]
    return json.dumps(document).encode()


def _texts(tensor: bytes) -> Iterator[str]:
    position = 0
    while position < len(tensor):
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(tensor[start - _LENGTH_BYTES : start], "little")
        if position > len(tensor):
            raise ReplyError(400, "the input's binary data ends within an element")
        try:
            yield tensor[start:position].decode()
        except UnicodeDecodeError:
            raise ReplyError(400, "the input is not UTF-8") from None


def _json_request(request: Request, body: bytes) -> Request:
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
    scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)

"""A taxonomy as the tools of OpenAI's API, and answers as calls of those tools.

An intent is a function, its parameters are texts by name. The out-of-scope intent is no tool: an
utterance that belongs to no other intent is answered in words, as a function-calling model does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import orjson

from intentflow.calls import Call
from intentflow.serving.schemas.chat import CalledTool, FunctionCall
from intentflow.taxonomy import Intent, Taxonomy

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_STEM_CHARACTERS = 56  # leaves room for a number


def tools_of(taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """The tools of a taxonomy, for ``tools`` of a chat completion.

    Args:
        taxonomy: The intents; one whose name OpenAI's API does not allow gets one that it does,
            and its own in the description.

    Example:
        >>> taxonomy = Taxonomy(intents={"play": Intent(parameters=["artist"], min_parameters=1)})
        >>> tools_of(taxonomy)[0]["function"]["parameters"]["required"]
        ['artist']
    """
    names = tool_names(taxonomy)
    return [
        {"type": "function", "function": _function(name, intent, taxonomy.intents[intent])}
        for intent, name in names.items()
        if intent != taxonomy.out_of_scope
    ]


def tool_names(taxonomy: Taxonomy) -> dict[str, str]:
    """The name of each intent's tool: its own where OpenAI's API allows it.

    Example:
        >>> tool_names(Taxonomy(intents={"play": Intent(), "card arrival?": Intent()}))
        {'play': 'play', 'card arrival?': 'card_arrival'}
    """
    names = {intent: intent for intent in taxonomy.intents if _NAME.fullmatch(intent)}
    taken = set(names)
    for intent in taxonomy.intents:
        if intent not in names:
            names[intent] = _free_name(intent, taken)
            taken.add(names[intent])
    return {intent: names[intent] for intent in taxonomy.intents}


def tool_calls(
    calls: Sequence[Call], taxonomy: Taxonomy, declared: Collection[str], request_id: str
) -> list[CalledTool]:
    """The calls of tools that a client declares; empty if one of them is no such tool.

    Args:
        calls: The recognized calls.
        taxonomy: The model's taxonomy.
        declared: Names of the client's tools.
        request_id: Id of the request, for the ids of the calls.
    """
    names = tool_names(taxonomy)
    tools = [names.get(call.intent) for call in calls]
    if not all(
        tool in declared and call.intent != taxonomy.out_of_scope
        for tool, call in zip(tools, calls, strict=True)
    ):
        return []
    return [
        CalledTool(
            id=f"call_{request_id}_{number}",
            function=FunctionCall(name=str(tool), arguments=_arguments(call, taxonomy)),
        )
        for number, (tool, call) in enumerate(zip(tools, calls, strict=True))
    ]


def _arguments(call: Call, taxonomy: Taxonomy) -> str:
    """The values by name, as JSON text; an empty one only keeps the place of others."""
    names = taxonomy.intents[call.intent].parameters
    given = dict(zip(names, call.parameters, strict=False))
    return orjson.dumps({name: value for name, value in given.items() if value}).decode()


def _function(name: str, own_name: str, intent: Intent) -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = {
        parameter: {"type": "string"} for parameter in intent.parameters
    }
    for parameter, allowed in intent.values.items():
        properties[parameter]["enum"] = list(allowed)
    described = [intent.description, f"Intent {own_name}" if name != own_name else ""]
    schema = {
        "type": "object",
        "properties": properties,
        "required": intent.parameters[: intent.min_parameters],
        "additionalProperties": False,
    }
    about = ". ".join(filter(None, described))
    return {"name": name, "parameters": schema} | ({"description": about} if about else {})


def _free_name(intent: str, taken: Collection[str]) -> str:
    stem = _OTHER.sub("_", intent).strip("_")[:_STEM_CHARACTERS] or "intent"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    return name

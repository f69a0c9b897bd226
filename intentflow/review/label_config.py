"""Label Studio's form for an utterance: its intent, its parameters, and calls written by hand."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from intentflow.taxonomy import Taxonomy

UTTERANCE = "instruction"
"""Field of a task's data, and name of the text that shows it."""
INTENT = "intent"
"""Name of the question for the intent."""
PARAMETER = "parameter"
"""Name of the labels that mark values of parameters."""
WRITTEN = "output"
"""Name of the field for calls that a choice and marks cannot express."""

_MAX_WITHOUT_FILTER = 15


def label_config(taxonomy: Taxonomy) -> str:
    """The project's labelling configuration (XML): a choice for each intent, a label a parameter.

    Calls that cannot be marked (several intents, values that do not stand in the utterance) are
    written in a field, in the call language; what is written counts.

    Args:
        taxonomy: Intents and parameters to offer.

    Example:
        >>> from intentflow.taxonomy import Intent
        >>> made = label_config(Taxonomy(intents={"fly": Intent(parameters=["city"])}))
        >>> '<Choice value="fly" />' in made, '<Label value="city" />' in made
        (True, True)
    """
    view = ET.Element("View")
    _add(view, "Text", name=UTTERANCE, value=f"${UTTERANCE}")
    _add(view, "Header", value="Intent", size="4")
    if len(taxonomy.intents) > _MAX_WITHOUT_FILTER:
        _add(view, "Filter", name="filter", toName=INTENT, minlength="0")
    to = {"toName": UTTERANCE}
    choices = _add(view, "Choices", name=INTENT, choice="single-radio", showInline="true", **to)
    for name, intent in taxonomy.intents.items():
        hint = {"hint": intent.description} if intent.description else {}
        _add(choices, "Choice", value=name, **hint)
    parameters = parameter_names(taxonomy)
    if parameters:
        _add(view, "Header", value="Mark the values of the parameters in the utterance", size="4")
        labels = _add(view, "Labels", name=PARAMETER, **to)
        for name in parameters:
            _add(labels, "Label", value=name)
    shown = "Only for several intents, or values that do not stand in the utterance: the calls, "
    _add(view, "Header", value=f"{shown}such as {_example(taxonomy)}. They count.", size="4")
    field = {"editable": "true", "maxSubmissions": "1", "rows": "1"}
    _add(view, "TextArea", name=WRITTEN, **to, **field)
    return ET.tostring(view, encoding="unicode")


def parameter_names(taxonomy: Taxonomy) -> list[str]:
    """The names of all intents' parameters, each once, in the order of the taxonomy."""
    names = (name for intent in taxonomy.intents.values() for name in intent.parameters)
    return list(dict.fromkeys(names))


def _example(taxonomy: Taxonomy) -> str:
    name, intent = max(taxonomy.intents.items(), key=lambda item: len(item[1].parameters))
    return f"{name}({','.join(intent.parameters)})"


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, tag, attributes)

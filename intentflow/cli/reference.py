"""Reference of every step's configuration: field, flag, ``run.yaml`` key, default, description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from intentflow.cli.config_flags import flag_names
from intentflow.config import Flag, StrictModel, marker
from intentflow.pipeline.arguments import STEP_CONFIGS, run_key

_VERBS = {"balance": "curate"}
# Configurations with so many fields that only those with their own spelling have a flag.
_MOSTLY_SET = ("deploy",)


@dataclass(frozen=True)
class FieldReference:
    """The reference of a field.

    Attributes:
        field: Name of the field, as in the component's ``config``.
        verb: The subcommand whose flag sets it.
        flag: The flag; ``--set KEY=VALUE`` if it has none.
        run_key: The key of ``run.yaml``.
        default: The default as text; empty for none.
        description: Text of the field, as in ``--help`` and the JSON schema.
    """

    field: str
    verb: str
    flag: str
    run_key: str
    default: str
    description: str


def step_reference(step: str) -> list[FieldReference]:
    """The fields of a step's configuration, in their order.

    Args:
        step: Name of the step, a key of
            :data:`intentflow.pipeline.arguments.STEP_CONFIGS`.

    Example:
        >>> step_reference("quantize")[0].flag
        '--method'
    """
    return [
        FieldReference(
            field=name,
            verb=_VERBS.get(step, step),
            flag=_flag(step, name, field),
            run_key=run_key(step, name),
            default=_default(field),
            description=field.description or "",
        )
        for name, field in STEP_CONFIGS[step].model_fields.items()
    ]


def _flag(step: str, name: str, field: FieldInfo) -> str:
    if step in _MOSTLY_SET and marker(Flag, field.metadata) is None:
        return f"--set {name}=VALUE"
    return ", ".join(flag_names(name, field))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, StrictModel) or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

"""README.md of each component, from its docstrings, its signature and its configuration.

    python scripts/component_readmes.py

A test compares what is checked in with what this writes.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docstring_parser import DocstringStyle, parse

from intentflow.cli.reference import step_reference
from intentflow.pipeline.arguments import STEP_CONFIGS

COMPONENTS = Path(__file__).resolve().parents[1] / "components"
_PAGE = """\
<!-- Written by scripts/component_readmes.py from component.py; change the docstring there. -->
# {name}

{module}

{function}

```python
from intentflow.components.{name}.component import {name}
```

Image: `{image}`

## Inputs

{inputs}

## Outputs

{outputs}
{configuration}"""
_CONFIGURATION = """
## Configuration

Keys of `config`, with the flag of the command and the key of `run.yaml` that set the same.

{rows}
"""


def steps() -> list[str]:
    """Names of all components, which are those of their folders."""
    return sorted(file.parent.name for file in COMPONENTS.glob("*/component.py"))


def readme(step: str) -> str:
    """The page of one component, as Markdown."""
    module = importlib.import_module(f"intentflow.components.{step}.component")
    component = getattr(module, step)
    parsed = parse(component.python_func.__doc__, DocstringStyle.GOOGLE)
    specification = component.component_spec
    texts = {entry.arg_name: entry.description or "" for entry in parsed.params}
    if parsed.returns:
        texts["Output"] = parsed.returns.description or ""
    signature = inspect.signature(component.python_func)
    inputs = [
        [f"`{name}`", _type(signature.parameters[name].annotation), _default(entry), texts[name]]
        for name, entry in (specification.inputs or {}).items()
    ]
    outputs = [
        [f"`{name}`", _type(_annotation(signature, name)), texts.get(name, texts.get("Output", ""))]
        for name in (specification.outputs or {})
    ]
    return _PAGE.format(
        name=step,
        module=_markdown(inspect.getdoc(module) or ""),
        function=_markdown((parsed.description or "").strip()),
        image=specification.implementation.container.image,
        inputs=_table(["name", "type", "default", "meaning"], inputs),
        outputs=_table(["name", "type", "meaning"], outputs),
        configuration=_configuration(step),
    )


def _configuration(step: str) -> str:
    if step not in STEP_CONFIGS:
        return ""
    rows = [
        [
            f"`{entry.field}`",
            f"`{entry.verb} {entry.flag}`",
            f"`{entry.run_key}`",
            f"`{entry.default}`" if entry.default else "",
            entry.description,
        ]
        for entry in step_reference(step)
    ]
    head = ["key", "command", "run.yaml", "default", "meaning"]
    return _CONFIGURATION.format(rows=_table(head, rows))


def _annotation(signature: inspect.Signature, output: str) -> Any:
    """Of an output, which is an argument that is written to, or what the function returns."""
    found = signature.parameters.get(output)
    return found.annotation if found else signature.return_annotation


def _type(annotation: Any) -> str:
    """Such as ``Dataset`` or ``str``: artifacts are annotated with their direction."""
    return str(getattr(annotation, "__origin__", annotation).__name__)


def _default(entry: Any) -> str:
    if not entry.optional:
        return "required"
    return "none" if entry.default is None else f"`{entry.default!r}`"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(_lines([head, ["---"] * len(head), *rows]))


def _lines(rows: Iterable[list[str]]) -> Iterator[str]:
    for row in rows:
        cells = [_markdown(" ".join(cell.split())).replace("|", r"\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    """A docstring's literals as those of Markdown."""
    return text.replace("``", "`")


def main() -> None:
    """Write all pages."""
    for step in steps():
        (COMPONENTS / step / "README.md").write_text(readme(step), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The example notebook runs from its CSV to its answer."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.models import save_base_model

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebooks" / "csv-to-answer.ipynb"


def _output(cell: nbformat.NotebookNode) -> str:
    return "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_notebook_goes_from_a_csv_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBOOK_BASE_MODEL", str(save_base_model(tmp_path / "base")))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [_output(cell) for cell in notebook.cells if cell.cell_type == "code"]
    assert outputs[2] == "(38, 0)"
    assert any(
        f"intent='{name}'" in outputs[-1] for name in ("weather_search", "play_music", "stop")
    )


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell.source for cell in cells if cell.get("outputs")] == []

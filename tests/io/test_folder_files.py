"""Files of a folder: each is found once, or there is a line that states why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from intentflow.errors import InputError
from intentflow.io import folder_files
from intentflow.io.folder_files import files_below


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and a folder that has one."""
    made = tmp_path / "data"
    (made / "more").mkdir(parents=True)
    (made / "a.csv").write_text("a")
    (made / "more" / "b.csv").write_text("b")
    return made


def _names(folder: Path, *, hidden: bool = False) -> list[str]:
    return [str(name) for name in files_below(folder, "data", hidden=hidden)]


def test_files_of_folders_are_found_in_order(folder: Path) -> None:
    assert _names(folder) == ["a.csv", "more/b.csv"]


def test_a_copy_in_a_hidden_folder_is_left_out(folder: Path) -> None:
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "a-checkpoint.csv").write_text("a")
    assert _names(folder) == ["a.csv", "more/b.csv"]


def test_a_mounted_config_map_gives_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "..2026_11_30").mkdir()
    (tmp_path / "..2026_11_30" / "a.csv").write_text("a")
    (tmp_path / "..data").symlink_to("..2026_11_30")
    (tmp_path / "a.csv").symlink_to("..data/a.csv")
    assert _names(tmp_path) == ["a.csv"]


def test_hidden_files_are_found_where_they_count(folder: Path) -> None:
    (folder / ".old").mkdir()
    (folder / ".old" / "c.csv").write_text("c")
    assert ".old/c.csv" in _names(folder, hidden=True)


def test_a_link_to_a_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.csv").write_text("c")
    (folder / "linked").symlink_to("../elsewhere")
    assert "linked/c.csv" in _names(folder)


@pytest.mark.parametrize("target", [".", "..", "more"])
def test_a_link_to_what_is_read_already_is_skipped_with_a_warning(
    folder: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "zz").symlink_to(target)
    assert _names(folder) == ["a.csv", "more/b.csv"]
    assert "zz: skipped" in capsys.readouterr().err


def test_a_link_to_nothing_is_refused(folder: Path) -> None:
    (folder / "gone.csv").symlink_to("nowhere.csv")
    with pytest.raises(InputError, match=r"gone.csv is a link to nowhere.csv, which does not exi"):
        files_below(folder, "data")


def test_a_folder_that_cannot_be_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> object:  # as for an account that may not; root may read all
        if Path(path).name == "more":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(folder_files.os, "scandir", scandir)
    with pytest.raises(InputError, match="more: Permission denied; allow reading this folder"):
        files_below(folder, "data")


def test_a_pipe_is_skipped_with_a_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe.csv")
    assert _names(folder) == ["a.csv", "more/b.csv"]
    assert "pipe.csv: skipped, it is neither a file nor a folder" in capsys.readouterr().err

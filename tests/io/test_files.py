"""Files and directories that appear complete or not at all."""

import errno
import os
from pathlib import Path

import pytest

from intentflow.errors import IntentflowError
from intentflow.io.files import atomic_directory, atomic_file, sha256_directory, sha256_file


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"
    with atomic_file(target) as partial:
        partial.write_text("new", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "new"


def test_a_failed_block_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt), atomic_file(target) as partial:
        partial.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_private_file_is_readable_by_the_owner_only(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a", private=True) as partial:
        partial.write_text("secret", encoding="utf-8")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_reported_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(IntentflowError, match="disk full while writing"),
        atomic_file(tmp_path / "a"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_block_leaves_the_former_directory(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with atomic_directory(target) as partial:
        (partial / "weights").write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="stop"), atomic_directory(target) as partial:
        (partial / "weights").write_text("half", encoding="utf-8")
        raise ValueError("stop")
    assert (target / "weights").read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_directory_takes_the_place_of_the_former(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with atomic_directory(tmp_path / "model") as partial:
            (partial / name).touch()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["two"]


def test_a_directorys_digest_knows_names_and_contents(tmp_path: Path) -> None:
    digests = set()
    for name, text in (("a", "1"), ("b", "1"), ("a", "2")):
        folder = tmp_path / f"{name}{text}"
        folder.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
        digests.add(sha256_directory(folder))
    assert len(digests) == 3


def test_a_files_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert sha256_file(tmp_path / "a").startswith("e3b0c44298fc1c14")


def test_an_address_is_not_taken_for_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for write in (atomic_file, atomic_directory):
        with pytest.raises(IntentflowError, match="intentflow publish"), write("s3://b/k"):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EISDIR, errno.ENAMETOOLONG, errno.EIO])
def test_a_place_that_cannot_be_written_is_reported_in_one_line(tmp_path: Path, code: int) -> None:
    target = tmp_path / "a"
    with pytest.raises(IntentflowError) as caught, atomic_file(target):
        raise OSError(code, "x", str(target))
    assert str(caught.value) == f"cannot write {target}: {os.strerror(code)}"


def test_a_long_name_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="File name too long"), atomic_file("a" * 300):
        pass


def test_another_file_at_fault_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(IntentflowError, match="/elsewhere/b: No such file"),
        atomic_file(tmp_path / "a"),
    ):
        raise FileNotFoundError(errno.ENOENT, "x", "/elsewhere/b")


@pytest.mark.parametrize("inner", ["a.txt", "deep/a.txt"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, inner: str) -> None:
    file = tmp_path / "file"
    file.write_text("kept", encoding="utf-8")
    with (
        pytest.raises(IntentflowError, match="is a file; give a folder"),
        atomic_file(file / inner),
    ):
        pass


def test_a_folder_takes_no_files_place(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept", encoding="utf-8")
    with pytest.raises(IntentflowError, match="is a file; give a folder"), atomic_directory(file):
        pass
    assert file.read_text(encoding="utf-8") == "kept"

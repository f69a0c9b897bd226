"""Names from outside stay below the folder that they are put into."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.errors import IntentflowError
from intentflow.io.paths import inside, require_inside, require_relative

_CHARACTERS = st.text(st.sampled_from("ab./\\\0é "), max_size=12)


@pytest.mark.parametrize("name", ["a", "a/b.jsonl", "…/é", "a b", ".hidden", "a..b", "..."])
def test_plain_name_is_taken(name: str) -> None:
    assert require_relative(name, "s3://b/p") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/tmp/x",
        "//tmp/x",
        "a//b",
        "a/",
        "./a",
        "a/./b",
        "..",
        "../a",
        "a/..",
        "a\\b",
        "\0",
    ],
)
def test_name_that_is_no_plain_path_is_refused(name: str) -> None:
    with pytest.raises(IntentflowError, match="is refused"):
        require_relative(name, "s3://b/p")


@given(name=_CHARACTERS)
def test_whatever_is_taken_lies_in_the_folder(name: str) -> None:
    folder = Path("/srv/data")
    try:
        place = inside(folder, name, "s3://b/p")
    except IntentflowError:
        return
    assert place.resolve().is_relative_to(folder)
    assert place != folder


def test_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)

    with pytest.raises(IntentflowError, match="symbolic link"):
        inside(folder, "out/x", "s3://b/p")


def test_link_that_stays_inside_is_taken(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")

    assert inside(tmp_path, "link/x", "s3://b/p") == tmp_path / "link" / "x"


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(IntentflowError, match="symbolic link"):
        require_inside(tmp_path / "a", tmp_path, "a")

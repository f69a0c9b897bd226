"""Files of every shape, mutated, and any bytes: the readers keep their promises."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intentflow.conversion import blocks, parallel
from intentflow.errors import IntentflowError
from tests.conversion.rows import convert_content
from tests.fuzz.exports import NAMES, check_input
from tests.fuzz.shapes import SHAPES

MANY = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}-{len(shape[1])}")
def test_a_sound_file_of_every_shape_is_read(shape: tuple[str, bytes]) -> None:
    name, content = shape
    for asked in range(0, 256, len(NAMES)):
        check_input(bytes([min(NAMES.index(name) + asked, 255)]) + content)


@MANY
@given(st.integers(0, 255), st.binary(max_size=200))
def test_any_bytes_in_any_format(chosen: int, content: bytes) -> None:
    check_input(bytes([chosen]) + content)


@MANY
@given(st.integers(0, 255), st.sampled_from(SHAPES), st.data())
def test_any_damage_in_any_format(
    chosen: int, shape: tuple[str, bytes], data: st.DataObject
) -> None:
    content = shape[1]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    insert = data.draw(st.binary(max_size=6) | st.sampled_from([b'"', b"}", b"[", b"\n", b"\\"]))
    check_input(bytes([chosen]) + content[:start] + insert + content[end:])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=6), st.binary(max_size=20))
def test_one_process_and_two_come_to_the_same(
    tmp_path: Path, shapes: list[tuple[str, bytes]], end: bytes
) -> None:
    content = b"".join(shape[1] for shape in shapes) + end
    outcomes = []
    with pytest.MonkeyPatch.context() as patch:
        for module in (blocks, parallel):
            patch.setattr(module, "BLOCK_BYTES", 300)
        for workers in (1, 2):
            try:
                summary = convert_content(tmp_path, content, format="itag", workers=workers)
                found = (summary.rows, summary.digest, summary.reasons, summary.merged)
            except IntentflowError as error:
                found = (str(error),)
            rejects = tmp_path / "out.rejects.jsonl"
            outcomes.append((found, rejects.read_bytes() if rejects.exists() else b""))
    assert outcomes[0] == outcomes[1]

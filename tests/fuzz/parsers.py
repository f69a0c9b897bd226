"""What the parsers of foreign bytes promise: a value or one readable error, and nothing else."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from intentflow.calls import CallSyntaxError, OutputFormat, format_output, parse_output
from intentflow.errors import IntentflowError
from intentflow.gating.policy import Rules
from intentflow.io.addresses import mask_secrets, require_address
from intentflow.io.paths import inside
from intentflow.io.safe_yaml import load_yaml_text
from intentflow.printable import printable
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records, write_records
from intentflow.serving.tokens import Keys
from intentflow.storage import manifest
from intentflow.taxonomy import Taxonomy

_FOLDER = Path("/srv/data")


class Target(NamedTuple):
    """A parser to fuzz.

    Attributes:
        check: Takes the bytes and raises what breaks a promise.
        seeds: Inputs to begin with.
    """

    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def check_calls(data: bytes) -> None:
    """Calls that are read are read again, equal, from what is written of them."""
    text = data.decode("utf-8", "replace")
    formats: tuple[OutputFormat, ...] = ("call", "json")
    for form in formats:
        with contextlib.suppress(CallSyntaxError):
            calls = parse_output(text, form)
            assert calls
            assert parse_output(format_output(calls, form), form) == calls


def check_records(data: bytes) -> None:
    """Records that are read are read again, equal, from what is written of them."""
    with _file(data) as path, contextlib.suppress(IntentflowError):
        rows = read_records(path)
        write_records(path, rows)
        assert read_records(path) == rows


def check_manifest(data: bytes) -> None:
    """A manifest that is read names files below its folder alone, and is written as it was read."""
    with contextlib.suppress(IntentflowError):
        found = manifest.parse(data.decode("utf-8", "replace"), "manifest.json")
        assert all(inside(_FOLDER, entry.path, "m") != _FOLDER for entry in found.files)
        assert manifest.parse(found.to_json(), "manifest.json") == found


def check_yaml(data: bytes) -> None:
    """A configuration is checked and can be written, whatever the file holds."""
    text = data.decode("utf-8", "replace")
    for model in (Taxonomy, Recipe, Rules):
        with contextlib.suppress(IntentflowError):
            model.from_mapping(load_yaml_text(text, "f.yaml"), "f.yaml").model_dump_json()


def check_tokens(data: bytes) -> None:
    """A file of tokens lets nobody in without one."""
    with _file(data) as path, contextlib.suppress(IntentflowError):
        keys = Keys(path, None)
        assert keys.demanded
        assert not keys.accepts("Bearer ")
        assert not keys.accepts("")


def check_addresses(data: bytes) -> None:
    """An address that is taken is shown as it is; what is shown is one line."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(IntentflowError):
        address = require_address(text, "--url")
        assert mask_secrets(address) == address
    assert len(printable(mask_secrets(text)).splitlines()) <= 1


@contextmanager
def _file(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        yield path


_FILES = {"path": "a/b", "sha256": "0" * 64, "bytes": 1}
_MANIFEST = manifest.from_entries([manifest.Entry("a/b", "0" * 64, 1)]).to_json()
TARGETS = {
    "calls": Target(
        check_calls,
        (
            b'weather("a, b",c); play()',
            "天气(杭州（西湖）); f(***)".encode(),
            b'[{"intent": "weather", "parameters": ["a"]}]',
        ),
    ),
    "records": Target(
        check_records,
        (
            b'{"instruction": "a", "output": "f()"}\n{"instruction": "b", "output": "g(1)"}\n',
            b'[{"instruction": "a", "output": "f()", "synthetic": true, "dialogue": "7"},]',
            rb'{"instruction": "\ud83d\ude00", "output": "\ud800"}',
        ),
    ),
    "manifest": Target(
        check_manifest,
        (_MANIFEST.encode(), json.dumps({"format": "", "digest": "", "files": [_FILES]}).encode()),
    ),
    "yaml": Target(
        check_yaml,
        (
            b"intents:\n  weather: {description: d, parameters: [place]}\nout_of_scope: oos\n",
            b"model_name_or_path: x\nmethod: full\nlearning_rate: 3.0e-4\n",
            b'intents: {"\\ud800": {description: "\\U0001F600", values: {}}}',
            b"intents: {a: {description: !!bool yes}}\nc: !!timestamp 2001-12-14",
            b"minimum_rows: 200\nmetrics: &m {intent_accuracy: {min: 0.9}}\nper_intent: *m\n",
        ),
    ),
    "tokens": Target(check_tokens, (b"one\ntwo\n", b"\xef\xbb\xbfone", b"# comment\n\none")),
    "addresses": Target(
        check_addresses,
        (
            b"https://user:pw@host:80/v1?access_token=abc&x=1",
            b"https://u://user:pw@host:80access_token=abc&x=1",
            b"http://[::1]:8000/openai/v1",
        ),
    ),
}

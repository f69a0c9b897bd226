"""The project's glossary: private words are gone from names, docstrings, messages and docs.

Each row of the glossary is one pattern. What is searched: names that the package defines, its
docstrings, comments and string literals, the reports' templates, the starter files, manifests and
build files, the documentation, and the names, docstrings and comments of tests.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = ("intentflow", "components", "pipelines")
PROGRAMS = ("benchmarks", "scripts")
DOCUMENTS = ("*.md", "docs/**/*.md", "benchmarks/*.md", "manifests/*.md", "examples/**/*.md")
BUILD_FILES = (
    *(
        "intentflow/**/files/*.yaml",
        "examples/**/*.yaml",
        "recipes/**/*.yaml",
        "manifests/**/*.yaml",
    ),
    *("images/**/Containerfile", ".ci/run", "Makefile", "pyproject.toml", "conftest.py"),
)
UNFINISHED: tuple[str, ...] = ()
"""Folders or files still to be done; none is, and the list only shrinks."""

# Flags and variables keep their names; nouns of other fields that contain a word of the glossary.
INNOCENT = re.compile(
    r"--engine\b|INTENTFLOW_ENGINE|\bmachine[ -](?:learning|readable)\b|\blogits processors?\b"
    r"|\bpost processors?\b|\bsupport vector machines?\b|\bwhole\.json\b",
    re.IGNORECASE,
)
FLAG = re.compile(r"--[a-z][\w-]+")
ROW_EXECUTORS = ("intentflow/parallel", "intentflow/curation", "intentflow/conversion")


@dataclass(frozen=True)
class Term:
    """One row of the glossary.

    Attributes:
        pattern: The private word, in lower-case text.
        instead: What the field calls it.
        kinds: Kinds of text that the row is about.
        within: Folders that the row is about.
    """

    pattern: str
    instead: str
    kinds: tuple[str, ...] = ("name", "prose", "argument", "test")
    within: tuple[str, ...] = ("",)


TERMS = {
    "beside": Term(r"\bbeside\b", "compared with, next to"),
    "anew": Term(r"\banew\b|\bonce more\b", "again"),
    "told": Term(r"\b(told|said)\b|\bsays? so\b", "reported, states"),
    "whole": Term(r"\bwhole\b", "complete"),
    "come again": Term(r"\b(come|comes|came|coming) again\b", "retry"),
    "most and least": Term(
        r"\b(most|least)\b(?! (common|confident|confused|frequent|recent)\b)",
        "max, min",
        kinds=("name",),
    ),
    "maximum and minimum": Term(
        r"\b(longest|shortest|fewest|smallest|largest|biggest|highest|lowest|most|least)\b",
        "MAX_, MIN_; --max_…, --min_…",
        kinds=("constant", "flag"),
    ),
    "shape": Term(
        r"\bof (another|no|the same|any) (shape|kind)\b", "unexpected format (and the expected one)"
    ),
    "word": Term(r"\bno word\b", "no response from"),
    "engine": Term(r"\bengines?\b", "executor", within=ROW_EXECUTORS),
    "machine": Term(r"\b(machines?|processors?)\b", "CPU, GPU, node; local"),
    "human": Term(r"\banswers? of (the|a) human\b|\bhuman('s)? answers?\b", "label, gold label"),
    "stands for": Term(
        r"\b(stands?|stood|standing) for\b|\bmerged rows?\b|\brows? (is|are) merged\b",
        "duplicate of",
    ),
    "argument": Term(
        r"^(of|what|how|which|where|whose|who)\b", "a noun: URL of the service", kinds=("argument",)
    ),
    # In capitals alone: a line of a sentence may begin like this, too.
    "fragment": Term(
        r"^(?-i:After|As|Before|By|Called|For|From|Given|In|Its?|Likewise|See|Set|That|Their|They"
        r"|Those|With|When)\b"
        r"|^(?-i:The same|Same)\b",
        "a noun with what it is: Seconds of a call, all tries together",
        kinds=("argument",),
    ),
}


@dataclass(frozen=True)
class Text:
    """A piece of text and its place.

    Attributes:
        kind: ``name`` (words of an identifier), ``constant`` (those of one in capitals), ``flag``
            (those of an option), ``prose``, ``argument`` (description of one) or ``test`` (words
            of a test's name).
        path: File, relative to the repository.
        line: Line number, from 1.
        text: The text, without what is innocent.
    """

    kind: str
    path: str
    line: int
    text: str


@pytest.mark.parametrize("name", TERMS)
def test_a_private_word_is_gone(name: str) -> None:
    term = TERMS[name]
    pattern = re.compile(term.pattern, re.IGNORECASE)
    found = [
        f"{text.path}:{text.line}: {text.text.strip()[:90]}"
        for text in all_texts()
        if text.kind in term.kinds
        and text.path.startswith(term.within)
        and not text.path.startswith(UNFINISHED)
        and pattern.search(text.text)
    ]
    assert not found, f"write instead: {term.instead}\n" + "\n".join(found)


def test_a_public_docstring_starts_with_a_noun_or_a_verb() -> None:
    """As in "Number of rows" or "Read a file", which need no title to be understood."""
    question = re.compile(r"(what|how|where|which|whose|who|why|when)\b", re.IGNORECASE)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        f"{relative(path)}:{getattr(node, 'lineno', 1)}"
        for path in python_files(CODE)
        for node in ast.walk(parsed(path))
        if isinstance(node, kinds)
        and not getattr(node, "name", "").startswith("_")
        and "tests" not in path.parts
        and question.match(ast.get_docstring(node) or "")
    ]
    assert found == []


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in python_files(CODE):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef) and "tests" not in path.parts:
                places[node.name].append(relative(path))
    assert [
        (name, found)
        for name, found in places.items()
        if len(found) > 1 and not any(path.startswith(UNFINISHED) for path in found)
    ] == []


def test_constructors_are_documented_by_their_classes() -> None:
    missing = [
        f"{relative(path)}: {node.name}: {argument}"
        for path in python_files(CODE)
        if not relative(path).startswith(UNFINISHED)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for argument in constructor_arguments(node)
        if not re.search(rf"^ +([\w, ]+, )?{argument}\b.*: ", class_and_init_doc(node), re.M)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("kind", "text", "term"),
    [
        ("prose", "scored beside the champion", "beside"),
        ("prose", "Ask once more.", "anew"),
        ("name", "told engine", "told"),
        ("prose", "the whole file", "whole"),
        ("prose", "a fault comes again", "come again"),
        ("name", "most names", "most and least"),
        ("constant", "LONGEST WAIT", "maximum and minimum"),
        ("flag", "most instances", "maximum and minimum"),
        ("prose", "JSON of another shape", "shape"),
        ("prose", "no word from the server", "word"),
        ("name", "engine", "engine"),
        ("prose", "seconds of the processor", "machine"),
        ("prose", "the human's answer", "human"),
        ("prose", "the row that stands for them", "stands for"),
        ("argument", "Of the service.", "argument"),
        ("argument", "After the first try.", "fragment"),
        ("argument", "See the same.", "fragment"),
        ("argument", "The same of the classifier.", "fragment"),
        ("argument", "Same label as another row.", "fragment"),
        ("argument", "When it was labelled.", "fragment"),
        ("argument", "It is too long.", "fragment"),
        ("argument", "Its name.", "fragment"),
        ("argument", "Their number.", "fragment"),
    ],
)
def test_each_pattern_finds_its_word(kind: str, text: str, term: str) -> None:
    assert kind in TERMS[term].kinds
    assert re.search(TERMS[term].pattern, text, re.IGNORECASE)


@cache
def all_texts() -> tuple[Text, ...]:
    return tuple(
        Text(text.kind, text.path, text.line, INNOCENT.sub("", text.text))
        for text in (*code_texts(), *texts_of_tests(), *document_texts())
    )


def code_texts() -> Iterator[Text]:
    for path in python_files((*CODE, *PROGRAMS)):
        if "tests" in path.parts:
            continue
        place = relative(path)
        yield Text("name", place, 1, words_of(path.stem))
        for node in ast.walk(parsed(path)):
            for line, name in names(node):
                yield Text("name", place, line, words_of(name))
                if name.isupper():
                    yield Text("constant", place, line, words_of(name))
            yield from string_texts(node, place)
        yield from comments(path)
    for path in sorted(ROOT.glob("intentflow/report/templates/*")):
        yield from lines_of(path)
    for path in shell_scripts():
        yield from lines_of(path)
    for pattern in BUILD_FILES:
        for path in sorted(ROOT.glob(pattern)):
            yield from lines_of(path)


def texts_of_tests() -> Iterator[Text]:
    """Names, docstrings and comments; what else tests write is data."""
    for path in python_files(("tests", *CODE)):
        if "tests" not in path.relative_to(ROOT).parts:
            continue
        place = relative(path)
        yield Text("test", place, 1, words_of(path.stem))
        for node in ast.walk(parsed(path)):
            for line, name in names(node):
                yield Text("test", place, line, words_of(name))
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                for line in (ast.get_docstring(node) or "").splitlines():
                    yield Text("test", place, getattr(node, "lineno", 1), line)
        for comment in comments(path):
            yield replace(comment, kind="test")


def document_texts() -> Iterator[Text]:
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            yield from lines_of(path)


def lines_of(path: Path) -> Iterator[Text]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield Text("prose", relative(path), number, line)


def names(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that a node defines; those that it only uses may be a library's."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.lineno, node.name
    elif isinstance(node, ast.arg):
        yield node.lineno, node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.lineno, node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.lineno, node.attr


def string_texts(node: ast.AST, place: str) -> Iterator[Text]:
    is_help = isinstance(node, ast.keyword) and node.arg in ("help", "description")
    if is_help and isinstance(node.value, ast.Constant):
        description = str(node.value.value)  # that of a flag begins in lower case
        yield Text("argument", place, node.value.lineno, description[:1].upper() + description[1:])
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    if FLAG.fullmatch(node.value):
        yield Text("flag", place, node.lineno, words_of(node.value.replace("-", "_")))
    for offset, line in enumerate(node.value.split("\n")):
        yield Text("prose", place, node.lineno + offset, line)
    for left, right in pairwise(node.value.split("\n")):  # a phrase may go over a line's end
        yield Text("prose", place, node.lineno, f"{left[-40:]} {right.strip()[:40]}")
    for match in re.finditer(
        r"^ +(?:\*{0,2}\w[\w, ]*: |(?:Returns|Yields):\n +)(.+)$", node.value, re.MULTILINE
    ):
        yield Text("argument", place, node.lineno, match[1])


def comments(path: Path) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text("prose", relative(path), token.start[0], token.string)


def constructor_arguments(node: ast.ClassDef) -> list[str]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            arguments = [*part.args.args[1:], *part.args.kwonlyargs]
            return [item.arg for item in arguments]
    return []


def class_and_init_doc(node: ast.ClassDef) -> str:
    inits = [p for p in node.body if isinstance(p, ast.FunctionDef) and p.name == "__init__"]
    return "\n".join(ast.get_docstring(part, clean=False) or "" for part in (node, *inits))


def words_of(identifier: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", identifier).strip()


def python_files(folders: tuple[str, ...]) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def shell_scripts() -> list[Path]:
    found = (path for path in sorted((ROOT / "scripts").iterdir()) if path.is_file())
    return [path for path in found if path.read_bytes().startswith(b"#!/")]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))

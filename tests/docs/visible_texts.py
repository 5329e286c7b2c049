"""Every text that a user of the program can read, with the file and line where it is written.

Python: string constants, f-strings as one text, help of commands, descriptions of settings, docstrings of the public
API. JavaScript: string literals. HTML: text and the attributes that are shown or read aloud. Markdown: prose. A single
word in lower case is a text where it is passed to a function that speaks to the user, part of an f-string or the value
of a dictionary; elsewhere it is a name.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import comus_core
from comus_core import curation

ROOT = Path(__file__).parents[2]
PYTHON_ROOMS = ("comus_core", "app", "pages")

_SHOWN_ATTRIBUTE = re.compile(r'\b(?:title|alt|aria-label|placeholder)="([^"]*)"')
_TAG = re.compile(r"<[^<>]*>")
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|WITH|FROM|WHERE|ORDER|AND|ON)\b")
_REGEX = re.compile(r"\\[dwsb]|\(\?|\[\^")
_CSS = re.compile(r"\{[^{}]*:[^{}]*\}")
_NAMED = {"key", "name", "mode", "kind", "id"}  # keyword arguments that name things and are not shown
_SPEAKS = re.compile(r"(st|click|fields|choices|figures|states|notices)\.|(.*\.)?(counted|echo|listed|plain|\w*Error)$")


@dataclass(frozen=True)
class Text:
    """One text, as its reader sees it.

    Attributes:
        path: of the file, relative to the repository.
        line: where it begins, from 1.
        words: the text; a line break in it is one of the file.
    """

    path: str
    line: int
    words: str


def all_texts() -> Iterator[Text]:
    """Every visible text of the repository."""
    for room in PYTHON_ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from _of_file(path, python_texts)
    for suffix, reader in (("js", script_texts), ("html", markup_texts)):
        for path in sorted((ROOT / "app").rglob(f"*.{suffix}")):
            yield from _of_file(path, reader)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if path.name != "glossary.md":
            yield from _of_file(path, markdown_texts)
    yield from public_docstrings()


def python_texts(source: str) -> Iterator[tuple[int, str]]:
    """String constants and f-strings that may be shown, help of commands, descriptions of settings."""
    tree = ast.parse(source)
    names, spoken = ({id(node) for node in pick(tree)} for pick in (_names_of_things, _spoken))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | statements:
            words = node.value
        else:
            yield from _described(node)
            continue
        text = id(node) in spoken or (re.search(r"\s|[A-Z]", words) and id(node) not in names)
        if text and not (_SQL.match(words) or _REGEX.search(words) or _CSS.search(words)):
            yield node.lineno, " ".join(_without_tags(words).split())


def script_texts(source: str) -> Iterator[tuple[int, str]]:
    """String literals of JavaScript; of a template what stands between its placeholders."""
    literal = re.compile(
        r"""//[^\n]*|/\*.*?\*/|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`""", re.S
    )
    for match in literal.finditer(source):
        words = next((group for group in match.groups() if group is not None), "")
        if words:
            shown = _without_tags(re.sub(r"\$\{[^{}]*\}", "…", words))
            yield source.count("\n", 0, match.start()) + 1, shown


def markup_texts(source: str) -> Iterator[tuple[int, str]]:
    """Text of HTML, line by line, and the attributes that are shown or read aloud."""
    for number, line in enumerate(source.splitlines(), 1):
        yield number, _without_tags(line)


def markdown_texts(source: str) -> Iterator[tuple[int, str]]:
    """Paragraphs of Markdown, without code and the targets of links."""
    without = re.sub(r"^```.*?^```|^(?: {4}|\t).*?$", lambda m: "\n" * m[0].count("\n"), source, flags=re.S | re.M)
    without = re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->", lambda m: "…" + "\n" * m[0].count("\n"), without, flags=re.S)
    line = 1
    for paragraph in re.split(r"(\n\s*\n)", without):
        yield line, paragraph
        line += paragraph.count("\n")


def public_docstrings() -> Iterator[Text]:
    """Docstrings of every public name and of the methods of public classes."""
    names = [getattr(comus_core, name) for name in comus_core.__all__]
    names += [getattr(curation, name) for name in curation.__all__]
    for thing in names:
        if inspect.isclass(thing) or inspect.isfunction(thing):
            path = Path(inspect.getsourcefile(thing) or "")
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if getattr(node, "name", "") == thing.__name__:
                    for line, words in _docstrings(node):
                        yield Text(str(path.relative_to(ROOT)), line, words)


def _of_file(path: Path, reader: Callable[[str], Iterator[tuple[int, str]]]) -> Iterator[Text]:
    name = str(path.relative_to(ROOT))
    for line, words in reader(path.read_text(encoding="utf-8")):
        if words.strip():
            yield Text(name, line, words)


def _described(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The help of a command, and the descriptions of a settings class's fields."""
    decorators = [ast.unparse(one) for one in getattr(node, "decorator_list", ())]
    if isinstance(node, ast.FunctionDef) and any(re.search(r"\.(command|group)\b", one) for one in decorators):
        yield from _docstring(node)
    if isinstance(node, ast.ClassDef) and any(re.match(r"settings\b", one) for one in decorators):
        yield from _docstring(node)
        for field in node.body:
            if isinstance(field, ast.Expr) and isinstance(field.value, ast.Constant):
                yield field.lineno, str(field.value.value)


def _docstring(node: ast.FunctionDef | ast.ClassDef) -> Iterator[tuple[int, str]]:
    if ast.get_docstring(node):
        yield node.body[0].lineno, str(ast.get_docstring(node, clean=False))


def _docstrings(node: ast.stmt) -> Iterator[tuple[int, str]]:
    """The docstring of a function, or of a class and its public methods."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield from _docstring(node)
    for below in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(below, ast.FunctionDef) and not below.name.startswith("_"):
            yield from _docstring(below)


def _names_of_things(tree: ast.AST) -> Iterator[ast.AST]:
    """Constants that name something in the code: keys, indices, what is compared with, types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            yield from ast.walk(node.slice)
        elif isinstance(node, ast.Compare):
            yield from (below for side in (node.left, *node.comparators) for below in ast.walk(side))
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if isinstance(key, ast.Constant) and " " not in str(key.value))
        elif isinstance(node, ast.keyword) and node.arg in _NAMED:
            yield node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
            yield from node.args[:1]


def _spoken(tree: ast.AST) -> Iterator[ast.AST]:
    """Constants that are texts even if they are a single word in lower case."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _SPEAKS.match(ast.unparse(node.func)):
            shown = [value.value for value in node.keywords if value.arg not in _NAMED]
            yield from (one for value in (*node.args, *shown) for one in _alternatives(value))
        elif isinstance(node, ast.FormattedValue):
            yield from _alternatives(node.value)
        elif isinstance(node, ast.Dict):
            yield from (one for value in node.values for one in _alternatives(value))


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    """A value, or both values of a choice between two."""
    yield from (*_alternatives(node.body), *_alternatives(node.orelse)) if isinstance(node, ast.IfExp) else (node,)


def _without_tags(words: str) -> str:
    """HTML without its tags, followed by the attributes that are shown."""
    return " ".join([_TAG.sub(" ", words), *_SHOWN_ATTRIBUTE.findall(words)])

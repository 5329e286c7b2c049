"""What is counted for a person agrees with its number: "1 image", "2 images"."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOUNS = r"(images(?!: )|proposals|clusters|rows|rounds|masks|runs|categories|files|photographs|points|crops|groups)\b"
# Said of two and more alone, or of what need not agree: `{a} of {b} images` reads right with one too.
TELLERS = {"log", "echo", "caption", "markdown", "info", "warning", "success", "say", "toast", "write"}


def told(node) -> str:
    """An f-string with `{}` for every value."""
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def counts_by_hand(path: Path) -> list[str]:
    found = []
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in TELLERS:
            for text in (node for argument in call.args for node in ast.walk(argument)):
                if isinstance(text, ast.JoinedStr) and re.search(r"(?<!of )(?<!round )\{\} " + NOUNS, told(text)):
                    found.append(f"{path.relative_to(ROOT)}:{text.lineno}: {told(text)}")
    return found


@pytest.mark.parametrize("folder", ["comus_core", "app", "pages"])
def test_nothing_that_is_told_counts_by_hand(folder):
    assert [line for path in sorted((ROOT / folder).rglob("*.py")) for line in counts_by_hand(path)] == []


def test_the_search_finds_what_it_is_for():
    tree = ast.parse('tell.log(f"{n} images and {m} set aside")').body[0].value
    assert told(tree.args[0]) == "{} images and {} set aside" and re.search(r"\{\} " + NOUNS, told(tree.args[0]))

"""No decision of a page or a command is written without the version that it was based on."""

import ast

from tests.app.serving import ROOT

VERBS = {"rename", "merge", "split", "reject", "restore", "move", "accept", "erase", "undo", "redo"}
FILES = sorted(p for folder in ("app", "pages", "comus_core/cli") for p in (ROOT / folder).rglob("*.py"))


def written(source: str) -> list[tuple[str, bool]]:
    """Each mention of a verb of `curating` or of `append` of the log, and whether it is a call that names a version."""
    tree = ast.parse(source)
    calls = {id(node.func): {k.arg for k in node.keywords} for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            ours = isinstance(node.value, ast.Name) and node.value.id == "curating" and node.attr in VERBS
            log = isinstance(node.value, ast.Attribute) and node.value.attr == "decisions" and "append" in node.attr
            if ours or log:
                found.append((node.attr, "based_on" in calls.get(id(node), ())))
    return found


def test_the_search_finds_what_it_is_for():
    source = "curating.merge(view, [1], based_on=3)\nf(curating.undo)\nplace.decisions.append(1, 2)"
    assert sorted(written(source)) == [("append", False), ("merge", True), ("undo", False)]


def test_every_decision_names_its_version():
    assert [(f.name, verb) for f in FILES for verb, named in written(f.read_text()) if not named] == []


def test_there_are_decisions_to_look_at():
    assert sum(len(written(file.read_text())) for file in FILES) >= 20

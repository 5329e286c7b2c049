"""No decision of a page or a command is written without the version that it was based on."""

import ast

from tests.app.serving import ROOT

VERBS = {
    "rename",
    "merge",
    "split",
    "reject",
    "restore",
    "move",
    "create",
    "put_back",
    "accept",
    "erase",
    "exclude",
    "include",
    "redraw",
    "reset_mask",
    "undo",
    "redo",
}
DECIDING = {"deciding.act", "act", "partial"}  # the last: of `_decide`, within `deciding` itself
FILES = sorted(p for folder in ("app", "pages", "comus_core/cli") for p in (ROOT / folder).rglob("*.py"))


def written(source: str) -> list[tuple[str, bool]]:
    """Each mention of a verb of `curation` or of `append` of the log, and whether it is a call that names a version.

    A verb in `partial(…)` names it if that is handed to `deciding`, which knows the version and cannot do without.
    """
    tree = ast.parse(source)
    every = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = {id(node.func): {k.arg for k in node.keywords} for node in every}
    for node in every:
        clicked = [ast.unparse(k.value) for k in node.keywords if k.arg == "on_click"]
        if {ast.unparse(node.func), *clicked} & DECIDING:
            given = [*node.args, *(part for k in node.keywords for part in getattr(k.value, "elts", [k.value]))]
            handed = [part for part in given if isinstance(part, ast.Call) and ast.unparse(part.func) == "partial"]
            calls |= {id(part.args[0]): {"based_on"} for part in handed}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            ours = isinstance(node.value, ast.Name) and node.value.id == "curation" and node.attr in VERBS
            log = isinstance(node.value, ast.Attribute) and node.value.attr == "decisions" and "append" in node.attr
            if ours or log:
                found.append((node.attr, "based_on" in calls.get(id(node), ())))
    return found


def test_the_search_finds_what_it_is_for():
    source = "curation.merge(view, [1], based_on=3)\nf(curation.undo)\nplace.decisions.append(1, 2)"
    assert sorted(written(source)) == [("append", False), ("merge", True), ("undo", False)]


def test_every_decision_names_its_version():
    assert [(f.name, verb) for f in FILES for verb, named in written(f.read_text()) if not named] == []


def test_there_are_decisions_to_look_at():
    """Those of the pages; the command line decides through the verbs."""
    assert (
        sum(len(written(file.read_text())) for file in FILES) >= 10
    )  # of pages; the command line decides through verbs

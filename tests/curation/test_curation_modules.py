"""The room of decisions: small files, one direction, one door."""

import ast
from pathlib import Path

from comus_core import curation

FOLDER = Path(curation.__file__).parent
ORDER = ["category_names", "decision_history", "cluster_split", "cluster_edits", "proposal_edits"]  # lowest first


def test_each_file_is_short_and_leans_only_on_lower_ones():
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == sorted([*ORDER, "__init__"])
    for path in FOLDER.glob("*.py"):
        source = path.read_text()
        assert len(source.splitlines()) < 300
        if path.stem != "__init__":
            above = ORDER[ORDER.index(path.stem) :]
            imported = [node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
            assert [name for name in imported if name.startswith("comus_core.curation.") and name[20:] in above] == []


def test_every_public_name_is_offered_at_the_door():
    made = set()
    for path in FOLDER.glob("[a-z]*.py"):
        tree = ast.parse(path.read_text())
        made |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert {name for name in made if name[0] != "_"} - set(curation.__all__) == {"decide", "require_known"}
    assert all(hasattr(curation, name) for name in curation.__all__)

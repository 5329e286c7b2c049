"""The interface side never imports what only the job processes need, and keeps its state in one place."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.serving import ROOT

pytestmark = pytest.mark.thorough

HEAVY = ("torch", "torchvision", "timm", "umap", "sklearn", "numba", "onnxruntime")
IMPORT_ALL = """
import importlib, pkgutil, re, sys
from pathlib import Path
import app
for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name not in ("app.main", "app.frame"):
        importlib.import_module(module.name)
for page in sorted(Path("pages").glob("*.py")):
    imports = re.findall(r"^(?:from [\\w.]+ import (?:\\([^)]*\\)|.+)|import .+)$", page.read_text(), re.M)
    exec("\\n".join(imports), {})
import comus_core.jobs.actions, comus_core.scoring.run_scores
import comus_core.pipelines.model_selection, comus_core.pipelines.estimate
print(" ".join(sorted(set(sys.modules) & set(sys.argv[1:]))))
"""


def test_the_app_and_its_pages_import_nothing_heavy():
    command = [sys.executable, "-c", IMPORT_ALL, *HEAVY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []


def test_the_server_starts_without_the_stages_and_scipy():
    """They take 40 MiB and a second of every start, and a page that needs SciPy imports it by itself."""
    words = "import sys, streamlit, app.server.asgi; print(*sorted(m for m in sys.argv[1:] if m in sys.modules))"
    command = [sys.executable, "-c", words, "comus_core.stages", "scipy", "pandas", "pyarrow.dataset"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []


def test_only_the_state_file_touches_the_session_and_the_address():
    touching = {
        path.relative_to(ROOT).as_posix()
        for folder in ("app", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bst\.(session_state|query_params)\b", path.read_text())
    }
    # a component's event is to be had only under its own key, while its callback runs
    assert touching == {"app/state.py", "app/components/map/point_map/component.py"}


def test_pages_are_thin():
    lengths = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "pages").glob("*.py")}
    assert len(lengths) >= 7 and {name: n for name, n in lengths.items() if n > 90} == {}


def test_every_page_in_the_navigation_is_a_file():
    from app.components.shared.navigation import PAGES, PAGES_FOLDER, SECTIONS

    assert [name for name in PAGES if not Path(PAGES_FOLDER / PAGES[name].file).is_file()] == []
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(PAGES)

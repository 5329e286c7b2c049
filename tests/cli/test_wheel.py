"""The wheel holds all that the program needs, and serves its pages from an empty folder."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.app.serving import answering

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip"]
DRAW = """
import sys
from streamlit.testing.v1 import AppTest
import app, comus_core
assert app.__file__.startswith(sys.argv[1]) and comus_core.__file__.startswith(sys.argv[1])
test = AppTest.from_file(f"{sys.argv[1]}/app/frame.py", default_timeout=60).run()
assert not test.exception, test.exception
print(test.title[0].value)
"""


def packed() -> list[str]:
    """Every file of the program itself, relative to the repository."""
    files = [path for folder in ("app", "pages", "assets", "comus_core") for path in (ROOT / folder).rglob("*")]
    return [p.relative_to(ROOT).as_posix() for p in files if p.is_file() and "__pycache__" not in p.parts]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Where the wheel, built from a copy of the sources, is installed."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in [*packed(), "pyproject.toml", "requirements.txt", "README.md", "LICENSE"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", built, source], check=True)
    [wheel] = built.glob("*.whl")
    target = tmp_path_factory.mktemp("target")
    subprocess.run([*PIP, "install", "-q", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


def test_every_file_that_is_no_code_is_in_it_too(installed):
    assert len(packed()) > 400 and [name for name in packed() if not (installed / name).is_file()] == []


def test_it_serves_the_app_from_an_empty_folder(installed, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(installed), "COMUS_WORKSPACE": str(tmp_path / "w")}
    drawn = subprocess.run(
        [sys.executable, "-c", DRAW, installed], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert drawn.returncode == 0 and drawn.stdout.strip() == "COMUS Explorer", drawn.stderr
    words = ["comus_core", "app", "--workspace", str(tmp_path / "w"), "--no-browser", "--port"]
    with answering(lambda port: [*words, str(port)], "api/ready", tmp_path, tmp_path, PYTHONPATH=str(installed)) as url:
        assert urllib.request.urlopen(url).status == 200
    version = subprocess.run(
        [sys.executable, "-m", "comus_core", "--version"], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert version.stdout == "comus, version 0.1.0\n"

"""The reference is that of the code as it is, and holds every verb, setting and part."""

import subprocess
import sys
from pathlib import Path

import pytest

import comus_core
from comus_core import curation
from comus_core.config import PRESETS
from comus_core.datasets.dataset import FORMATS
from comus_core.features.encoders import ENCODERS
from comus_core.saliency.detectors import DETECTORS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def test_every_page_is_up_to_date():
    """In a process of its own: click remembers how a command was called first."""
    program = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(program, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_setting_and_part_is_in_it():
    api, settings, parts = ((REFERENCE / f"{name}.md").read_text() for name in ("api", "settings", "parts"))
    names = [*comus_core.__all__, *(f"curation.{name}" for name in curation.__all__)]
    assert [name for name in names if f"\n## {name}\n" not in api] == []
    preset = [f"{group}.{name}" for group, one in PRESETS["paper-voc"].items() if isinstance(one, dict) for name in one]
    assert preset and [name for name in preset if f"| `{name}` |" not in settings] == []
    for registry in (DETECTORS, ENCODERS, FORMATS):
        assert f"`{registry.group}`" in parts
        assert [spec.written for spec in registry.values() if f"| `{spec.written}` |" not in parts] == []


@pytest.mark.thorough
def test_an_editor_knows_the_type_of_every_public_name(tmp_path):
    """Names load on first use; to a type checker they must not be `Any` for that."""
    names = comus_core.__all__
    program = tmp_path / "program.py"
    program.write_text("import comus_core\n" + "".join(f"reveal_type(comus_core.{name})\n" for name in names))
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent", program],
        cwd=tmp_path, text=True, capture_output=True, env={"MYPYPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
    ).stdout  # fmt: skip
    revealed = [line.partition("Revealed type is ")[2] for line in told.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(names), told
    assert [name for name, type_ in zip(names, revealed, strict=True) if type_.strip('"') == "Any"] == []

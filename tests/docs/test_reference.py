"""The reference is that of the code as it is, and holds every verb, setting and part."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

import comus_core
from comus_core import curation
from comus_core.config import RunConfig
from comus_core.datasets.dataset import FORMATS
from comus_core.features.encoders import ENCODERS
from comus_core.saliency.detectors import DETECTORS
from comus_core.training.settings import TrainingSettings
from comus_core.verbs import VERBS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def test_every_page_is_up_to_date():
    """In a process of its own: click remembers how a command was called first."""
    program = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(program, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_and_part_is_in_it():
    api, parts = ((REFERENCE / f"{name}.md").read_text() for name in ("api", "parts"))
    names = [*comus_core.__all__, *(f"curation.{name}" for name in curation.__all__)]
    assert [name for name in names if f"\n## {name}\n" not in api] == []
    for registry in (DETECTORS, ENCODERS, FORMATS):
        assert f"`{registry.group}`" in parts
        assert [spec.written for spec in registry.values() if f"| `{spec.written}` |" not in parts] == []


def settings_classes():
    """A run's settings, a training's, and those of every verb."""
    return {RunConfig, TrainingSettings, *(verb.settings for verb in VERBS.values())}


def test_every_verb_is_in_it():
    page = (REFERENCE / "verbs.md").read_text()
    assert [verb.name for verb in VERBS.values() if f"| `comus {verb.command}` | `{verb.function}(" not in page] == []


@pytest.mark.parametrize("kind", sorted(settings_classes(), key=lambda kind: kind.__name__))
def test_every_setting_is_in_the_reference_and_in_a_schema_with_a_description(kind):
    _, _, section = (REFERENCE / "settings.md").read_text().partition(f"\n`{kind.__name__}`: ")
    rows = [line.strip("| ").split(" | ") for line in section.partition("\n## ")[0].splitlines() if line[:3] == "| `"]
    described = {name.strip("`"): words for name, *_, words in rows if len(words) > 10}
    expected = {name for name in names_of(kind) if kind is TrainingSettings or not name.startswith("training.")}
    assert expected <= described.keys()
    schemas = [json.loads(file.read_text()) for file in (REFERENCE / "schemas").glob("*.json")]
    [schema] = [schema for schema in schemas if schema["title"] == kind.__name__]
    for properties in [schema["properties"], *(nested["properties"] for nested in schema.get("$defs", {}).values())]:
        assert all(setting.get("description") or "$ref" in setting for setting in properties.values())
    assert names_of(kind) == names_in(schema, schema)


def names_of(kind, before=""):
    """The dotted names of a settings class's settings."""
    names = set()
    for field in dataclasses.fields(kind):
        nested = field.default_factory if dataclasses.is_dataclass(field.default_factory) else None
        names |= names_of(nested, f"{before}{field.name}.") if nested else {before + field.name}
    return names


def names_in(schema, top, before=""):
    """The same of a JSON schema."""
    names = set()
    for name, setting in schema["properties"].items():
        nested = top.get("$defs", {}).get(setting.get("$ref", "").rpartition("/")[2])
        names |= names_in(nested, top, f"{before}{name}.") if nested else {before + name}
    return names


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
    assert [verb.function for verb in VERBS.values() if verb.function not in names] == []
    assert [verb.settings.__name__ for verb in VERBS.values() if verb.settings.__name__ not in names] == []

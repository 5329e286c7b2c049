"""A detector of somebody else's package, exactly as CONTRIBUTING.md shows it, installed and run by its name."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from comus_core.features.encoders import ENCODERS
from comus_core.features.spec import EncoderSpec
from comus_core.plugins import Registry
from comus_core.saliency.detectors import DETECTORS
from tests.app.working import open_app

ROOT = Path(__file__).parents[2]
FILES = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.S)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder in which the package of CONTRIBUTING.md lies, installed by pip from its two files."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name, content in FILES.findall((ROOT / "CONTRIBUTING.md").read_text()):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", target, source], check=True)
    return target


@pytest.fixture
def known(installed, monkeypatch):
    """This process finds the package too, as one that began after its installation."""
    monkeypatch.syspath_prepend(installed)
    for registry in (DETECTORS, ENCODERS):
        vars(registry).pop("_from_packages", None)
    yield
    for registry in (DETECTORS, ENCODERS):
        vars(registry).pop("_from_packages", None)


def comus(installed, *words):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
    command = [sys.executable, "-m", "comus_core", *map(str, words)]
    return subprocess.run(command, env=environment, cwd=installed, text=True, capture_output=True)


@pytest.mark.thorough
def test_the_command_line_lists_it_and_runs_it_by_its_name(installed, drawn, drawn_settings, tmp_path):
    listed = comus(installed, "parts").stdout
    assert "  border: colour that differs from the border of the image (from comus-border 1.0)" in listed
    vectors = drawn_settings["features"]["encoder"].removeprefix("file:")
    place = ["--workspace", tmp_path / "w", "--json", tmp_path / "run.json"]
    done = comus(
        installed, "run", drawn, "--saliency", "border", "--until", "saliency", "--features-file", vectors, *place
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["proposals"] == 30
    assert told["supervision"]["direct"] == "masks"  # the vectors are somebody's own, and so unknown
    alone = comus(installed, "run", "nowhere", "--saliency", "bordure", *place)
    assert alone.returncode == 1 and "choose one of comus, u2netp" in alone.stderr and ", border" in alone.stderr


def test_the_maps_are_those_of_the_text(known):
    from comus_core.config import SaliencySettings
    from comus_core.saliency.detectors import detector_fingerprint, load_detector

    image = np.full((20, 30, 3), 40, np.uint8)
    image[6:14, 10:20] = 240
    [soft] = load_detector(SaliencySettings("border")).soft_maps([image], ["a"])
    expected = np.zeros((10, 15), np.float32)
    expected[3:7, 5:10] = 1
    np.testing.assert_array_equal(soft, expected)
    assert detector_fingerprint(SaliencySettings("border"), []).settings == {"detector": "border", "version": "1"}


def test_the_page_offers_it(known, monkeypatch, tmp_path):
    from comus_core import open_workspace

    test = open_app(monkeypatch, open_workspace(tmp_path), "new_run")
    assert not test.exception
    [offered] = [box.options for box in test.selectbox if "tokencut" in " ".join(box.options)]
    assert "border: colour that differs from the border of the image" in offered


def test_another_s_part_that_fails_is_named_and_stops_nothing_else(monkeypatch):
    class Broken:
        name, value, dist = "broken", "broken:SPEC", None

        def load(self):
            raise ImportError("no module named missing")

    class Taken(Broken):
        name = "taken"

        def load(self):
            return ENCODERS["dino-vits8"]

    class Wrong(Broken):
        name = "wrong"

        def load(self):
            return "a text"

    monkeypatch.setattr("comus_core.plugins.entry_points", lambda group: [Wrong(), Broken(), Taken()])
    registry = Registry("encoder", "any", EncoderSpec, [ENCODERS["dino-vits8"]])
    assert list(registry) == ["dino-vits8"]
    assert list(registry.faults) == ["broken", "taken", "wrong"]
    with pytest.raises(Exception, match="encoder 'broken' cannot be used: broken:SPEC: ImportError: no module named"):
        registry.named("broken")
    assert "is taken" in registry.faults["taken"] and "is a str, not a EncoderSpec" in registry.faults["wrong"]

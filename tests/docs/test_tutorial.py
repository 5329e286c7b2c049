"""Every `comus` command of `docs/tutorial.md`, read from the page and run in its order in a folder with drawn images.

Two things are not as on the page: `comus app` is left running only until it answers, and `comus train` has settings of
a training of seconds. What a person does in Label Studio is drawn, in the format that Label Studio documents.
"""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import urllib.request
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from comus_core import open_workspace
from comus_core.cli.main import cli
from comus_core.export.formats.label_studio import brush_code
from comus_core.imports.brush import decode
from comus_core.runs.run_view import open_run_view
from tests.builders import TINY_TRAINING, draw_folder
from tests.docs.test_commands import LINE, ROOT
from tests.imports.label_studio import submitted

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SHORT = [word for name, value in TINY_TRAINING.items() if name != "rounds" for word in ("--set", f"{name}={value}")]


class Tutorial:
    """The commands run so far, in the folder that holds `photos/`."""

    def __init__(self):
        self.commands = [shlex.split(line)[1:] for line in LINE.findall(PAGE)]
        self.done = 0

    def run(self, *head):
        """Run the next command of the page, which begins with these words; its output."""
        words = self.commands[self.done]
        assert words[: len(head)] == list(head), f"the next command of the page is {words}"
        self.done += 1
        done = CliRunner().invoke(cli, words + (SHORT if head == ("train",) else []), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def open_app(self):
        """Start the app as the page says, left running, and end it once it answers."""
        words = self.commands[self.done]
        assert words[0] == "app"
        self.done += 1
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        command = [sys.executable, "-m", "comus_core", *words, "--detach", "--no-browser", "--port", port]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        process = int(done.stderr.rsplit("kill ", 1)[1])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                assert answer.read() == b"ok"
        finally:
            os.kill(process, 15)


@pytest.fixture
def tutorial(tmp_path, monkeypatch, pypi_weights):
    draw_folder(tmp_path / "drawn", count=20, seed=3, empty=0)
    for name, images in (("photos", range(18)), ("new-photos", range(18, 20))):
        (tmp_path / name).mkdir()
        for number in images:
            shutil.move(tmp_path / "drawn" / "images" / f"{number:03d}.png", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMUS_WORKSPACE", raising=False)
    return Tutorial()


def mask_of(region):
    return decode(region["value"]["rle"], (region["original_height"], region["original_width"]))


def corrected_in_label_studio():
    """Write `labels/corrected.json`: one mask halved, one in another category, one deleted, one new."""
    tasks = json.loads(Path("labels/tasks.json").read_text())
    regions = [deepcopy(region) for task in tasks for p in task["predictions"] for region in p["result"]]
    names = {region["value"]["brushlabels"][0] for region in regions}
    changed, moved, deleted = (region["id"] for region in regions[:3])
    assert {"boat", "bird"} <= names

    def kept(region):
        label = region["value"]["brushlabels"]
        if region["id"] == changed:
            mask = mask_of(region)
            mask[: int(np.flatnonzero(mask.any(axis=1)).mean())] = False
            region["value"]["rle"] = brush_code(mask)
        if region["id"] == moved:
            region["value"]["brushlabels"] = ["bird" if label == ["boat"] else "boat"]
        return region["id"] != deleted

    content = submitted(tasks, kept=kept)
    corner = np.zeros((regions[3]["original_height"], regions[3]["original_width"]), bool)
    corner[-8:, -10:] = True
    painted = {"format": "rle", "rle": brush_code(corner), "brushlabels": ["bird"]}
    like = {k: v for k, v in regions[3].items() if k not in ("meta", "score")}
    content[3]["annotations"][0]["result"].append({**like, "id": "vK3x_Q9aWe", "origin": "manual", "value": painted})
    Path("labels/corrected.json").write_text(json.dumps(content))
    return regions, corner


def up_to_the_corrections(tutorial):
    """Steps 1 to 6."""
    assert "18 images, 18 usable" in tutorial.run("images")
    tutorial.run("run", "photos/")
    workspace = open_workspace("workspace")
    first = workspace.runs.find("latest")
    tutorial.open_app()
    tutorial.run("clusters", "list", "latest")
    for name in ("boat", "bird"):
        assert f"to {name}" in tutorial.run("clusters", "rename")
    tutorial.run("clusters", "filter", "latest", "20")
    assert workspace.decisions_of(first).filter_percent == 20

    tutorial.run("export", "latest", "--format", "label-studio")
    listed = {file for file in ("tasks.json", "label_config.xml", "images", "comus.json") if f"`labels/{file}" in PAGE}
    assert {path.name for path in Path("labels").iterdir() if path.name[0] != "."} == listed
    regions, corner = corrected_in_label_studio()
    preview = tutorial.run("import", "latest", "labels/corrected.json", "--preview")
    assert workspace.runs.find("latest").id == first.id, preview
    tutorial.run("import", "latest", "labels/corrected.json")
    assert_corrected(workspace, first, regions, corner)


@pytest.mark.thorough
def test_the_commands_up_to_the_corrections_do_what_the_page_says(tutorial):
    up_to_the_corrections(tutorial)
    assert tutorial.commands[tutorial.done] == ["train", "latest"]


@pytest.mark.slow  # packaging alone takes most of a minute
def test_every_command_of_the_tutorial_does_what_the_page_says(tutorial):
    up_to_the_corrections(tutorial)
    tutorial.run("train", "latest")
    tutorial.run("package", "latest@2")
    assert Path("segmenter/model.onnx").is_file()
    tutorial.run("predict", "latest@2")
    for name in ("018", "019"):
        assert Image.open(f"masks/masks/{name}.png").size == Image.open(f"new-photos/{name}.png").size
    assert {"boat", "bird"} <= set(Path("masks/classes.txt").read_text().splitlines())
    tutorial.run("export", "latest@2")
    assert len(json.loads(Path("labels-2/tasks.json").read_text())) == 18
    assert tutorial.done == len(tutorial.commands)


def assert_corrected(workspace, first, regions, corner):
    """The new run has the four corrections, and every other mask as it was."""
    second = workspace.runs.find("latest")
    assert second.id != first.id
    view, before = open_run_view(workspace, second), open_run_view(workspace, first)
    decided = workspace.decisions_of(second)
    assert decided.filter_percent == 20
    masks, categories = view.masks(decided), view.categories(decided)
    changed, moved, deleted = (region["meta"]["comus_id"] for region in regions[:3])
    name = {str(p): decided.name_of(int(categories.id_of[row])) for row, p in enumerate(view.proposals.proposal_id)}
    assert deleted not in view.row_of
    assert name[moved] != regions[1]["value"]["brushlabels"][0]
    half = masks.mask(view.row_of[changed])
    whole = before.proposals.mask(before.row_of[changed])
    rows = np.flatnonzero(whole.any(axis=1))
    assert np.array_equal(half, whole & (np.arange(len(whole)) >= int(rows.mean()))[:, None]) and half.any()
    [new] = set(view.row_of) - set(before.row_of)
    assert name[new] == "bird"
    there = before.proposals.mask(before.row_of[regions[3]["meta"]["comus_id"]])
    assert np.array_equal(masks.mask(view.row_of[new]), corner) and not (there & corner).any()
    for region in regions[3:]:
        proposal = region["meta"]["comus_id"]
        assert np.array_equal(masks.mask(view.row_of[proposal]), before.proposals.mask(before.row_of[proposal]))

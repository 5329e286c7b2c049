"""The paper's figures on the Evaluate page: the same files as the command writes, and no image from outside."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.components.scores import figures_panel
from comus_core import FigureSettings, paper_figure
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from tests.app.working import texts
from tests.builders import copy_of


@pytest.mark.parametrize("name", ["figure-3.png", "figure-3.csv", "figure-9.csv"])
def test_the_download_is_the_file_of_the_command(finished, tmp_path, name):
    workspace, run = finished
    settings = FigureSettings(name[7], str(tmp_path / name), run.id)
    paper_figure(workspace, settings)
    view = open_run_view(workspace, run)
    assert figures_panel.content(view, RunRound(run, 0), settings) == (tmp_path / name).read_bytes()


def test_the_page_names_the_commands(app_test, shown):
    workspace, run = shown
    test = app_test("scores", workspace=workspace)
    assert not test.exception
    commands = [code.value for code in test.code]
    for number, ending in (("3", "png"), ("9", "html")):
        wanted = f"comus figure {number} --out figure-{number}.{ending} --run {run.id}@0"
        assert any(command.startswith(wanted) for command in commands), commands
    assert "Figure 3: core and filtered proposals of each cluster" in texts(test)


def test_an_image_that_a_link_leads_out_to_stays_grey(finished, tmp_path, monkeypatch):
    run = copy_of(finished, tmp_path)[1]
    images, outside = tmp_path / "images", tmp_path / "outside"
    shutil.copytree(finished[0].images_root(run), images)
    run = replace(run, provenance={**run.provenance, "root": str(images)})
    view, settings = open_run_view(finished[0], run), FigureSettings("3", "figure.png", run.id)

    def grey() -> int:
        picture = Image.open(io.BytesIO(figures_panel.content(view, RunRound(run, 0), settings)))
        return int((np.asarray(picture) == 0xDD).all(axis=2).sum())

    assert grey() < 100
    images.rename(outside)
    for path in [file for file in outside.rglob("*") if file.is_file()]:
        link = images / path.relative_to(outside)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(outside))
    assert grey() < 100
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path / "elsewhere"))
    assert grey() > 6 * 90 * 90

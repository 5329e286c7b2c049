"""A run is its settings, its images and its ground truth by content; what is finished stays finished."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.config import TruthSettings
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import Cancelled, DatasetError, SettingsError
from comus_core.pipelines.compare import compare
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_truth import truth_fingerprint, truth_of_run
from tests.builders import copy_of, write_vectors

pytestmark = pytest.mark.thorough


def own(folder, **changes):
    """Settings over a drawn folder whose masks and vectors lie below it."""
    settings = {
        "dataset": str(folder),
        "saliency": {"detector": f"masks:{folder / 'proposals'}"},
        "features": {"encoder": f"file:{folder / 'vectors.npz'}"},
        "clustering": {"neighbours": 6},
    }
    return make_config(**settings | changes)


@pytest.fixture
def folder(drawn, tmp_path):
    """The drawn photographs with their masks twice: as ground truth and as what proposals are made of."""
    made = shutil.copytree(drawn, tmp_path / "holiday")
    shutil.copytree(made / "masks", made / "proposals")
    write_vectors(made, made / "vectors.npz")
    return made


def turn_classes(folder):
    """Other annotations of the same images: disc and square change names in every fourth mask."""
    for path in sorted((folder / "masks").glob("*.png"))[::4]:
        mask = np.asarray(Image.open(path))
        Image.fromarray(np.array([0, 2, 1, 3], np.uint8)[mask]).save(path)


def test_other_annotations_of_the_same_images_are_a_run_of_their_own_that_shares_the_work(folder, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    first = discover(own(folder), workspace)
    workspace.decisions.append(first.id, first.artifacts["clustering"], "rename", cluster=0, name="Zebra")
    assert first.result["evaluation"]["miou"] == 100.0
    turn_classes(folder)
    second = discover(own(folder), workspace)
    assert second.id != first.id and second.result["computed"] == ["truth", "counts"]
    assert second.result["evaluation"]["miou"] < 90
    kept = workspace.runs.get(first.id)
    assert (kept.state, kept.result, kept.artifacts) == ("done", first.result, first.artifacts)
    shared = {kind for kind in first.artifacts if first.artifacts[kind] == second.artifacts[kind]}
    assert set(first.artifacts) - shared == {"counts"}
    assert workspace.decisions_of(kept).names == {0: "Zebra"} and workspace.decisions_of(second).names == {}
    with pytest.raises(SettingsError, match="scored with different annotations"):
        compare(RunRound(kept, 0), RunRound(second, 0), workspace)


def test_ground_truth_that_changed_is_never_shown_with_the_scores_of_the_old_one(folder, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    run = discover(own(folder), workspace)
    assert truth_of_run(workspace, run).has("images/000.png")
    turn_classes(folder)
    with pytest.raises(DatasetError, match=f"has changed since run {run.id} was scored"):
        truth_of_run(workspace, run)


def test_masks_that_change_places_in_subfolders_are_other_annotations(drawn, tmp_path):
    images, masks = tmp_path / "in" / "images", tmp_path / "in" / "masks"
    for number, part in enumerate(("a", "b")):
        for kind, home in (("images", images), ("masks", masks)):
            (home / part).mkdir(parents=True)
            shutil.copy(drawn / kind / f"{number:03d}.png", home / part / "1.png")
    shutil.copy(drawn / "classes.txt", tmp_path / "in")
    workspace = open_workspace(tmp_path / "w")
    before = truth_fingerprint(workspace, open_dataset(str(tmp_path / "in"), tmp_path), TruthSettings())
    a, b, aside = masks / "a/1.png", masks / "b/1.png", tmp_path / "aside.png"
    for source, target in ((a, aside), (b, a), (aside, b)):
        shutil.move(source, target)
    assert truth_fingerprint(workspace, open_dataset(str(tmp_path / "in"), tmp_path), TruthSettings()) != before


def test_a_renamed_folder_is_the_same_run_with_its_names_and_trainings_read_the_new_one(folder, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    run = discover(own(folder), workspace)
    other = discover(own(folder, filter_percent=50), workspace)
    assert "holiday" not in run.id
    workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=0, name="Zebra")
    workspace.runs.describe(run.id, name="my run")
    renamed = folder.rename(tmp_path / "holiday-2024")
    again = discover(own(renamed), workspace)
    assert (again.id, again.name, again.artifacts) == (run.id, "my run", run.artifacts)
    assert again.result["computed"] == [] and workspace.decisions_of(again).names == {0: "Zebra"}
    assert workspace.images_root(again) == renamed and again.config == own(renamed)
    followed = workspace.runs.get(other.id)  # on the same images, lost with the same folder
    assert workspace.images_root(followed) == renamed and followed.config == own(renamed, filter_percent=50)


@pytest.mark.parametrize("fault", [RuntimeError("broken"), Cancelled("stopped"), KeyboardInterrupt()])
def test_a_finished_run_stays_finished_whatever_a_later_attempt_comes_to(finished, drawn_settings, tmp_path, fault):
    workspace, run = copy_of(finished, tmp_path)

    def stop(progress):
        raise fault

    shutil.rmtree(workspace.artifact(run, "clustering").folder)  # so that there is work to be stopped in
    with pytest.raises(type(fault)):
        discover(make_config(**drawn_settings), workspace, on_progress=stop)
    kept = workspace.runs.get(run.id)
    assert (kept.state, kept.result, kept.artifacts) == ("done", run.result, run.artifacts)


@pytest.mark.parametrize("until", ["images", "saliency", "clustering"])
def test_asked_for_less_a_finished_run_keeps_its_score(finished, drawn_settings, tmp_path, until):
    workspace, run = copy_of(finished, tmp_path)
    again = discover(make_config(**drawn_settings), workspace, until=until)
    assert (again.state, again.result, again.artifacts) == ("done", run.result, run.artifacts)


def test_a_stopped_run_remembers_what_it_finished(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)

    def stop(progress):
        if progress.stage == "clustering" and progress.step == progress.total:
            raise Cancelled("stopped")  # where a job hears of it that was asked to stop while it clustered

    with pytest.raises(Cancelled):
        discover(make_config(**drawn_settings), workspace, on_progress=stop)
    run = workspace.runs.find("latest")
    assert run.state == "cancelled"
    assert list(run.artifacts) == ["images", "soft_maps", "proposals", "features", "clustering"]


def test_of_two_attempts_at_one_run_the_one_that_is_stopped_takes_nothing_from_the_other(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)

    def overtaken(progress):
        if progress.stage == "clustering":
            discover(make_config(**drawn_settings), open_workspace(tmp_path))
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        discover(make_config(**drawn_settings), workspace, on_progress=overtaken)
    run = workspace.runs.find("latest")
    assert run.state == "done" and run.result["evaluation"]["miou"] == 100.0
    assert "counts" in run.artifacts and "pseudo_masks" in run.artifacts


STUCK = """
import sys, time
from comus_core import discover, make_config, open_workspace
def stuck(progress):
    if progress.stage == "clustering":
        print("there", flush=True)
        time.sleep(120)
detector, encoder = f"masks:{sys.argv[1]}/masks", f"file:{sys.argv[2]}"
config = make_config(dataset=sys.argv[1], saliency={"detector": detector}, features={"encoder": encoder})
discover(config, open_workspace(sys.argv[3]), on_progress=stuck)
"""


def test_a_killed_run_says_so_and_the_same_command_goes_on(drawn, tmp_path):
    from click.testing import CliRunner

    from comus_core.cli.main import cli

    workspace, vectors = open_workspace(tmp_path / "w"), drawn.parent / "vectors.npz"
    command = [sys.executable, "-c", STUCK, str(drawn), str(vectors), str(workspace.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"there\n"
        assert workspace.runs.find("latest").state == "running"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    run = workspace.runs.find("latest")
    assert run.state == "interrupted" and list(run.artifacts) == ["images", "soft_maps", "proposals", "features"]
    listed = CliRunner().invoke(cli, ["runs", "--workspace", str(workspace.root)]).output
    assert "interrupted" in listed and "stopped unexpectedly; the same command goes on" in listed
    assert (
        '"state": "interrupted"'
        in CliRunner().invoke(cli, ["show", run.id, "--json", "-", "--workspace", str(workspace.root)]).output
    )
    done = discover(run.config, workspace)
    assert (done.id, done.state) == (run.id, "done") and "features" not in done.result["computed"]


def test_a_run_of_another_machine_is_at_work_while_it_gives_signs_of_life(workspace_with_foreign_attempt):
    workspace, beat = workspace_with_foreign_attempt
    beat(time.time() - 30)
    assert workspace.runs.get("far").state == "running"
    beat(time.time() - 90)
    assert workspace.runs.get("far").state == "interrupted"


@pytest.fixture
def workspace_with_foreign_attempt(tmp_path):
    """A running run whose process is on another host, and a way to set its heartbeat."""
    from comus_core.config import RunConfig
    from comus_core.workspace import Run

    workspace = open_workspace(tmp_path)
    workspace.runs.save(Run("far", "far", RunConfig("photos")))
    insert = "INSERT OR REPLACE INTO attempts VALUES (1, 'far', ?, 'start', 'another host', 'boot', ?)"

    def beat(at):
        with workspace.database.writing() as connection:
            connection.execute(insert, (os.getpid(), at))

    return workspace, beat

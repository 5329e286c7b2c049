"""Hostile image files among good ones: none crashes or stalls a run, and each is used or listed with a reason."""

import os
import time

import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs.artifact_readers import usable_ids
from tests.faults.hostile_images import write_good, write_hostile

pytestmark = pytest.mark.thorough
SECONDS_A_FILE = 3.0  # a stall is far longer, on any machine


def run_on(folder, workspace, until):
    config = make_config(
        dataset=str(folder), saliency={"detector": "comus"}, features={"encoder": "efficientnet-lite0"}
    )
    return discover(config, workspace, DiscoverSettings(until), device="cpu")


def outcome_of(folder, workspace, run):
    """The images that a run used, and the reason for every other file by its path."""
    used = set(usable_ids(workspace.artifact(run, "images")))
    return used, {entry["path"].rstrip("/"): entry["reason"] for entry in run.result["skipped_files"]}


@pytest.mark.parametrize(
    ("hostile", "good", "until"),
    [
        (112, 20, "images"),
        pytest.param(1_000, 200, "features", marks=pytest.mark.slow),
    ],
)
def test_hostile_files_neither_crash_nor_stall_a_run_and_each_is_listed(tmp_path, hostile, good, until):
    folder, workspace = tmp_path / "photos", open_workspace(tmp_path / "w")
    folder.mkdir()
    fine, bad = write_good(folder, good), write_hostile(folder, hostile)
    began = time.monotonic()
    run = run_on(folder, workspace, until)
    assert time.monotonic() - began < 60 + SECONDS_A_FILE * (hostile + good)
    used, reasons = outcome_of(folder, workspace, run)
    assert set(fine) <= used
    folders = {name for name in bad if (folder / name).is_dir()}  # they hold nothing but a link to what was read
    unlisted = [name for name in bad if name not in used and name not in reasons and name not in folders]
    assert unlisted == []
    assert all(len(reason) > 10 and "Traceback" not in reason for reason in reasons.values())
    never = ("cut-", "bomb-", "stranger-", "zeros-", "special-")
    assert [name for name in used - folders if name.startswith(never)] == []
    assert len(used) + len(reasons) == run.result["images"]
    assert len(os.listdir(folder)) >= hostile + good

"""An image that kills whatever works on it: the run goes on without it, in the result, the score and the pages."""

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import shards
from comus_core.workspace.shard_attempts import Attempt, attempt_at
from tests.builders import draw_folder

LOST = "images/004.png"
WHY = "the process was killed 3 times"


@pytest.fixture
def run_without(monkeypatch, tmp_path):
    """A run of 12 drawn images in which one kills one kind of stage; the rest is as it is."""
    folder = draw_folder(tmp_path / "shapes", count=12)
    settings = {"dataset": str(folder), "saliency": {"detector": f"masks:{folder / 'masks'}"}}
    settings |= {"features": {"encoder": "efficientnet-lite0"}, "clustering": {"clusters": 3}}

    def run(kind: str | None):
        def killed_before(shard, place):
            if kind is None or f"artifacts/{kind}/" not in place:
                return attempt_at(shard, place)
            found = Attempt(attempt_at(shard, place).file, kills=3, set_aside={LOST: WHY})
            found.keep()
            return found

        monkeypatch.setattr(shards, "attempt_at", killed_before)
        workspace = open_workspace(tmp_path / "w")
        return workspace, discover(make_config(**settings), workspace)

    return run


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["images", "soft_maps", "features", "counts"])
def test_the_run_goes_on_without_it_and_tells(run_without, kind):
    workspace, run = run_without(kind)
    result = run.result
    assert run.state == "done" and result["images"] == 12
    assert result["skipped_files"] == [{"path": LOST, "reason": WHY}] and result["skipped"] == 1
    view = open_run_view(workspace, run)
    counted = {i for i in view.counts.image_id}
    assert LOST not in counted and len(counted) == 11  # in no score
    assert len(view) == result["proposals"] == (10 if kind == "counts" else 9)
    if kind != "counts":
        assert LOST not in set(view.proposals.image_id)
        assert np.isfinite(view.vectors()).all() and len(view.vectors()) == 9


@pytest.mark.thorough
def test_what_follows_is_computed_anew_once_the_image_can_be_worked_on(run_without):
    """Nothing below remembers the loss: the folder that the reason names is deleted, and the run is whole."""
    import shutil

    workspace, run = run_without("soft_maps")
    shutil.rmtree(workspace.artifact(run, "soft_maps").folder)
    _, whole = run_without(None)
    assert whole.id == run.id and whole.result["skipped"] == 0 and whole.result["proposals"] == 10
    assert "proposals" in whole.result["computed"] and "features" in whole.result["computed"]


def test_a_second_run_still_tells_what_the_first_set_aside(run_without):
    _, first = run_without("features")
    _, again = run_without(None)
    assert again.result["computed"] == [] and again.result["skipped_files"] == first.result["skipped_files"]

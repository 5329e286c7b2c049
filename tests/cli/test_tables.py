"""What is printed of a run's result."""

import shutil
from dataclasses import replace

from comus_core.cli.tables import print_result
from tests.builders import copy_of


def test_pseudo_masks_are_named_while_they_are_there(finished, tmp_path, capsys):
    workspace, run = copy_of(finished, tmp_path)
    print_result(workspace, run)
    folder = workspace.artifact(run, "pseudo_masks").folder
    assert f"pseudo-masks: {folder / 'masks'}" in capsys.readouterr().out
    shutil.rmtree(folder)
    print_result(workspace, run)
    assert "pseudo-masks" not in capsys.readouterr().out


def test_a_run_that_stopped_early_is_not_said_to_lack_ground_truth(finished, capsys):
    workspace, run = finished
    print_result(workspace, replace(run, result=run.result | {"evaluation": None}))
    assert "stopped before its evaluation" in capsys.readouterr().out
    without = replace(
        run, result=run.result | {"evaluation": None, "truth": None}, provenance=run.provenance | {"classes": []}
    )
    print_result(workspace, without)
    assert "no ground truth" in capsys.readouterr().out


def test_images_without_a_mask_of_the_users_own_are_counted(finished, capsys):
    workspace, run = finished
    print_result(workspace, replace(run, result=run.result | {"without_mask": [f"{k}.jpg" for k in range(7)]}))
    out = capsys.readouterr().out
    assert "7 images without a mask of yours" in out and "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 2 more" in out

"""The previews of a run's training: which images, what they score, and that they are kept with the network."""

import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from comus_core import open_workspace
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import WorkspaceError
from comus_core.evaluation.matching import match
from comus_core.maintenance.delete import delete
from comus_core.pipelines.train import train
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs import artifact_readers as tables
from comus_core.runs.training_previews import (
    choose_examples,
    example_ids,
    images_to_preview,
    previewed_images,
    previewed_mask,
    scored_ids,
    spread,
)
from comus_core.training import TrainSettings, make_training
from comus_core.workspace import Artifact
from tests.builders import copy_of
from tests.training.rounds import TINY
from tests.training.test_loop import one_thread  # noqa: F401

pytestmark = pytest.mark.thorough


def test_examples_are_spread_over_the_categories_from_the_middle_of_each():
    images = np.array(["a", "b", "c", "d", "e", "f", "g", "a", "h"], object)
    category = np.array([0, 0, 0, 1, 1, 2, 3, 2, -1])
    kept = np.array([True, True, True, True, False, True, False, True, True])
    distance = np.array([0.1, 0.3, 0.2, 0.5, 0.1, 0.9, 0.1, 0.2, 0.0])
    # c is the middle of a, c, b; of category 2 "a" (nearest) comes before "f"; category 3 keeps nothing
    assert choose_examples(images, category, kept, distance, most=3) == ("c", "d", "a")
    assert choose_examples(images, category, kept, distance, most=9) == ("c", "b", "d", "a", "f")
    assert choose_examples(images, category, kept, distance, most=2) == ("c", "d")
    assert choose_examples(images, category, np.zeros(9, bool), distance) == ()


def test_spread_takes_evenly_and_in_order():
    assert spread("abc", 5) == ["a", "b", "c"] and spread(range(10), 4) == [0, 2, 5, 7] and spread([], 3) == []


SETTINGS_1 = make_training(**TINY | {"rounds": 1}, preview_every=3)


@pytest.fixture(scope="module")
def watched(finished, tmp_path_factory):
    """(workspace, run, training, previews seen at each step of round 1 while it trained)."""
    (workspace, run), seen = copy_of(finished, tmp_path_factory.mktemp("watched")), {}

    def watch(progress):
        if progress.stage == "round 1":
            previews = workspace.trainings.previews(workspace.trainings.of_run(run.id)[0])
            masks = [previewed_mask(workspace, p.network, p.step, i) for p in previews for i in chosen]
            seen[progress.step] = ([preview.step for preview in previews], masks)

    chosen = example_ids(workspace, run, workspace.decisions_of(run))
    return workspace, run, train(run, workspace, TrainSettings(SETTINGS_1, seed=21), on_progress=watch), seen


def test_previews_can_be_read_while_the_round_trains_and_stay_with_the_network(watched):
    workspace, run, training, seen = watched
    assert [seen[step][0] for step in range(5)] == [[], [], [], [3], [3, 4]]
    previews = workspace.trainings.previews(training)
    examples = example_ids(workspace, run, workspace.decisions_of(run))
    assert [(preview.round, preview.step, preview.images) for preview in previews] == [(1, 3, 30), (1, 4, 30)]
    assert {preview.network for preview in previews} == {training.artifacts["network-1"]}
    assert len(set(examples)) == 6 and previewed_images(workspace, previews[0].network) == list(examples)
    kept = [previewed_mask(workspace, preview.network, preview.step, i) for preview in previews for i in examples]
    assert len(seen[4][1]) == 12 and all(np.array_equal(a, b) for a, b in zip(kept, seen[4][1], strict=True))
    files = workspace.artifacts.get("network", previews[0].network).manifest()["files"]
    assert "previews/0000004/5.png" in files
    with pytest.raises(WorkspaceError, match="has no preview of image nowhere at step 4"):
        previewed_mask(workspace, previews[0].network, 4, "nowhere")


def test_the_score_of_the_last_preview_is_that_of_loops_over_the_rounds_own_masks(watched, drawn):
    workspace, _, training, _ = watched
    assert SETTINGS_1.prediction.flip and SETTINGS_1.prediction.saliency  # both are in the masks of the round
    predicted = workspace.artifacts.get("predictions", training.artifacts["predictions-1"])
    pairs = Counter()
    for row in predicted.table().to_pylist():
        mask = from_png(predicted.file(row["file"]).read_bytes())
        truth = from_png((drawn / "masks" / f"{row['image_id'][-7:-4]}.png").read_bytes())
        pairs.update(zip(mask.ravel().tolist(), truth.ravel().tolist(), strict=True))
    table = np.array([[pairs[(category, c)] for c in range(4)] for category in range(4)])
    class_of, ious = match(table).class_of, []
    for c in range(4):
        own = [k for k in range(4) if class_of[k] == c]
        hit, union = table[own, c].sum(), table[own].sum() + table[:, c].sum()
        ious.append(hit / (union - hit))
    previews = workspace.trainings.previews(training)
    assert previews[-1].miou == pytest.approx(100 * np.mean(ious), abs=1e-9)
    assert previews[-1].miou == training.result["rounds"][1]["miou"]


def test_how_often_and_with_which_views_there_are_previews_is_not_in_the_network(watched):
    workspace, run, training, _ = watched
    plain = {"prediction.flip": False, "prediction.saliency": 0.0, "labels.saliency": 0.0, "preview_every": 2}
    plainly = train(run, workspace, TrainSettings(make_training(**TINY | {"rounds": 1}, **plain), seed=21))
    assert plainly.artifacts["network-1"] == training.artifacts["network-1"]
    assert workspace.trainings.previews(plainly) == workspace.trainings.previews(training)


def test_previews_of_many_images_are_scored_on_48_spread_over_those_with_ground_truth(finished):
    usable = [f"{k:03d}" for k in range(100)]

    class Truth:
        def has(self, image_id):
            return int(image_id) >= 4

    dataset = replace(open_dataset(finished[1].config.dataset, finished[0].drawings), truth=Truth())
    assert scored_ids(dataset, usable) == tuple(usable[4 + k * 2] for k in range(48))
    assert scored_ids(replace(dataset, truth=None), usable) == ()


def test_soft_maps_for_previews_are_read_once_and_are_those_of_the_run(watched, monkeypatch):
    workspace, run, *_ = watched
    dataset, maps = open_dataset(run.config.dataset, workspace.drawings), workspace.artifact(run, "soft_maps")
    ids = tuple(file.image_id for file in dataset.files[:3])
    images = images_to_preview(dataset, ids, maps)
    expected = tables.read_soft_maps(maps, ids)
    monkeypatch.setattr(Artifact, "reading", None)  # nothing is read from here on
    for image_id, soft in zip(ids, expected, strict=True):
        assert np.array_equal(images.soft_map(image_id), soft) and soft.max() > 0.5
    assert images_to_preview(dataset, ids, None).soft_map is None


def test_no_previews_is_a_setting_and_a_deleted_run_takes_its_previews_along(watched, tmp_path):
    shutil.copytree(watched[0].root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    run, before = workspace.runs.get(watched[1].id), watched[2]
    never = train(run, workspace, TrainSettings(make_training(**TINY | {"rounds": 1}, preview_every=0), seed=22))
    assert workspace.trainings.previews(never) == [] and previewed_images(workspace, never.artifacts["network-1"]) == []
    assert make_training("paper-voc").preview_every == 0 and make_training().preview_every > 0
    delete(run, workspace)
    assert workspace.trainings.previews(before) == []

"""What a student learns from: of the teacher's pixels the sure ones, and what a setting makes anew."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from comus_core.pipelines.train import train
from comus_core.stages.labels import labelled
from comus_core.training import make_training
from comus_core.training.prediction import input_size
from tests.training.rounds import SETTINGS, TINY, context_of, keys_of_two_rounds

pytestmark = pytest.mark.thorough


def test_the_keys_are_those_of_what_was_trained(trained):
    keys = keys_of_two_rounds(trained)
    assert {name: key.fingerprint for name, key in keys.items()}.items() <= trained[2].artifacts.items()


@pytest.mark.parametrize(
    ("changes", "own", "below"),
    [
        ({"confidence": 0.4}, {"network-2"}, {"predictions-2"}),
        ({"balance": 0.5}, {"network-2"}, {"predictions-2"}),
        ({"soft": True}, {"predictions-1", "network-2"}, {"predictions-2"}),
        ({"predict_saliency": 0.2}, {"predictions-1", "predictions-2"}, set()),
        ({"label_saliency": 0.2}, set(), {"network-2", "predictions-2"}),
        ({"classifier_share": 0.5}, {"predictions-1", "predictions-2"}, {"network-2"}),
        ({"object_share": 0.6}, {"predictions-1", "predictions-2"}, {"network-2"}),
        ({"refine": "guided"}, {"predictions-1", "predictions-2"}, {"network-2"}),
        ({"mix": 0.5}, {"network-1", "network-2"}, {"predictions-1", "predictions-2"}),
    ],
)
def test_a_setting_makes_anew_what_it_influences_and_nothing_else(trained, changes, own, below):
    before, after = keys_of_two_rounds(trained), keys_of_two_rounds(trained, **changes)
    assert {k for k in before if before[k].settings != after[k].settings} == own
    assert {k for k in before if before[k].fingerprint != after[k].fingerprint} == own | below


def test_two_rounds_with_every_label_option_keep_soft_labels_where_a_student_learns_from_them(trained):
    workspace, run, plain = trained
    changes = {"mix": 0.5, "balance": 0.9, "refine": "guided", "soft": True}
    training = train(run, workspace, make_training(**TINY, **changes))
    assert training.state == "done" and 0 < training.result["rounds"][2]["miou"] <= 100
    keys = keys_of_two_rounds(trained, **changes)
    assert {name: key.fingerprint for name, key in keys.items()}.items() <= training.artifacts.items()
    first, last = (workspace.artifacts.get("predictions", training.artifacts[f"predictions-{k}"]) for k in (1, 2))
    assert not last.file("soft").exists()
    assert not workspace.artifacts.get("predictions", plain.artifacts["predictions-1"]).file("soft").exists()
    examples = labelled(context_of(trained), first, 3, soft=True)
    for row in first.table().to_pylist():
        image, mask, planes = examples.get(row["image_id"])
        size = input_size(image, SETTINGS)
        assert planes.shape == (4, size[0] // 16, size[1] // 16) and planes.dtype == np.uint8
        assert np.abs(planes.sum(0, dtype=int) - 255).max() <= 2 and mask.shape == image.shape[:2]


def test_of_each_category_the_surest_share_of_the_teachers_pixels_is_kept(trained):
    workspace, _, training = trained
    reported = []
    context = replace(context_of(trained), on_progress=reported.append)
    predicted = workspace.artifacts.get("predictions", training.artifacts["predictions-1"])
    rows = predicted.table().to_pylist()
    masks = [np.asarray(Image.open(predicted.file(row["file"]))) for row in rows]
    sure = [np.asarray(Image.open(predicted.file(row["file"].replace("masks/", "confidence/")))) for row in rows]
    examples = labelled(context, predicted, 3, confidence=0.3, balance=0.25)
    assert len(reported) == len(rows)
    kept = [examples.get(row["image_id"])[1] for row in rows]
    mask, level, found = (np.concatenate([part.ravel() for part in parts]) for parts in (masks, sure, kept))
    assert set(np.unique(mask)) >= {0, 1}
    for category in np.unique(mask):
        levels = level[mask == category]
        threshold = max(np.sort(levels)[::-1][int(np.ceil(0.25 * len(levels))) - 1], round(0.3 * 255))
        assert np.array_equal(found == category, (mask == category) & (level >= threshold))
    assert ((found == mask) | (found == 255)).all()


def test_pixels_of_which_the_teacher_is_not_sure_are_ignored(trained):
    workspace, _, training = trained
    context = context_of(trained)
    predicted = workspace.artifacts.get("predictions", training.artifacts["predictions-1"])
    plain, sure = labelled(context, predicted, 3), labelled(context, predicted, 3, confidence=0.5)
    for image_id in list(plain.image_ids)[:5]:
        name = image_id[-7:-4]
        confidence = np.asarray(Image.open(predicted.file(f"confidence/images/{name}.png")))
        mask, sifted = plain.get(image_id)[1], sure.get(image_id)[1]
        assert confidence.dtype == np.uint8 and not (mask == 255).any()
        assert np.array_equal(sifted, np.where(confidence < 128, 255, mask))

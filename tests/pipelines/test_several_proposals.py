"""A whole run with several proposals an image: discovery, filter, a training round, export, bundle, added images."""

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from comus_core import (
    AddSettings,
    ExportSettings,
    ImportSettings,
    PredictSettings,
    add_images,
    discover,
    export_run,
    find_round,
    import_annotations,
    make_config,
    open_workspace,
    predict,
)
from comus_core.datasets.decoding import read_rgb
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.features.encoders import load_encoder
from comus_core.pipelines.described_image import describe_image
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import BundleSettings, DiscoverSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_view import open_run_view
from comus_core.settings import changed
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING, copy_of, draw_several, score_run
from tests.features.test_regions import slow_weights
from tests.imports.writing import coco, write
from tests.saliency.test_splitting import cells, flooded

LITE0 = "efficientnet-lite0"


def truth_of(folder, image_id):
    return np.asarray(Image.open(folder / "masks" / f"{image_id.split('/')[-1][:3]}.png"))


def test_each_drawn_object_is_a_proposal_and_all_foreground_is_one_without_splitting(several):
    folder, workspace, run = several
    view = open_run_view(workspace, run)
    assert len(view.proposals) == 48 == run.result["proposals"] and len(view.image_ids) == 24
    for image_id, rows in view.rows_of_image.items():
        truth = truth_of(folder, image_id)
        assert len(rows) == 1 + int(image_id.split("/")[-1][:3]) % 3
        assert [str(view.proposals.proposal_id[row]) for row in rows] == [f"{image_id}#{k}" for k in range(len(rows))]
        expected = {frozenset(part) for kind in (1, 2, 3) for part in flooded(truth == kind)}
        found = {frozenset(cells(view.proposals.mask(row))) for row in rows}
        assert found == expected
    whole = discover(changed(run.config, {"saliency.split": "none"}), workspace, DiscoverSettings(until="saliency"))
    assert whole.artifacts["soft_maps"] == run.artifacts["soft_maps"]
    assert len(tables.read_proposals(workspace.artifact(whole, "proposals"))) == 24


def test_the_depth_counts_only_where_maps_are_divided_at_peaks(several):
    _, workspace, run = several
    made = {}
    for split in ("components", "peaks"):
        for depth in (0.1, 0.2):
            config = changed(run.config, {"saliency.split": split, "saliency.peaks.depth": depth})
            made[split, depth] = discover(config, workspace, DiscoverSettings(until="saliency")).artifacts["proposals"]
    assert made["components", 0.1] == made["components", 0.2] == run.artifacts["proposals"]
    assert len(set(made.values())) == 3


def test_every_object_is_scored_and_filtered_by_itself(several):
    _, workspace, run = several
    scores = score_run(workspace, run)
    assert scores.every.miou == pytest.approx(100) and 0.5 < scores.coverage < 1
    view, decided = open_run_view(workspace, run), workspace.decisions_of(run)
    keep = view.kept(decided)
    mixed = [image_id for image_id, rows in view.rows_of_image.items() if 0 < keep[rows].sum() < len(rows)]
    assert mixed  # of some images one object is dropped and another stays
    masks = workspace.artifact(run, "pseudo_masks")
    for row in masks.table().to_pylist():
        stored = np.asarray(Image.open(masks.file(row["file"])))
        for object_row in view.rows_of_image[row["image_id"]]:
            values = np.unique(stored[view.proposals.mask(object_row)]).tolist()
            assert values == ([int(view.cluster[object_row]) + 1] if keep[object_row] else [255])


def test_a_round_learns_from_the_masks_of_all_objects(several, tmp_path):
    _, workspace, run = several
    training = train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    assert training.state == "done" and [r["round"] for r in training.result["rounds"]] == [0, 1]
    assert training.result["rounds"][0]["miou"] == pytest.approx(100)
    out = tmp_path / "coco"
    export_run(find_round(workspace, run.id, 1), workspace, ExportSettings("coco", str(out)))
    assert len(coco_lists(out)[0]) == 24


def coco_lists(out):
    """Images and annotations of an export in COCO's format."""
    read = [json.loads(path.read_text()) for path in out.rglob("instances*.json")]
    return [i for part in read for i in part["images"]], [a for part in read for a in part["annotations"]]


@pytest.mark.parametrize("name", ["coco", "yolo", "voc"])
def test_every_proposal_is_exported_as_an_object(several, tmp_path, name):
    _, workspace, run = several
    out = tmp_path / name
    export_run(find_round(workspace, run.id, 0), workspace, ExportSettings(name, str(out)))
    if name == "coco":
        images, annotations = coco_lists(out)
        per_image = Counter(a["image_id"] for a in annotations)
        assert len(images) == 24 and len(annotations) == 48
        assert sorted(per_image.values()) == [1] * 8 + [2] * 8 + [3] * 8
    elif name == "yolo":
        assert sum(len(p.read_text().splitlines()) for p in out.rglob("labels/**/*.txt")) == 48
    else:
        assert sum(p.read_text().count("<object>") for p in out.rglob("*.xml")) == 48


def test_a_bundle_holds_all_objects(several, tmp_path):
    _, workspace, run = several
    bundle(run, workspace, BundleSettings(str(tmp_path / "run.zip")))
    other = open_workspace(tmp_path / "other")
    opened = open_bundle(tmp_path / "run.zip", other)
    one, two = open_run_view(workspace, run), open_run_view(other, opened)
    assert list(one.proposals.proposal_id) == list(two.proposals.proposal_id)
    assert all(np.array_equal(one.proposals.mask(row), two.proposals.mask(row)) for row in range(48))


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    """(folder, workspace, run): objects that a prior finds, by EfficientNet-Lite0's cells under their masks."""
    root = tmp_path_factory.mktemp("pooled")
    folder, workspace = draw_several(root / "shapes", count=12), open_workspace(root / "w")
    config = make_config(
        dataset=str(folder),
        saliency={"detector": "rbd", "split": "components", "threshold": 0.3},
        features={"encoder": LITE0, "pool": "mask", "longer_side": 160},
        clustering={"clusters": 3, "neighbours": 6},
    )
    return folder, workspace, discover(config, workspace)


def test_each_vector_is_the_mean_of_the_cells_under_its_mask(pooled):
    folder, workspace, run = pooled
    proposals = tables.read_proposals(workspace.artifact(run, "proposals"))
    ids, vectors = tables.read_vectors(workspace.artifact(run, "features"))
    assert list(ids) == list(proposals.proposal_id) and len(ids) > 14 and vectors.shape[1] == 112
    encoder = load_encoder(LITE0)
    for row in (0, 5, len(ids) - 1):
        [cells] = encoder.dense([read_rgb(folder / proposals.image_id[row])], 160, "tokens")
        weights = slow_weights(proposals.mask(row), cells.shape[:2])
        expected = (cells.astype(float) * weights[..., None]).sum(axis=(0, 1)) / weights.sum()
        np.testing.assert_allclose(vectors[row], expected, rtol=1e-4, atol=1e-5)


def test_crops_are_other_features_of_the_same_proposals(pooled):
    _, workspace, run = pooled
    config = changed(run.config, {"features.pool": "crop"})
    other = discover(config, workspace, DiscoverSettings(until="features"))
    assert other.artifacts["proposals"] == run.artifacts["proposals"]
    assert other.artifacts["features"] != run.artifacts["features"]
    assert tables.read_vectors(workspace.artifact(other, "features"))[1].shape[1] == 1280


def test_an_image_in_no_run_is_described_under_its_masks_too(pooled):
    folder, workspace, run = pooled
    view = open_run_view(workspace, run)
    image_id, rows = next((i, r) for i, r in view.rows_of_image.items() if len(r) > 1)
    described = describe_image(workspace, run, folder / image_id, "cpu")
    np.testing.assert_allclose(described.objects, np.asarray(view.vectors())[rows], rtol=1e-4, atol=1e-5)
    assert described.vectors.shape == (len(rows) + 1, 112)


def test_another_mask_in_the_same_box_has_a_new_vector_and_all_others_keep_theirs(pooled, tmp_path):
    workspace, run = copy_of(pooled[1:], tmp_path)
    view = open_run_view(workspace, run)
    first = str(view.proposals.proposal_id[0])
    x0, y0, x1, y1 = view.proposals.box_xyxy[0]

    def hollow(proposal, mask):
        if proposal == first:
            mask = mask.copy()
            mask[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5] = False
        return mask

    file = write(tmp_path / "changed.json", coco(view, hollow))
    result = import_annotations(run, workspace, ImportSettings(str(file)), device="cpu")
    after = open_run_view(workspace, workspace.runs.get(result.run))
    assert np.array_equal(after.proposals.box_xyxy, view.proposals.box_xyxy)
    same = (np.asarray(after.vectors()) == np.asarray(view.vectors())).all(axis=1)
    assert not same[0] and same[1:].all()


def test_rounds_with_the_classifier_predictions_and_added_images_work_on_pooled_features(pooled, tmp_path):
    _, workspace, run = pooled
    more = draw_several(tmp_path / "more", count=6, seed=1)
    added = add_images(run, workspace, AddSettings(str(more)), device="cpu")
    view = open_run_view(workspace, added)
    assert len(view) > len(view.image_ids) and (view.cluster >= 0).all() and view.vectors().shape[1] == 112
    chosen = {**TINY_TRAINING, "labels.surroundings": 1.0, "prediction.classifier_share": 0.8}
    training = train(run, workspace, TrainSettings(make_training(**chosen)), device="cpu")
    around = [path for path in workspace.root.glob("artifacts/surroundings/*") if path.is_dir()]
    assert training.state == "done" and len(around) == 1
    assert np.load(around[0] / "vectors.npy").shape[1] == 112
    settings = PredictSettings((str(more / "images"),), str(tmp_path / "out"))
    predicted = predict(find_round(workspace, run.id, 1), workspace, settings, device="cpu")
    assert predicted["images"] == len(predicted["predictions"]) == 6

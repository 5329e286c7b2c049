"""A detector that tells objects apart, in a run: several maps are stored, and several proposals come of an image."""

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.export.bundle_tables import BundleContent, check_artifacts
from comus_core.pipelines.described_image import describe_image
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.detectors import load_detector
from comus_core.saliency.refinement.refiners import refined
from comus_core.saliency.soft_maps import from_png
from comus_core.settings import changed
from tests.saliency.dense.test_dense_detectors import balls

MASKCUT = {"detector": "maskcut", "maskcut": {"rounds": 2}, "dense": {"longer_side": 320}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two photographs of two balls, and one of a grey wall."""
    place, (image, _) = tmp_path_factory.mktemp("balls"), balls()
    Image.fromarray(image).save(place / "a.png")
    Image.fromarray(image[::-1, ::-1]).save(place / "b.png")
    Image.fromarray(np.full((200, 260, 3), 128, np.uint8)).save(place / "wall.png")
    return place


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """(workspace, run) with the proposals of MaskCut."""
    workspace = open_workspace(tmp_path_factory.mktemp("work"))
    config = make_config(dataset=str(folder), saliency=MASKCUT, features={"encoder": "efficientnet-lite0"})
    return workspace, discover(config, workspace, DiscoverSettings(until="saliency"))


def test_each_object_has_a_map_and_the_maps_soft_map_is_their_largest_value(run):
    workspace, made = run
    rows = workspace.artifact(made, "soft_maps").table().to_pylist()
    for row in rows[:2]:
        whole = from_png(row["png"])
        maps = from_png(row["objects"]).reshape(-1, *whole.shape)
        assert len(maps) == 2 and np.array_equal(whole, np.maximum(*maps))
    assert not from_png(rows[2]["png"]).any() and rows[2]["objects"] is None


def test_each_object_is_a_proposal_and_no_pixel_is_in_two(run):
    workspace, made = run
    found = tables.read_proposals(workspace.artifact(made, "proposals"))
    assert list(found.proposal_id) == ["a.png#0", "a.png#1", "b.png#0", "b.png#1"]
    _, masks = balls()
    for start, truth in ((0, masks), (2, [mask[::-1, ::-1] for mask in masks])):
        one, other = found.mask(start), found.mask(start + 1)
        assert not (one & other).any() and found.score[start] >= found.score[start + 1]
        for mask in truth:
            assert max((m & mask).sum() / (m | mask).sum() for m in (one, other)) > 0.5


def test_another_threshold_makes_other_proposals_of_the_same_maps(run, folder):
    workspace, made = run
    config = changed(made.config, {"saliency.threshold": 0.6})
    again = discover(config, workspace, DiscoverSettings(until="saliency"))
    assert again.artifacts["soft_maps"] == made.artifacts["soft_maps"]
    fewer = tables.read_proposals(workspace.artifact(again, "proposals")).area.sum()
    assert 0 < fewer < tables.read_proposals(workspace.artifact(made, "proposals")).area.sum()


def test_other_rounds_make_other_maps(run):
    workspace, made = run
    config = changed(made.config, {"saliency.maskcut.rounds": 1})
    other = discover(config, workspace, DiscoverSettings(until="saliency"))
    assert other.artifacts["soft_maps"] != made.artifacts["soft_maps"]
    assert len(tables.read_proposals(workspace.artifact(other, "proposals"))) == 2


def test_a_picture_that_is_in_no_run_has_its_objects_too(run, folder):
    workspace, made = run
    described = describe_image(workspace, made, folder / "a.png", "cpu")
    found = tables.read_proposals(workspace.artifact(made, "proposals"))
    assert np.array_equal(described.boxes[:-1], found.box_xyxy[:2])


def test_a_bundle_accepts_maps_of_objects_of_the_same_size_alone(run, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from comus_core.errors import WorkspaceError
    from comus_core.saliency.soft_maps import to_png

    workspace, made = run
    kinds = ("images", "soft_maps", "proposals")
    folders = {kind: workspace.artifact(made, kind).folder for kind in kinds}
    assert isinstance(check_artifacts(folders, 0), BundleContent)
    table = workspace.artifact(made, "soft_maps").table()
    for wrong, words in (([to_png(np.zeros((3, 3), np.uint8))] * 3, "another size"), (["x"] * 3, "is of type")):
        forged = table.set_column(2, "objects", pa.array(wrong))
        (tmp_path / "forged").mkdir(exist_ok=True)
        pq.write_table(forged, tmp_path / "forged" / "table.parquet")
        with pytest.raises(WorkspaceError, match=words):
            check_artifacts(folders | {"soft_maps": tmp_path / "forged"}, 0)


def test_the_map_of_each_object_is_refined_and_the_whole_is_their_union(run):
    _, made = run
    image, _ = balls()
    settings = changed(made.config.saliency, {"refine": "guided"})
    plain, detector = load_detector(made.config.saliency), load_detector(settings)
    [coarse], [maps] = plain.object_maps([image], ["a"]), detector.object_maps([image], ["a"])
    assert all(np.array_equal(maps[k], refined(coarse[k], image, settings)) for k in range(2))
    assert np.array_equal(detector.soft_maps([image], ["a"])[0], np.maximum(*maps))
    assert detector.object_maps([np.zeros((90, 80, 3), np.uint8)], ["wall"])[0].shape[0] == 0

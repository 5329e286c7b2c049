"""Detectors compared on drawn images: every figure against pixels, nothing computed twice, and bad input."""

import shutil
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.ndimage import label

from comus_core import compare_saliency, discover, make_config, open_workspace, predict_saliency
from comus_core.cli.main import cli
from comus_core.config import SaliencySettings
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import Cancelled, SettingsError, WorkspaceError
from comus_core.evaluation.saliency_scores import level_counts, max_f_measure, mean_absolute_error
from comus_core.files.own_places import CACHE, make_own, own_place
from comus_core.pipelines.saliency_comparison import compared, comparison_file, open_maps, stored_comparison
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings, SaliencyPredictSettings, names_in
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.saliency.thresholding import masks_from_soft_map

FAST = {"priors": {"side": 64}, "min_area": 100}
UNMEASURED = {"compared_at", "seconds"}


def settings(*detectors, **more):
    return SaliencyCompareSettings(detectors, saliency=make_config(dataset="-", saliency=FAST).saliency, **more)


@pytest.fixture(scope="module")
def done(drawn, tmp_path_factory):
    """(workspace, result) of three detectors, one of which is not there."""
    root = tmp_path_factory.mktemp("compared")
    workspace = open_workspace(root / "workspace")
    wanted = settings("mbd,rbd", f"masks:{drawn / 'masks'}", f"trained:{root / 'gone'}")
    return workspace, compare_saliency(str(drawn), workspace, wanted, device="cpu")


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name not in UNMEASURED}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def found_masks(workspace, result, row):
    """Image id -> the pixels above the threshold, from the stored soft map."""
    maps = open_maps(workspace, result, row)
    masks = {}
    for image_id, size_hw in maps.sizes.items():
        found = masks_from_soft_map(maps.stored_map(image_id), size_hw, maps.settings)
        masks[image_id] = np.logical_or.reduce(found) if found else np.zeros(size_hw, bool)
    return masks


def test_a_detector_that_is_not_here_says_why_and_the_others_go_on(done, tmp_path):
    _, result = done
    assert [row["detector"].partition(":")[0] for row in result["detectors"]] == ["mbd", "rbd", "masks", "trained"]
    assert [row["reason"] for row in result["detectors"][:3]] == [None] * 3
    assert "there is no such file" in result["detectors"][3]["reason"] and "empty" not in result["detectors"][3]
    assert np.array(result["agreement"]).shape == (3, 3) and len(compared(result)) == 3


def test_agreement_empty_maps_and_order_are_those_of_the_masks_pixel_by_pixel(done):
    workspace, result = done
    rows = compared(result)
    masks = [found_masks(workspace, result, row) for row in rows]
    ids = [row["image"] for row in result["image_rows"]]

    def iou(a, b):
        return (a & b).sum() / (a | b).sum() if (a | b).any() else 1.0

    of_image = {i: [iou(a[i], b[i]) for a, b in combinations(masks, 2)] for i in ids}
    for number, (a, b) in enumerate(combinations(range(3), 2)):
        expected = 100 * np.mean([of_image[i][number] for i in ids])
        assert result["agreement"][a][b] == result["agreement"][b][a] == pytest.approx(expected, abs=1e-9)
    for row, its in zip(rows, masks, strict=True):
        assert row["empty"] == pytest.approx(100 * np.mean([not its[i].any() for i in ids]))
        assert row["proposals"] == sum(its[i].any() for i in ids)
    told = [row["agreement"] for row in result["image_rows"]]
    assert told == sorted(told) and told == pytest.approx([100 * np.mean(of_image[i]) for i in ids])
    assert rows[2]["empty"] == pytest.approx(100 * 2 / 30)  # two of the drawn images hold nothing


def test_scores_are_those_of_the_written_maps_against_the_masks(done, drawn, tmp_path):
    workspace, result = done
    truth = open_dataset(str(drawn), tmp_path).truth
    for row in compared(result)[:2]:
        masks = found_masks(workspace, result, row)
        wanted = SaliencyPredictSettings(
            str(tmp_path / row["detector"]),
            make_config(dataset="-", saliency=FAST | {"detector": row["detector"]}).saliency,
        )
        written = predict_saliency(str(drawn), workspace, wanted, device="cpu")
        counts, overlaps = [], []
        for one in written["maps"]:
            true = truth.mask(one["image"]) > 0
            soft = np.asarray(Image.open(tmp_path / row["detector"] / one["map"]))
            counts.append(level_counts(soft, true, np.ones_like(true)))
            mask = masks[one["image"]]
            overlaps.append(((mask & true).sum(), (mask | true).sum()))
        both, either = np.array(overlaps, float).T
        assert row["pooled_iou"] == pytest.approx(100 * both.sum() / either.sum())
        assert row["mean_iou"] == pytest.approx(100 * np.mean(np.where(either > 0, both / np.maximum(either, 1), 1)))
        assert row["max_f"] == pytest.approx(max_f_measure(counts).value)
        assert row["mae"] == pytest.approx(mean_absolute_error(counts))
    assert result["detectors"][2]["mean_iou"] == result["detectors"][2]["pooled_iou"] == 100  # its masks are the truth


def test_seconds_are_measured_but_not_of_masks_that_lie_there(done):
    rows = compared(done[1])
    assert all(0 < row["seconds"] < 60 for row in rows[:2]) and rows[2]["seconds"] is None


def test_the_soft_maps_and_proposals_are_those_of_a_run(done, drawn):
    workspace, result = done
    config = make_config(
        dataset=str(drawn), saliency=FAST | {"detector": "mbd"}, features={"encoder": "efficientnet-lite0"}
    )
    stages = []
    run = discover(config, workspace, DiscoverSettings("saliency"), device="cpu", on_progress=stages.append)
    of_run = {kind: run.artifacts[kind] for kind in ("soft_maps", "proposals")}
    assert result["detectors"][0]["artifacts"].items() >= of_run.items()
    assert {p.total for p in stages if p.stage == "saliency"} == {1}  # what is there is only looked up


def test_what_was_compared_before_is_not_computed_again(done, drawn, monkeypatch):
    workspace, result = done

    def refuse(*_):
        raise AssertionError("a detector was loaded again")

    monkeypatch.setattr("comus_core.saliency.detectors.load_detector", refuse)
    again = compare_saliency(str(drawn), workspace, settings(*result["settings"]["detectors"]), device="cpu")
    assert again["detectors"] == result["detectors"]  # the measured seconds too
    assert without_times(again) == without_times(result) and stored_comparison(workspace, str(drawn)) == again


def test_a_comparison_that_was_stopped_goes_on(drawn, tmp_path):
    workspace, seen = open_workspace(tmp_path / "w"), []

    def stop(progress):
        if progress.stage == "maps of rbd" and progress.step:
            raise Cancelled

    with pytest.raises(Cancelled):
        compare_saliency(str(drawn), workspace, settings("mbd", "rbd"), device="cpu", on_progress=stop)
    assert stored_comparison(workspace, str(drawn)) is None
    compare_saliency(str(drawn), workspace, settings("mbd", "rbd"), device="cpu", on_progress=seen.append)
    first = {name: next(p for p in seen if p.stage == f"maps of {name}") for name in ("mbd", "rbd")}
    assert (first["mbd"].total, first["rbd"].total) == (1, 30)  # of the first one everything is there


def test_some_images_are_drawn_by_the_seed(drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")

    def images(**more):
        result = compare_saliency(str(drawn), workspace, settings("mbd", **more), device="cpu")
        assert result["found"] == 30 and result["images"] == len(result["image_rows"])
        assert result["agreement"] == [[100]] and {row["agreement"] for row in result["image_rows"]} == {None}
        return {row["image"] for row in result["image_rows"]}

    first = images(images=5)
    assert len(first) == 5 and images(images=5) == first and images(images=5, seed=1) != first
    assert first < images(images=9) and len(images(images=30)) == 30


def test_without_ground_truth_there_are_no_scores_and_bad_ground_truth_stops_nothing(drawn, tmp_path):
    plain, bad = tmp_path / "plain", tmp_path / "bad"
    shutil.copytree(drawn / "images", plain)
    shutil.copytree(drawn, bad)
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(bad / "masks" / "004.png")
    workspace = open_workspace(tmp_path / "w")
    for folder, line in ((plain, None), (bad, "004")):
        result = compare_saliency(str(folder), workspace, settings("mbd", images=30), device="cpu")
        assert {result["detectors"][0][name] for name in ("pooled_iou", "mean_iou", "max_f", "mae")} == {None}
        assert result["truth"] is None if line is None else line in result["truth"]["line"]


def test_ignored_pixels_count_nowhere(drawn, tmp_path):
    folder = tmp_path / "ignored"
    shutil.copytree(drawn, folder)
    for path in (folder / "masks").iterdir():
        mask = Image.open(path)
        indices = np.asarray(mask).copy()
        indices[:, : indices.shape[1] // 2] = 255
        changed = Image.fromarray(indices, "P")
        changed.putpalette(mask.getpalette())
        changed.save(path)
    workspace = open_workspace(tmp_path / "w")
    result = compare_saliency(str(folder), workspace, settings("mbd"), device="cpu")
    (row,) = compared(result)
    masks, both, either = found_masks(workspace, result, row), 0, 0
    truth = open_dataset(str(folder), tmp_path).truth
    for image_id, mask in masks.items():
        classes = truth.mask(image_id)
        valid = classes != 255
        both += (mask & (classes > 0) & valid).sum()
        either += ((mask | (classes > 0)) & valid).sum()
    assert row["pooled_iou"] == pytest.approx(100 * both / either)


def test_every_threshold_can_be_tried_on_what_is_stored(done):
    workspace, result = done
    for row in compared(result):
        maps = open_maps(workspace, result, row)
        for threshold, min_area in ((0.2, 0), (0.5, 100), (0.77, 300)):
            tried = maps.at(threshold, min_area)
            expected = {
                i: len(masks_from_soft_map(maps.stored_map(i), size_hw, tried)) for i, size_hw in maps.sizes.items()
            }
            assert maps.proposals_at(threshold, min_area) == expected
            drawn_masks = {i: len(maps.masks_at(i, threshold, min_area)) for i in maps.sizes}
            assert drawn_masks == expected


def test_objects_that_are_parted_are_counted_at_every_threshold(drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    parted = make_config(dataset="-", saliency=FAST | {"split": "components"}).saliency
    result = compare_saliency(str(drawn), workspace, SaliencyCompareSettings(("mbd",), saliency=parted), device="cpu")
    maps, counts = open_maps(workspace, result, compared(result)[0]), set()
    for threshold, min_area in ((0.2, 0), (0.5, 20)):
        expected = {}
        for image_id, size_hw in maps.sizes.items():
            tried = maps.at(threshold, min_area)
            whole = np.zeros(size_hw, bool)
            united = replace(tried, split="none", min_area=0)
            for mask in masks_from_soft_map(maps.stored_map(image_id), size_hw, united):
                whole |= mask
            labels, found = label(whole)
            expected[image_id] = sum((labels == n).sum() > min_area for n in range(1, found + 1))
        assert maps.proposals_at(threshold, min_area) == expected
        counts |= set(expected.values())
    assert max(counts) > 1


def test_what_was_cleaned_is_told(done, drawn, tmp_path):
    _, result = done
    elsewhere = open_workspace(tmp_path / "other")
    with pytest.raises(WorkspaceError, match="soft maps of mbd are no longer in the workspace: compare"):
        open_maps(elsewhere, result, result["detectors"][0])
    make_own(own_place(elsewhere.root, CACHE))
    path = comparison_file(elsewhere, str(drawn))
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(WorkspaceError, match="compare the detectors again"):
        stored_comparison(elsewhere, str(drawn))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mbd", ["mbd"]),
        ("mbd, rbd,", ["mbd", "rbd"]),
        ("mbd,trained:/a,b/c", ["mbd", "trained:/a,b/c"]),
        ("", []),
    ],
)
def test_names_between_commas(text, names):
    assert names_in(text) == names


def test_bad_input_is_told_before_any_work(drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    with pytest.raises(SettingsError, match="name at least one"):
        SaliencyCompareSettings((",",))
    with pytest.raises(SettingsError, match="images 0: must be at least 1"):
        SaliencyCompareSettings(("mbd",), images=0)
    with pytest.raises(SettingsError, match="name the detectors to compare in `detectors`"):
        SaliencyCompareSettings(("mbd",), saliency=SaliencySettings(detector="rbd"))
    with pytest.raises(SettingsError, match="mdb"):
        compare_saliency(str(drawn), workspace, settings("mdb"), device="cpu")
    words = ["saliency", "compare", str(drawn), "--detectors", "mbd,nothing", "--workspace", str(workspace.root)]
    refused = CliRunner().invoke(cli, words)
    assert refused.exit_code != 0 and not list(workspace.artifacts.root.glob("*"))

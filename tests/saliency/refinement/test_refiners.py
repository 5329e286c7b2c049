"""Refinement of a detector's maps: borders move to edges, empty maps stay empty, identity, and the stage."""

import importlib.util
import sys
from dataclasses import replace

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.config import SaliencySettings
from comus_core.config.formulas import CrfSettings, RefinementSettings
from comus_core.errors import SettingsError
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.proposals.resizing import resize_bilinear
from comus_core.saliency.detectors import detector_fingerprint, load_detector
from comus_core.saliency.refinement.refiners import REFINERS, refined
from comus_core.saliency.soft_maps import from_png
from comus_core.settings import changed
from tests.saliency.priors.drawn import disc, iou

HERE = [name for name, way in REFINERS.items() if way.needs is None or importlib.util.find_spec(way.needs[0])]


def by(name, **changes):
    return SaliencySettings(detector="mbd", refine=name, refinement=RefinementSettings(**changes))


@pytest.mark.parametrize("name", HERE)
def test_the_borders_of_a_coarse_map_move_to_the_edges_of_the_image(name):
    image, mask = disc((97, 133), 46)
    coarse = resize_bilinear(mask[10::20, 10::20].astype(np.float32), (10, 13))
    before = resize_bilinear(coarse, mask.shape) > 0.5
    after = refined(coarse, image, by(name))
    assert after.dtype == np.float32 and after.shape == mask.shape and after.min() >= 0 and after.max() <= 1
    assert iou(before, mask) < 0.9 and iou(after > 0.5, mask) > 0.95


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (50, 70)])
def test_maps_of_one_value_keep_it_and_none_leaves_the_unit_interval(name, size):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    for value in (0, 1, 0.25):
        soft = np.full((5, 6), value, np.float32)
        assert np.array_equal(refined(soft, image, by(name)), np.full(size, value, np.float32))
    some = refined(rng.random((5, 6)).astype(np.float32), image, by(name))
    assert some.shape == size and np.isfinite(some).all() and some.min() >= 0 and some.max() <= 1


def test_the_size_of_refinement_is_a_setting_and_never_enlarges():
    image, mask = disc((100, 130), 45)
    soft = mask[::4, ::4].astype(np.float32)
    assert refined(soft, image, by("guided", side=130)).shape == (100, 130)
    assert refined(soft, image, by("guided", side=1000)).shape == (200, 260)


@pytest.mark.parametrize("name", [n for n in HERE if n != "crf"])
def test_a_loaded_detector_refines_each_image_as_it_does_alone(name):
    settings = by(name)
    plain, detector = load_detector(replace(settings, refine="none")), load_detector(settings)
    images = [disc((60 + 8 * i, 90 + 10 * i), 20 + 3 * i, seed=i)[0][: 200 - 5 * i] for i in range(8)]
    assert (detector.name, detector.batch_size) == (plain.name, plain.batch_size)
    assert detector.at_least >= max(plain.at_least, settings.refinement.side)
    for image, soft in zip(images, detector.soft_maps(images, list("abcdefgh")), strict=True):
        assert np.array_equal(detector.soft_maps([image], ["x"])[0], soft)
        assert np.array_equal(soft, refined(plain.soft_maps([image], ["x"])[0], image, settings))


def test_refinement_is_part_of_what_decides_the_maps_and_its_absence_is_not():
    def identity(**changes):
        return detector_fingerprint(changed(SaliencySettings(detector="mbd"), changes), []).settings

    plain, guided = identity(), identity(refine="guided")
    assert "refine" not in plain and {**guided, "refine": None} == {**plain, "refine": None}
    assert identity(**{"refinement.side": 200}) == plain
    assert identity(refine="bilateral") != guided != identity(refine="guided", **{"refinement.side": 200})
    assert guided != identity(refine="guided", **{"refinement.guided.radius": 4})
    assert guided == identity(refine="guided", **{"refinement.bilateral.luma": 4.0})


def test_a_crf_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None)
    with pytest.raises(SettingsError, match="'crf' needs pydensecrf: `pip install pydensecrf2`, or choose guided"):
        load_detector(by("crf"))


@pytest.mark.slow  # it needs `pip install pydensecrf2`, which has to be compiled
def test_without_pairs_the_crf_keeps_the_map():
    from comus_core.saliency.refinement import crf

    image, _ = disc((20, 30), 10, (40, 60))
    soft = np.random.default_rng(0).uniform(0.01, 0.99, (40, 60)).astype(np.float32)
    alone = CrfSettings(smooth_weight=1e-9, colour_weight=1e-9)
    assert np.allclose(crf.refine(soft, image, alone), soft, atol=1e-4)
    assert not np.allclose(crf.refine(soft, image), soft, atol=0.1)


def test_a_run_stores_refined_maps_beside_those_that_are_not(drawn, drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)

    def maps(refine):
        settings = {**drawn_settings, "saliency": {"detector": "mbd", "refine": refine}}
        run = discover(make_config(**settings), workspace, DiscoverSettings(until="saliency"))
        table = workspace.artifact(run, "soft_maps").table()
        return {row["image_id"]: from_png(row["png"]) for row in table.to_pylist()}

    plain, guided = maps("none"), maps("guided")
    assert plain.keys() == guided.keys() and any(not np.array_equal(plain[i], guided[i]) for i in plain)
    assert all(max(soft.shape) <= 320 for soft in guided.values())
    again = maps("none")
    assert all(np.array_equal(plain[i], again[i]) for i in plain)

"""The detector that comes with the program: the file that is meant, what it owes, and that it runs as it is."""

import numpy as np
import pytest
import torch
from PIL import Image

from comus_core.config import SaliencySettings
from comus_core.pipelines.model_selection import detector_supervision
from comus_core.saliency.detectors import detector_spec, load_detector
from comus_core.saliency.trained.network_file import network_facts
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import from_dict, to_dict
from comus_core.weights.download import download_weights
from comus_core.weights.registry import REGISTRY, UNSUPERVISED
from comus_core.weights.store import file_sha256, locate

COMUS = SaliencySettings(detector="comus")


def test_it_is_the_file_of_the_registry_and_small_and_needs_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    path = locate("comus")
    assert path == download_weights("comus") and not any(tmp_path.iterdir())
    assert file_sha256(path) == REGISTRY["comus"].sha256 and path.stat().st_size < 5_000_000


def test_it_says_what_it_was_made_of_and_owes_nothing():
    facts = network_facts(locate("comus"))
    made = from_dict(SaliencyRecipe, facts["recipe"])
    assert to_dict(made) == facts["recipe"] and made.networks[-1].side == facts["side"] and facts["images"] == 6773
    assert facts["supervision"] == UNSUPERVISED == detector_supervision(COMUS)


def test_an_image_of_one_colour_has_an_empty_map_and_an_object_on_plain_ground_is_found():
    assert detector_spec("comus").always
    detector = load_detector(COMUS)
    plain = [np.full((120, 90, 3), colour, np.uint8) for colour in (0, 128, 255, (200, 30, 30))]
    assert not np.any(detector.soft_maps(plain, list("abcd")))
    dot = np.full((120, 90, 3), 230, np.uint8)
    dot[40:80, 30:60] = (200, 30, 30)
    [found] = detector.soft_maps([dot], ["a"])
    assert found.shape == (detector.side, detector.side) and found.max() > 0.5


def test_a_batch_of_one_and_of_eight_give_the_same_maps(drawn):
    detector = load_detector(COMUS)
    images = [np.asarray(Image.open(p).convert("RGB")) for p in sorted((drawn / "images").iterdir())[:8]]
    alone = [detector.soft_maps([image], ["a"])[0] for image in images]
    assert np.array_equal(np.stack(detector.soft_maps(images, list("abcdefgh"))), np.stack(alone))


@pytest.mark.real
def test_it_finds_more_on_photographs_than_the_best_of_its_priors(photographs):
    from tests.saliency.test_ecssd import mean_iou

    ours, best = (mean_iou(photographs, name, step=3) for name in ("comus", "mbd"))
    assert ours > 0.5 and ours > best


def test_any_number_of_threads_and_any_batch_give_the_same_bytes():
    random, before = np.random.default_rng(0), torch.get_num_threads()
    images = [np.kron(random.integers(0, 256, (6, 8, 3), np.uint8), np.ones((9, 9, 1), np.uint8)) for _ in range(5)]
    detector, maps = load_detector(COMUS), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            maps.append(np.stack(detector.soft_maps(images, list("abcde"))))
    finally:
        torch.set_num_threads(before)
    maps.append(np.concatenate([detector.soft_maps([image], ["a"]) for image in images]))
    assert all(np.array_equal(maps[0], other) for other in maps[1:])

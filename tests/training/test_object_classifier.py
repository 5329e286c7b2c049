"""The classifier of objects: scikit-learn's own answers, the crops it is asked about, its say in a mask."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from comus_core.clustering.graph import normalise
from comus_core.clustering.linear_classifier import PENALTY, STEPS, fit_classifier, joint_vectors
from comus_core.errors import SettingsError
from comus_core.features.regions import Crops
from comus_core.training.object_classifier import LEAST_AREA, objects_of
from comus_core.training.objects import voted


def clouds(categories: list[int], each: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    category = np.repeat(categories, each)
    vectors = 3 * np.eye(8)[category] + rng.normal(size=(len(category), 8))
    return (vectors * rng.uniform(0.5, 5, (len(category), 1))).astype(np.float32), category


@pytest.mark.parametrize("seen", [[0, 1, 2, 3], [0, 2, 3], [1, 3]])
def test_it_answers_as_scikit_learn_does_and_never_a_category_that_nobody_has(seen):
    vectors, category = clouds(seen)
    new = clouds([0, 1, 2, 3], 5, seed=1)[0]
    peer = LogisticRegression(C=PENALTY, max_iter=STEPS).fit(normalise(vectors, "l2"), category)
    found = fit_classifier(vectors, category, 5).probabilities(new)
    np.testing.assert_allclose(found[:, seen], peer.predict_proba(normalise(new, "l2")), atol=1e-5)
    assert not found[:, [k for k in range(5) if k not in seen]].any()


def test_one_category_alone_is_always_the_answer_and_none_is_an_error():
    vectors, category = clouds([2])
    np.testing.assert_array_equal(fit_classifier(vectors, category, 4).probabilities(vectors), np.eye(4)[category])
    with pytest.raises(SettingsError, match="no proposal is in the core"):
        fit_classifier(vectors[:0], category[:0], 4)
    with pytest.raises(SettingsError, match="categories must lie in 0 to 1"):
        fit_classifier(vectors, category, 2)


def test_objects_are_asked_about_by_their_crops_of_the_large_image():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (100, 160, 3), dtype=np.uint8)
    objects = np.zeros((25, 40), np.int32)  # a quarter of the image's size
    objects[2:12, 3:13], objects[20, 30] = 1, 2
    assert 16 < LEAST_AREA < 1600
    seen = []

    def encode(crops):
        seen.extend(crops)
        return np.ones((len(crops), 8), np.float32)

    classifier = fit_classifier(*clouds([0, 1]), 2)
    found = objects_of(image, objects, partial(Crops, encode), classifier)
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], image[8:48, 12:52])
    np.testing.assert_allclose(found[0], classifier.probabilities(np.ones((1, 8), np.float32))[0])
    assert found.shape == (2, 2) and np.isnan(found[1]).all()


def test_what_is_around_them_is_asked_about_too_and_weighs_the_same():
    image = np.random.default_rng(0).integers(0, 256, (100, 160, 3), dtype=np.uint8)
    objects = np.zeros((100, 160), np.int32)
    objects[40:70, 60:100], objects[75:100, 0:40] = 1, 2
    own, around = (clouds([0, 1], seed=s)[0] for s in (0, 1))
    category, seen = clouds([0, 1])[1], []

    def encode(crops):
        seen.append(crops)
        return np.arange(1, 17, dtype=np.float32).reshape(2, 8) * len(seen)

    both = np.hstack([normalise(own, "l2"), normalise(around, "l2")])
    np.testing.assert_array_equal(joint_vectors(own, around), both)
    peer = LogisticRegression(C=PENALTY, max_iter=STEPS).fit(both / 2**0.5, category)
    classifier = fit_classifier(joint_vectors(own, around), category, 2, surroundings=1.0)
    found = objects_of(image, objects, partial(Crops, encode), classifier)
    tight, wide = seen
    for crop, expected in ((tight[0], image[40:70, 60:100]), (wide[0], image[25:85, 40:120])):
        np.testing.assert_array_equal(crop, expected)
    np.testing.assert_array_equal(wide[1], image[62:100, 0:60])
    rows = normalise(np.arange(1, 17, dtype=np.float32).reshape(2, 8), "l2")
    np.testing.assert_allclose(found, peer.predict_proba(np.hstack([rows, rows]) / 2**0.5), atol=1e-5)


def test_its_answers_and_the_networks_shares_are_averaged_over_an_object_and_nan_leaves_it_to_the_network():
    shares = torch.full((3, 6, 6), 0.05)
    shares[0] = 0.9
    for rows, values in ((slice(0, 2), (0.1, 0.6, 0.3)), (slice(4, 6), (0.1, 0.6, 0.3))):
        shares[:, rows] = torch.tensor(values)[:, None, None]

    def answer(objects):
        assert objects.max() == 2
        return np.array([[0.1, 0.9], [np.nan, np.nan]], np.float32)

    def categories(share):
        mask = voted(shares, 0.5, classify=answer, classifier_share=share).argmax(dim=0)
        return mask[0, 0].item(), mask[5, 5].item()

    # the first object: the network 2/3 and 1/3, the classifier 1/10 and 9/10; they agree at a share of 5/17
    assert categories(0.0) == (1, 1)
    assert categories(5 / 17 - 0.01) == (1, 1)
    assert categories(5 / 17 + 0.01) == (2, 1)
    assert categories(1.0) == (2, 1)

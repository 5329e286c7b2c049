"""Masks of whole images: of any size, as a plain computation gives them, with bounded memory."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from comus_core.training import prediction
from comus_core.training.objects import voted
from comus_core.training.prediction import input_size, predict
from comus_core.training.settings import PredictionSettings

pytestmark = pytest.mark.thorough


class Colours(nn.Module):
    """Scores that follow the three channels, at half the size, and a fourth that is always a little."""

    def __init__(self, outputs=4):
        super().__init__()
        self.outputs = outputs

    def forward(self, pixels):
        small = functional.avg_pool2d(pixels.float() / 40, 2)
        more = torch.full((len(pixels), self.outputs - 3, *small.shape[-2:]), 1.5)
        return functional.interpolate(torch.cat([small, more], 1), pixels.shape[-2:], mode="bilinear")


def picture(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 5, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((-(-height // 4), -(-width // 5), 1), np.uint8))[:height, :width]


def plainly(**changes):
    """Pixel by pixel and in one view, but for the changes."""
    plain = {"flip": False, "object_share": 0.0, "saliency": 0.0, "classifier_share": 0.0}
    return PredictionSettings(**plain | changes)


SIZES = [(97, 131), (33, 500), (300, 40), (64, 64), (1, 1)]


@pytest.mark.parametrize("resize", ["keep", "squash"])
def test_every_image_gets_a_mask_of_its_own_size_in_the_order_given(resize):
    images = [picture(*size, seed=k) for k, size in enumerate(SIZES)]
    settings = plainly(size=64, resize=resize)
    together = predict(Colours(), images, settings)
    for image, (mask, confidence) in zip(images, together, strict=True):
        assert mask.shape == confidence.shape == image.shape[:2] and mask.dtype == np.uint8
        assert confidence.min() >= 0.25 and confidence.max() <= 1.0
        alone = predict(Colours(), [image], settings)[0]
        assert np.array_equal(alone[0], mask) and np.allclose(alone[1], confidence, atol=1e-6)


def test_keep_is_the_best_share_after_smooth_enlargement_of_all_at_once():
    image = picture(97, 131)
    settings = plainly(size=64)
    mask, confidence = predict(Colours(), [image], settings)[0]
    size = input_size(image, settings)
    assert size == (48, 64)
    small = functional.interpolate(
        torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float(), size, mode="bilinear", antialias=True
    ).round()
    shares = Colours()(small).softmax(1)
    whole = functional.interpolate(shares, (97, 131), mode="bilinear", align_corners=False)[0]
    best, expected = whole.max(0)
    assert (mask == expected.numpy()).mean() > 0.995 and np.abs(confidence - best.numpy()).max() < 0.02


def test_scales_are_averaged_each_brought_to_the_size_of_prediction():
    image = picture(96, 128)
    settings = plainly(size=128, scales=True)
    mask, confidence = predict(Colours(), [image], settings)[0]
    pixels, views = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float(), []
    for size in [(64, 96), (96, 128), (128, 160)]:  # 3/4, 1 and 5/4 of 96 × 128, to the nearest multiple of 16
        small = functional.interpolate(pixels, size, mode="bilinear", antialias=True).round()
        views.append(functional.interpolate(Colours()(small).softmax(1), (96, 128), mode="bilinear"))
    best, expected = torch.stack(views).mean(0)[0].max(0)
    assert (mask == expected.numpy()).mean() > 0.99 and np.abs(confidence - best.numpy()).max() < 0.02
    alone, _ = predict(Colours(), [image], plainly(size=128))[0]
    assert (mask != alone).any()


def test_squash_decides_in_the_square_and_goes_back_to_the_nearest_pixel():
    image = picture(90, 140)
    settings = plainly(size=64, resize="squash")
    mask, _ = predict(Colours(), [image], settings)[0]
    rows = ((np.arange(90) + 0.5) * 64 / 90).astype(int)
    columns = ((np.arange(140) + 0.5) * 64 / 140).astype(int)
    square, _ = predict(Colours(), [_square(image)], settings)[0]
    assert (mask == square[rows][:, columns]).mean() > 0.99


def _square(image):
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    small = functional.interpolate(pixels, (64, 64), mode="bilinear", antialias=True).round()
    return small[0].permute(1, 2, 0).numpy().astype(np.uint8)


def test_with_flip_a_mirrored_image_has_the_mirrored_mask():
    class Lopsided(Colours):
        def forward(self, pixels):
            return super().forward(pixels) + torch.linspace(-2, 2, pixels.shape[-1])[None, None, None] * torch.tensor(
                [1.0, -1.0, 0.0, 0.0]
            ).view(1, 4, 1, 1)

    image = picture(64, 96)
    settings = plainly(size=96, flip=True)
    mask, _ = predict(Lopsided(), [image], settings)[0]
    mirrored, _ = predict(Lopsided(), [image[:, ::-1].copy()], settings)[0]
    assert np.array_equal(mirrored[:, ::-1], mask)
    plain = plainly(size=96)
    assert not np.array_equal(predict(Lopsided(), [image], plain)[0][0], mask)


def test_many_categories_take_16_bits_and_a_huge_image_no_plane_for_each():
    mask, _ = predict(Colours(300), [picture(40, 60)], plainly(size=64))[0]
    assert mask.dtype == np.uint16
    image = picture(3000, 4000)
    mask, confidence = predict(Colours(40), [image], plainly(size=64))[0]
    assert mask.shape == (3000, 4000) and confidence.dtype == np.float32


@pytest.mark.parametrize("size", [(304, 176), (144, 48), (272, 320), (2048, 64)])
def test_a_huge_input_is_seen_tile_by_tile_as_if_at_once(size, monkeypatch):
    class Local(Colours):
        """Each pixel's scores depend on the 33 × 33 pixels around it, less than a tile's margin."""

        def __init__(self):
            super().__init__()
            self.sizes = set()

        def forward(self, pixels):
            self.sizes.add(tuple(pixels.shape[-2:]))
            around = functional.avg_pool2d(pixels.float() / 40, 33, 1, 16, count_include_pad=False)
            return torch.cat([around, torch.full_like(around[:, :1], 1.5)], 1)

    image, settings = picture(*size), plainly(size=max(size))
    if max(size) < prediction.TILE:
        monkeypatch.setattr(prediction, "TILE", 128)
        monkeypatch.setattr(prediction, "MARGIN", 24)
    local = Local()
    tiled = predict(local, [image], settings)[0]
    assert max(max(seen) for seen in local.sizes) <= prediction.TILE
    monkeypatch.setattr(prediction, "TILE", 4096)
    whole = predict(Local(), [image], settings)[0]
    assert np.array_equal(tiled[0], whole[0]) and np.allclose(tiled[1], whole[1], atol=1e-5)


def test_objects_are_voted_at_the_size_of_prediction_with_the_saliency_brought_there():
    image, soft_map = picture(96, 128), np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(48, 64)
    shares = Colours()(torch.from_numpy(image.copy()).permute(2, 0, 1)[None]).softmax(1)[0]
    large = functional.interpolate(torch.from_numpy(soft_map)[None, None], (96, 128), mode="bilinear")[0, 0]
    for weight in (0.0, 0.7):
        best, expected = voted(shares, 0.6, large, weight).max(0)
        settings = plainly(size=128, object_share=0.6, saliency=weight)
        mask, confidence = predict(Colours(), [image], settings, soft_maps=[soft_map])[0]
        assert np.array_equal(mask, expected.numpy()) and np.allclose(confidence, best.numpy(), atol=1e-5)
    alone, _ = predict(Colours(), [image], settings)[0]
    assert np.array_equal(alone, voted(shares, 0.6).argmax(0).numpy()) and not np.array_equal(alone, mask)

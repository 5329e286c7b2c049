"""A network's masks of whole images of any size, with how sure it is of each pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from comus_core.proposals.pseudo_masks import index_dtype_and_ignore
from comus_core.saliency.refinement.guided import GuidedFilter
from comus_core.training.input_size import input_size, multiple, resized
from comus_core.training.network import Segmenter
from comus_core.training.objects import voted
from comus_core.training.preview_plan import Classify
from comus_core.training.settings import PredictionSettings
from comus_core.types import FloatArray, IndexMask, RgbImage, SoftMap

SCALES = (3 / 4, 1.0, 5 / 4)  # of the size of prediction, averaged where the settings say so
TILE, MARGIN = 1024, 128  # pixels: what the network sees at once at most, and how much of it is context only


@torch.inference_mode()
def predict(
    network: Segmenter,
    images: Sequence[RgbImage],
    settings: PredictionSettings,
    device: str = "cpu",
    *,
    soft_maps: Sequence[SoftMap] | None = None,
    classify: Classify | None = None,
    on_shares: Callable[[int, Tensor], None] | None = None,
) -> list[tuple[IndexMask, FloatArray]]:
    """The mask and the confidence of each image.

    Every image is resized to the size of prediction, so that memory is bounded by the image itself: the way back to
    its size goes one category at a time. `squash` is the paper's: to a square whatever the shape, and back by the
    nearest pixel; `keep` keeps the shape and goes back smoothly. A size of prediction above `TILE` is seen tile by
    tile.

    Args:
        network: in eval mode, on `device`.
        images: n of (H, W, 3) uint8, each of its own size.
        settings: size, resize, flip, scales, objects and refinement of prediction.
        device: of the network.
        soft_maps: n saliency maps, each of its detector's size, with the weight `settings.saliency` in what is object;
            None for none.
        classify: names an image's objects at the size of prediction, with the weight `settings.classifier_share`
            (`objects.voted`); None leaves that to the network.
        on_shares: called with the place of each image in `images` and its (C + 1, h, w) shares at the size of
            prediction, objects voted, before refinement.

    Returns:
        n of (H, W) uint8 or uint16, 0 background, category + 1 (never ignore), and (H, W) float32, the softmax of it.
    """
    settings.require_installed()
    sizes = [input_size(image, settings) for image in images]
    masks: dict[int, tuple[IndexMask, FloatArray]] = {}
    for size, group in groupby(sorted(range(len(images)), key=lambda k: sizes[k]), key=lambda k: sizes[k]):
        numbers = list(group)
        shares = _shares(network, [images[k] for k in numbers], size, settings, device)
        for k, share in zip(numbers, shares, strict=True):
            if settings.object_share:
                share = voted(
                    share,
                    settings.object_share,
                    None if soft_maps is None else _at_input_size(soft_maps[k], size),
                    settings.saliency,
                    classify=None if classify is None else partial(classify, images[k]),
                    classifier_share=settings.classifier_share,
                )
            if on_shares is not None:
                on_shares(k, share)
            if settings.refine == "crf":
                share = _by_crf(images[k], share)
            refine = _refinement(images[k], share, settings)
            masks[k] = _at_size(share, images[k].shape[:2], settings.resize == "squash", refine)
    return [masks[k] for k in range(len(images))]


def _by_crf(image: RgbImage, share: Tensor) -> Tensor:
    """(C + 1, h, w) shares refined at their own size by the image."""
    from comus_core.saliency.refinement.crf import refine_shares

    height, width = share.shape[1:]
    small = np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    return torch.from_numpy(refine_shares(share.cpu().numpy(), small)).to(share.device)


def _at_input_size(soft_map: SoftMap, size_hw: tuple[int, int]) -> Tensor:
    saliency = torch.from_numpy(np.ascontiguousarray(soft_map, np.float32))[None, None]
    return functional.interpolate(saliency, size_hw, mode="bilinear", align_corners=False, antialias=True)[0, 0]


def _shares(
    network: Segmenter, images: Sequence[RgbImage], size: tuple[int, int], settings: PredictionSettings, device: str
) -> Tensor:
    """(n, C + 1, *size) softmax, averaged over the scales and mirrored images of the settings."""
    total, views = torch.zeros((), device=device), 0
    for scale in SCALES if settings.scales else (1.0,):
        scaled = (multiple(size[0] * scale), multiple(size[1] * scale))
        batch = torch.stack([_resized(image, scaled) for image in images]).to(device)
        both = [_tiled(network, batch)]
        if settings.flip:
            both.append(_tiled(network, batch.flip(-1)).flip(-1))
        for shares in both:
            if scaled != size:
                shares = functional.interpolate(shares, size, mode="bilinear", align_corners=False)
            total, views = total + shares, views + 1
    return total / views


def _tiled(network: Segmenter, batch: Tensor) -> Tensor:
    """(n, C + 1, h, w) softmax; what is larger than a tile is put together from the middles of overlapping tiles."""
    height, width = batch.shape[-2:]
    if max(height, width) <= TILE:
        shares: Tensor = network(batch).softmax(dim=1)
        return shares
    joined: Tensor | None = None
    for rows, own_rows in _tiles(height):
        for columns, own_columns in _tiles(width):
            shares = network(batch[..., rows, columns]).softmax(dim=1)
            if joined is None:
                joined = shares.new_empty((*shares.shape[:2], height, width))
            inside = (_within(own_rows, rows), _within(own_columns, columns))
            joined[..., own_rows, own_columns] = shares[..., *inside]
    assert joined is not None
    return joined


def _tiles(length: int) -> Iterator[tuple[slice, slice]]:
    """What a tile sees along one side, and the part of it that it answers for; the parts cover the side once."""
    own = TILE - 2 * MARGIN
    for start in range(0, length, own):
        stop = min(length, start + own)
        first = max(0, min(start - MARGIN, length - TILE))
        yield slice(first, min(length, first + TILE)), slice(start, stop)


def _within(part: slice, tile: slice) -> slice:
    return slice(part.start - tile.start, part.stop - tile.start)


def _resized(image: RgbImage, size: tuple[int, int]) -> Tensor:
    return torch.from_numpy(resized(image, size).copy()).permute(2, 0, 1)


def _refinement(image: RgbImage, share: Tensor, settings: PredictionSettings) -> Callable[[Tensor], Tensor] | None:
    """What brings a plane of (C + 1, h, w) shares to the image's size along its edges; `squash` stays in the square.

    A category that nowhere has an even share wins nowhere: it is not worth the time.
    """
    if settings.refine != "guided":
        return None
    height, width = share.shape[1:]
    guided = GuidedFilter(_resized(image, (height, width)).to(share.device))
    refine = partial(guided.refine, least=1 / len(share))
    if settings.resize == "squash":
        return refine
    return partial(refine, image=torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).to(share.device))


def _at_size(
    share: Tensor, size_hw: tuple[int, ...], nearest: bool, refine: Callable[[Tensor], Tensor] | None = None
) -> tuple[IndexMask, FloatArray]:
    """(C + 1, h, w) shares to the mask and the confidence at an image's size, holding two planes of that size."""
    dtype = index_dtype_and_ignore(len(share) - 1)[0]
    if nearest:
        if refine is not None:
            share = torch.stack([refine(plane) for plane in share])
        best, mask = share.max(dim=0)
        both = torch.stack([best, mask.float()])[None]
        best, chosen = functional.interpolate(both, size_hw, mode="nearest-exact")[0]
        return chosen.cpu().numpy().astype(dtype), best.cpu().numpy().astype(np.float32)
    best = torch.full(tuple(size_hw), -1.0, device=share.device)
    chosen = torch.zeros(tuple(size_hw), dtype=torch.int32, device=share.device)
    for category, plane in enumerate(share):
        if refine is not None:
            large = refine(plane)
        else:
            large = functional.interpolate(plane[None, None], size_hw, mode="bilinear", align_corners=False)[0, 0]
        higher = large > best
        chosen[higher] = category
        best = torch.where(higher, large, best)
    return chosen.cpu().numpy().astype(dtype), best.cpu().numpy()

"""Images of results: crops with the outline of a mask, and transparent overlays."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from comus_core.datasets.decoding import read_rgb
from comus_core.types import BoolMask, IndexMask, IntArray

Palette = NDArray[np.uint8]  # (n, 3) RGB

CONTEXT = 1.15  # side of a crop's window, in longer sides of the box
OUTLINE_BLUR = 1.4  # pixels; the line is about 1.4 times as wide
DARKNESS = 0.45  # of the line behind it
FAINT = 0.35  # opacity of the inside of a mask that is shown by its outline
IGNORED = (139, 147, 160, 150)
# Dark violet to yellow: lightness rises evenly, so that the ramp reads without colour vision too.
_RAMP_AT = (0.0, 0.25, 0.5, 0.75, 1.0)
_RAMP = ((22, 11, 57), (106, 23, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))


def read_picture(path: Path, at_least: int | None = None) -> tuple[Image.Image, int]:
    """An upright RGB image, and the factor by which it is smaller than the file (1, 2, 4 or 8).

    A JPEG is decoded at the smallest cheap scale whose longer side still has `at_least` pixels; None and
    other formats give full size.

    Raises:
        ImageError: the file cannot be decoded.
    """
    if at_least is not None:
        try:
            with Image.open(path, formats=["JPEG"]) as image:
                full = max(image.size)
                if image.mode == "RGB":
                    scale = next((s for s in (8, 4, 2) if full >= s * at_least), 1)
                    image.draft("RGB", (image.width // scale, image.height // scale))
                    upright = ImageOps.exif_transpose(image).convert("RGB")
                    return upright, round(full / max(image.size))
        except Exception:  # `read_rgb` below reads the file or reports why not
            pass
    return Image.fromarray(read_rgb(path)), 1


def window(box_xyxy: IntArray, size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square around a box with some context, moved and clipped to the image: x0, y0, x1, y1."""
    x0, y0, x1, y1 = (int(v) for v in box_xyxy)
    height, width = size_hw
    side = round(CONTEXT * max(x1 - x0, y1 - y0))

    def span(low: int, high: int, limit: int) -> tuple[int, int]:
        length = min(side, limit)
        start = min(max((low + high - length) // 2, 0), limit - length)
        return start, start + length

    (left, right), (top, bottom) = span(x0, x1, width), span(y0, y1, height)
    return left, top, right, bottom


def crop(path: Path, mask: BoolMask, box_xyxy: IntArray, size: int, colour: str | None) -> Image.Image:
    """The crop around a proposal, its longer side `size` pixels.

    `mask` is (H, W) of the upright image, `box_xyxy` its box, end exclusive. The outline is `#rrggbb`; None draws none.

    Raises:
        ImageError: the file cannot be decoded.
    """
    height, width = mask.shape
    area = window(box_xyxy, (height, width))
    longest = max(area[2] - area[0], area[3] - area[1])
    image, _ = read_picture(path, at_least=-(-size * max(height, width) // longest))
    sx, sy = image.width / width, image.height / height
    shape = max(1, round((area[2] - area[0]) * size / longest)), max(1, round((area[3] - area[1]) * size / longest))
    box = (area[0] * sx, area[1] * sy, area[2] * sx, area[3] * sy)
    cut = image.resize(shape, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    if colour is None:
        return cut
    inside = Image.fromarray(mask[area[1] : area[3], area[0] : area[2]].astype(np.uint8) * 255)
    return outlined(cut, inside.resize(shape, Image.Resampling.BILINEAR), colour)


def outlined(image: Image.Image, mask: Image.Image, colour: str) -> Image.Image:
    """The image with a smooth line of `colour`, on a darker one, along the edge of a grey mask of its size."""
    soft = mask.filter(ImageFilter.GaussianBlur(OUTLINE_BLUR))
    ink, opacity = _line(colour)
    opaque = soft.point(opacity)
    soft.putpalette(ink)
    image.paste(soft.convert("RGB"), (0, 0), opaque)
    return image


@lru_cache(maxsize=256)
def _line(colour: str) -> tuple[bytes, list[int]]:
    """The colour, as a palette, and the opacity of both lines together for each of 256 greys of a blurred mask.

    Both are most opaque at the mask's edge, which is the middle grey; the dark one reaches twice as far from it.
    """
    away = np.abs(np.arange(256) / 255 - 0.5)
    bright = np.clip((0.3 - away) * 8, 0, 1)
    dark = DARKNESS * np.clip((0.454 - away) / 0.136, 0, 1)
    opaque = 1 - (1 - bright) * (1 - dark)
    share = np.divide(bright, opaque, out=np.zeros(256), where=opaque > 0)  # of the colour, the rest is black
    ink = np.round(share[:, None] * rgb([colour])[0]).astype(np.uint8)
    return ink.tobytes(), np.round(255 * opaque).astype(int).tolist()


def soft_layer(stored: NDArray[np.uint8], size_hw: tuple[int, int]) -> Image.Image:
    """A soft map as an overlay: higher values are brighter and more opaque.

    `stored` is (h, w) uint8, 255 = certainly salient; `size_hw` is the layer's.
    """
    level = np.linspace(0, 1, 256)
    ramp = np.stack([np.interp(level, _RAMP_AT, channel) for channel in zip(*_RAMP, strict=True)], axis=1)
    table = np.concatenate([ramp, 60 + 195 * level[:, None]], axis=1).round().astype(np.uint8)
    resized = Image.fromarray(stored).resize(size_hw[::-1], Image.Resampling.BILINEAR)
    return Image.fromarray(table[np.asarray(resized)])


def mask_layer(mask: BoolMask, colour: str, size_hw: tuple[int, int]) -> Image.Image:
    """A mask as an overlay: a faint area with its outline, in `colour`, `#rrggbb`; `size_hw` is the layer's."""
    grey = Image.fromarray(mask.astype(np.uint8) * 255).resize(size_hw[::-1], Image.Resampling.BILINEAR)
    filters = ImageFilter.MaxFilter(3), ImageFilter.MinFilter(3)
    outer, inner = (np.asarray(grey.filter(one), np.int16) for one in filters)
    layer = np.empty((*size_hw, 4), np.uint8)
    layer[..., :3] = rgb([colour])[0]
    layer[..., 3] = np.maximum(outer - inner, (FAINT * np.asarray(grey, np.float32)).astype(np.int16))
    return Image.fromarray(layer)


def index_layer(mask: IndexMask, palette: Palette, ignore: int | None, size_hw: tuple[int, int]) -> Image.Image:
    """An index mask as an overlay: 0 transparent, index i in colour i − 1, ignored pixels grey.

    `mask` is (H, W), `palette` (n, 3) for the indices 1…n; `size_hw` is the layer's.
    """
    small = np.asarray(mask)[_steps(mask.shape[0], size_hw[0])][:, _steps(mask.shape[1], size_hw[1])]
    table = np.zeros((max(int(small.max(initial=0)), len(palette)) + 1, 4), np.uint8)
    table[1 : len(palette) + 1, :3], table[1 : len(palette) + 1, 3] = palette, 255
    if ignore is not None and ignore < len(table):
        table[ignore] = IGNORED
    return Image.fromarray(table[small])


def fitted(size_hw: tuple[int, int], longest: int) -> tuple[int, int]:
    """Height and width scaled down to at most `longest`; 0 for no limit."""
    scale = min(1.0, longest / max(size_hw)) if longest else 1.0
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))


def rgb(colours: list[str]) -> Palette:
    """(n, 3) uint8 of `#rrggbb` colours."""
    return np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colours], np.uint8).reshape(-1, 3)


def to_jpeg(image: Image.Image, quality: int = 88) -> bytes:
    """The image as a JPEG file."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling="4:2:0" if quality < 90 else "4:4:4")
    return file.getvalue()


def to_png(image: Image.Image) -> bytes:
    """The overlay as a PNG file; fast rather than small."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _steps(size: int, target: int) -> IntArray:
    """The nearest rows (or columns) for a size of `target`."""
    return np.minimum(((np.arange(target) + 0.5) * size / target).astype(np.int64), size - 1)

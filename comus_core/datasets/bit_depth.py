"""Grey and colour of more than 8 bits to 8: by the depth that a file declares or that its values show.

The rule. Floats within 0-1 or 0-255 are taken as such. Whole numbers within 16 bits are of 16 bits, unless they stay
below 256, 1,024 or 4,096: then 8, 10 or 12 bits lie at the low end of 16, as microscopes and machine cameras write
them, and are stretched from there, for as 16 bits they would be black. A declared depth (PNG's sBIT; BitsPerSample or
MaxSampleValue of TIFF) goes before what the values show, if they fit it. Everything else is stretched from its own
minimum to its maximum. What is stretched by any of this is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

_SHOWN = (8, 10, 12)  # bits that values alone tell; 13 to 15 would too often be a dark picture of 16
_MAX_SAMPLE_VALUE = 281  # TIFF tag
_SWAPPED = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B"}

Scale = Callable[[NDArray[Any]], NDArray[np.uint8]]  # values of any shape -> bytes


@dataclass(frozen=True)
class DeepValues:
    """The values of a picture before they become bytes, (H, W) or (H, W, 3); how they do; what to note of it."""

    values: NDArray[Any]
    scale: Scale
    note: str | None = None


def deep_values(image: Image.Image, tiles: Sequence[Any], source: IO[bytes], declared: int | None) -> DeepValues | None:
    """The values of a loaded image of more than 8 bits; None where Pillow's own bytes are right.

    Args:
        image: loaded.
        tiles: how Pillow decoded it, as it was before.
        source: its file.
        declared: bits that the file says its values have.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey(np.asarray(image), declared)
    if image.mode == "RGB" and tiles and not image.has_transparency_data and _rawmode(tiles[0]) in _SWAPPED:
        return _colour_of_low_bits(image, source, declared)
    return None


def _grey(grey: NDArray[Any], declared: int | None) -> DeepValues:
    floats = np.issubdtype(grey.dtype, np.floating)
    low, high = float(_finite(grey).min()), float(_finite(grey).max())
    if floats and low >= 0 and high <= 1:
        return DeepValues(grey, _linear(0, 1))
    if floats and low >= 0 and high <= 255:
        return DeepValues(grey, _linear(0, 255))
    if low >= 0 and high <= 65535:
        bits = 16 if floats else depth(int(high), declared)
        return DeepValues(grey, _linear(0, 2**bits - 1), _note(bits))
    return DeepValues(grey, _linear(low, high), f"values from {low:g} to {high:g} were stretched to 0-255")


def depth(highest: int, declared: int | None) -> int:
    """The bits of whole numbers in 16 of which this is the highest, by the rule above."""
    if declared is not None and 1 <= declared <= 16 and highest < 2**declared:
        return declared
    return next((bits for bits in _SHOWN if 0 < highest < 2**bits), 16)


def _colour_of_low_bits(image: Image.Image, source: IO[bytes], declared: int | None) -> DeepValues | None:
    """Colour of 16 bits that lies in the low ones: Pillow, taking the high byte of each value, shows it as black."""
    high = np.asarray(image)
    if int(high.max()) >= 2 ** max((declared or 0) - 8, _SHOWN[-1] - 8):
        return None
    source.seek(0)
    with Image.open(source, formats=[str(image.format)]) as again:
        again.tile = [_other_byte(tile) for tile in again.tile]
        values = high.astype(np.uint16) << 8 | np.asarray(again)
    bits = depth(int(values.max()), declared)
    return DeepValues(values, _linear(0, 2**bits - 1), _note(bits)) if bits < 16 else None


def _rawmode(tile: Any) -> str:
    return str(tile.args if isinstance(tile.args, str) else tile.args[0])


def _other_byte(tile: Any) -> Any:
    """Pillow unpacks the other byte of each value if told that its bytes lie in the other order."""
    swapped = _SWAPPED[_rawmode(tile)]
    return tile._replace(args=swapped if isinstance(tile.args, str) else (swapped, *tile.args[1:]))


def declared_bits(image: Image.Image, source: IO[bytes]) -> int | None:
    """The bits that a PNG or TIFF file says its values have, or None."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,)))
        highest = image.tag_v2.get(_MAX_SAMPLE_VALUE, 65535)
        highest = max(highest) if isinstance(highest, tuple) else highest
        declared = min(int(bits), int(highest).bit_length())
        return declared if 0 < declared < 16 else None  # 16 is only how they are stored
    return _png_bits(source) if image.format == "PNG" else None


def _png_bits(source: IO[bytes]) -> int | None:
    """The largest entry of a PNG's sBIT chunk, which stands before the pixels."""
    here = source.tell()
    source.seek(8)
    try:
        while len(head := source.read(8)) == 8 and head[4:] != b"IDAT":
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"sBIT":
                return max(source.read(length), default=0) or None
            source.seek(length + 4, 1)
        return None
    finally:
        source.seek(here)  # where Pillow will go on


def _linear(low: float, high: float) -> Scale:
    def scale(values: NDArray[Any]) -> NDArray[np.uint8]:
        above = _finite(values).astype(np.float64) - low
        stretched: NDArray[np.uint8] = np.rint(above / (high - low) * 255 if high > low else above).astype(np.uint8)
        return stretched

    return scale


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    if not np.issubdtype(values.dtype, np.floating):
        return values
    return np.where(np.isfinite(values), values, values.dtype.type(0))


def _note(bits: int) -> str | None:
    return None if bits == 16 else f"values of {bits} bits in a 16-bit file were stretched to 0-255"

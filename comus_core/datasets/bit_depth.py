"""Convert images of more than 8 bits per channel to 8, by the declared depth of the file or by its values.

The rule. Floats within 0-1 or 0-255 have that range. Integers within 16 bits have 16 bits, unless all are below 256,
1,024 or 4,096: then they have 8, 10 or 12 bits in the low end of 16, as microscopes and industrial cameras write them,
and are scaled from that, since they would be black otherwise. A declared depth (PNG's sBIT; BitsPerSample or
MaxSampleValue of TIFF) takes precedence if the values fit it. Anything else is scaled from its minimum to its maximum.
Any such scaling is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

_GUESSED = (8, 10, 12)  # depths guessed from values; 13 to 15 would often be a dark 16-bit image
_MAX_SAMPLE_VALUE = 281  # TIFF tag
_SWAPPED = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B"}

Scale = Callable[[NDArray[Any]], NDArray[np.uint8]]  # values of any shape -> bytes


@dataclass(frozen=True)
class DeepValues:
    """Values of an image, (H, W) or (H, W, 3), how to scale them to bytes, and a note for the user."""

    values: NDArray[Any]
    scale: Scale
    note: str | None = None


def deep_values(image: Image.Image, tiles: Sequence[Any], source: IO[bytes], declared: int | None) -> DeepValues | None:
    """The values of a loaded image of more than 8 bits; None where Pillow's own bytes are right.

    `tiles` are Pillow's `tile` from before loading, `declared` the bits per value according to the file.
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
    return DeepValues(grey, _linear(low, high), f"values from {low:g} to {high:g} were scaled to 0-255")


def depth(highest: int, declared: int | None) -> int:
    """The depth in bits of 16-bit integers with this maximum, by the rule above."""
    if declared is not None and 1 <= declared <= 16 and highest < 2**declared:
        return declared
    return next((bits for bits in _GUESSED if 0 < highest < 2**bits), 16)


def _colour_of_low_bits(image: Image.Image, source: IO[bytes], declared: int | None) -> DeepValues | None:
    """16-bit colour that uses only low bits: Pillow keeps the high byte of each value, which is black."""
    high = np.asarray(image)
    if int(high.max()) >= 2 ** max((declared or 0) - 8, _GUESSED[-1] - 8):
        return None
    source.seek(0)
    with Image.open(source, formats=[str(image.format)]) as swapped:
        swapped.tile = [_other_byte(tile) for tile in swapped.tile]
        values = high.astype(np.uint16) << 8 | np.asarray(swapped)
    bits = depth(int(values.max()), declared)
    return DeepValues(values, _linear(0, 2**bits - 1), _note(bits)) if bits < 16 else None


def _rawmode(tile: Any) -> str:
    return str(tile.args if isinstance(tile.args, str) else tile.args[0])


def _other_byte(tile: Any) -> Any:
    """With the other byte order Pillow unpacks the other byte of each value."""
    swapped = _SWAPPED[_rawmode(tile)]
    return tile._replace(args=swapped if isinstance(tile.args, str) else (swapped, *tile.args[1:]))


def declared_bits(image: Image.Image, source: IO[bytes]) -> int | None:
    """The bits per value that a PNG or TIFF file declares, or None."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,)))
        highest = image.tag_v2.get(_MAX_SAMPLE_VALUE, 65535)
        highest = max(highest) if isinstance(highest, tuple) else highest
        declared = min(int(bits), int(highest).bit_length())
        return declared if 0 < declared < 16 else None  # 16 is only how they are stored
    return _png_bits(source) if image.format == "PNG" else None


def _png_bits(source: IO[bytes]) -> int | None:
    """The largest entry of a PNG's sBIT chunk, which comes before the pixels."""
    position = source.tell()
    source.seek(8)
    try:
        while len(head := source.read(8)) == 8 and head[4:] != b"IDAT":
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"sBIT":
                return max(source.read(length), default=0) or None
            source.seek(length + 4, 1)
        return None
    finally:
        source.seek(position)  # where Pillow continues


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
    return None if bits == 16 else f"{bits}-bit values in a 16-bit file were scaled to 0-255"

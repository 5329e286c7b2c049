"""Twenty odd but valid files, each with the pixels that it must give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.datasets.broken_files import encoded, picture

Rgb = NDArray[np.uint8]
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def two_tone(left: tuple[int, int, int], right: tuple[int, int, int], width: int = 16, height: int = 8) -> Rgb:
    """The left half of one colour, the right half of another."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = left, right
    return pixels


def grey(values: NDArray[np.uint8]) -> Rgb:
    return np.repeat(values[:, :, None], 3, axis=2)


def write_odd(folder: Path) -> dict[str, Rgb]:
    """Write all of them; file name -> the exact RGB pixels expected."""
    folder.mkdir(parents=True)
    return _greys(folder) | _transparent(folder) | _moving(folder) | _coloured(folder) | _named_oddly(folder)


def _greys(folder: Path) -> dict[str, Rgb]:
    ramp = np.arange(256, dtype=np.uint8).reshape(8, 32)
    Image.fromarray(ramp).save(folder / "grey.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(folder / "grey-16-bit.png")
    (folder / "grey-16-bit-big-endian.tif").write_bytes(_big_endian_tiff(ramp.astype(">u2") * 257))
    Image.fromarray(ramp.astype(np.int32) * 257).save(folder / "grey-32-bit.tif")
    Image.fromarray(ramp.astype(np.float32) / 255).save(folder / "float-0-to-1.tif")
    Image.fromarray(ramp > 100).save(folder / "one-bit.png")
    names = ("grey.png", "grey-16-bit.png", "grey-16-bit-big-endian.tif", "grey-32-bit.tif", "float-0-to-1.tif")
    return dict.fromkeys(names, grey(ramp)) | {"one-bit.png": grey(np.where(ramp > 100, 255, 0).astype(np.uint8))}


def _big_endian_tiff(pixels: NDArray[np.uint16]) -> bytes:
    height, width = pixels.shape
    tags = [(256, 3, width << 16), (257, 3, height << 16), (258, 3, 16 << 16), (259, 3, 1 << 16), (262, 3, 1 << 16)]
    tags += [(273, 4, 8 + 2 + 12 * 7 + 4), (279, 4, pixels.nbytes)]
    entries = b"".join(
        t.to_bytes(2, "big") + k.to_bytes(2, "big") + bytes((0, 0, 0, 1)) + v.to_bytes(4, "big") for t, k, v in tags
    )
    return b"MM\0*" + (8).to_bytes(4, "big") + len(tags).to_bytes(2, "big") + entries + bytes(4) + pixels.tobytes()


def _transparent(folder: Path) -> dict[str, Rgb]:
    half_seen = np.full((8, 16), 255, np.uint8)
    half_seen[:, 8:] = 0
    rgba = np.dstack([two_tone(RED, BLUE), half_seen])
    Image.fromarray(rgba).save(folder / "transparent.png")
    Image.fromarray(rgba).save(folder / "transparent.webp", lossless=True)
    Image.fromarray(np.dstack([np.full((8, 16), 40, np.uint8), half_seen])).save(folder / "grey-and-alpha.png")
    palette = Image.fromarray((half_seen == 0).astype(np.uint8)).convert("P")
    palette.putpalette([*RED, *BLUE])
    palette.save(folder / "palette.png")
    palette.save(folder / "palette-transparent.png", transparency=1)
    names = ("transparent.png", "transparent.webp", "palette-transparent.png")
    return dict.fromkeys(names, two_tone(RED, WHITE)) | {
        "grey-and-alpha.png": two_tone((40, 40, 40), WHITE),
        "palette.png": two_tone(RED, BLUE),
    }


def _moving(folder: Path) -> dict[str, Rgb]:
    first, later = two_tone(RED, BLUE), Image.fromarray(two_tone(WHITE, WHITE))
    for name, options in {
        "animated.gif": {},
        "animated.webp": {"lossless": True},
        "animated.png": {},
        "pages.tiff": {},
    }.items():
        Image.fromarray(first).save(folder / name, save_all=True, append_images=[later], **options)
    return dict.fromkeys(("animated.gif", "animated.webp", "animated.png", "pages.tiff"), first)


def _coloured(folder: Path) -> dict[str, Rgb]:
    """Ink of a CMYK image leaves (255 - ink)(255 - black) / 255 of the light; with no black ink, 255 - ink."""
    inks = np.zeros((8, 16, 4), np.uint8)
    inks[:, :8, 1:3], inks[:, 8:, :2] = 255, 255
    Image.fromarray(inks, "CMYK").save(folder / "cmyk.tiff")
    return {"cmyk.tiff": two_tone(RED, BLUE)}


def _named_oddly(folder: Path) -> dict[str, Rgb]:
    pixels = np.asarray(picture(11))
    upright = Image.fromarray(np.rot90(pixels))  # tag 6 says: turn by 90 degrees clockwise to see it upright
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.save(folder / "lying on its side.png", exif=exif)
    (folder / "a PNG by mistake called.jpg").write_bytes(encoded(Image.fromarray(pixels), "PNG"))
    (folder / "SHOUTING.BMP").write_bytes(encoded(Image.fromarray(pixels), "BMP"))
    (folder / "Grüße aus 東京 #1.png").write_bytes(encoded(Image.fromarray(pixels[:1, :1]), "PNG"))
    names = ("lying on its side.png", "a PNG by mistake called.jpg", "SHOUTING.BMP")
    return dict.fromkeys(names, pixels) | {"Grüße aus 東京 #1.png": pixels[:1, :1]}

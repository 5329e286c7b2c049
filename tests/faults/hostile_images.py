"""Any number of hostile files that look like images, each from its own seed, and as many good ones as wanted."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from tests.datasets.broken_files import FORMATS, encoded, picture, png_chunk, png_claiming, png_header

MODES = ("1", "L", "P", "LA", "PA", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F")
STRANGERS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file 1000 string readstring pop print\n",
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"c" * 999 + b'">]><svg>' + b"&b;" * 999 + b"</svg>",
    b"PK\x03\x04" + bytes(99), b"%PDF-1.7\n", b"\x7fELF" + bytes(99), b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n",
    b"8BPS\0\1" + bytes(6) + b"\0\4\xff\xff\xff\xff\xff\xff\xff\xff\0\10\0\3", b"\0\0\1\0\xff\xff" + bytes(64),
)  # fmt: skip


def write_good(folder: Path, count: int) -> list[str]:
    """Ordinary images; their names."""
    names = [f"good-{n:04d}.{'jpg' if n % 2 else 'png'}" for n in range(count)]
    for n, name in enumerate(names):
        picture(10_000 + n, 96, 72).save(folder / name)
    return names


def write_hostile(folder: Path, count: int) -> list[str]:
    """Files of every kind in turn; their paths below the folder."""
    kinds = (
        cut_off, flipped, odd_mode, stranger, bomb, deflated_bomb, zeros, long_name, special, chained_tiff,
        many_frames, odd_metadata, wrong_ending, sparse,
    )  # fmt: skip
    return [kinds[n % len(kinds)](folder, n, np.random.default_rng(n)) for n in range(count)]


def _put(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return name


def _any(rng: np.random.Generator, seed: int) -> tuple[str, bytes]:
    suffix = str(rng.choice(list(FORMATS)))
    return suffix, encoded(picture(seed), FORMATS[suffix])


def cut_off(folder, n, rng):
    suffix, whole = _any(rng, n)
    return _put(folder, f"cut-{n}.{suffix}", whole[: int(rng.integers(1, len(whole) // 2))])


def flipped(folder, n, rng):
    """Some bytes changed anywhere: many are still images, some claim absurd sizes."""
    suffix, whole = _any(rng, n)
    content = bytearray(whole)
    for place in rng.integers(0, min(len(content), 200 if n % 2 else len(content)), 8):
        content[place] ^= int(rng.integers(1, 256))
    return _put(folder, f"flipped-{n}.{suffix}", bytes(content))


def odd_mode(folder, n, rng):
    mode = MODES[int(rng.integers(len(MODES)))]
    image = picture(n).convert("L").convert(mode) if mode in ("I", "I;16", "F") else _converted(picture(n), mode)
    name = f"mode-{mode.replace(';', '-')}-{n}.tif"
    try:
        image.save(folder / name)
    except (OSError, KeyError, ValueError):  # TIFF has no such mode
        image.convert("RGB").save(folder / name)
    return name


def _converted(image: Image.Image, mode: str) -> Image.Image:
    through = {"PA": "P", "LAB": "RGB"}.get(mode)
    try:
        return (image.convert(through) if through else image).convert(mode)
    except ValueError:
        return image


def stranger(folder, n, rng):
    suffix = ("jpg", "png", "webp", "bmp", "gif", "tif")[int(rng.integers(6))]
    return _put(folder, f"stranger-{n}.{suffix}", STRANGERS[int(rng.integers(len(STRANGERS)))])


def bomb(folder, n, rng):
    side = int(rng.integers(30_000, 2**31 - 1))
    return _put(folder, f"bomb-{n}.png", png_claiming(side, side))


def deflated_bomb(folder, n, rng):
    """40 MB of zeros in 40 kB, as pixels beyond the limit or in a text."""
    zeros = zlib.compress(bytes(40_000_000), 9)
    if n % 2:
        chunk = png_chunk(b"IDAT", zeros)
        return _put(folder, f"deflated-{n}.png", png_header(16_000, 16_000) + chunk + png_chunk(b"IEND", b""))
    whole = encoded(picture(n), "PNG")
    place = whole.index(b"IDAT") - 4
    return _put(folder, f"text-{n}.png", whole[:place] + png_chunk(b"zTXt", b"a\0\0" + zeros) + whole[place:])


def zeros(folder, n, rng):
    return _put(folder, f"zeros-{n}.jpg", bytes(int(rng.integers(0, 5000)) * (n % 2)))


def long_name(folder, n, rng):
    letters = ("x", "é", "猫", "🐈", " ", "'", '"', "<b>", "%2e", "\\", "\n", "\t", "$(ls)", "..", ";", "&amp;")
    name = letters[int(rng.integers(len(letters)))] * 250
    start, end = f"long-{n}-", ".jpg"
    cut = name.encode()[: 255 - len(start) - len(end)].decode(errors="ignore").rstrip(" .")
    return _put(folder, f"{start}{cut}{end}", encoded(picture(n), "JPEG"))


def special(folder, n, rng):
    """What is no regular file: pipes, sockets, folders called x.jpg, loops of links, links to devices."""
    path = folder / f"special-{n}.jpg"
    match int(rng.integers(7)):
        case 0:
            os.mkfifo(path)
        case 1:
            path.symlink_to(path.name)  # to itself
        case 2:
            path.symlink_to(f"{path.name}.other.jpg")
            (folder / f"{path.name}.other.jpg").symlink_to(path.name)  # to each other
        case 3:
            path.symlink_to("/dev/zero")
        case 4:
            path.symlink_to("gone.jpg")
        case 5:
            path.mkdir()
            (path / "up.jpg").symlink_to("..")  # a folder that holds its parent
        case _:
            with socket.socket(socket.AF_UNIX) as server:
                here = os.open(folder, os.O_RDONLY)  # the name of a socket is short
                try:
                    server.bind(f"/proc/self/fd/{here}/{path.name}")
                finally:
                    os.close(here)
    return path.name


def chained_tiff(folder, n, rng):
    """A TIFF whose list of pages leads back to its beginning."""
    tags = [(256, 4, 8), (257, 4, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 64)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    start = struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries
    return _put(folder, f"chain-{n}.tif", b"II*\0" + start + struct.pack("<I", 8 if n % 2 else 2**32 - 1))


def many_frames(folder, n, rng):
    frames = [Image.new("P", (3, 3), k % 2) for k in range(300)]
    frames[0].save(folder / f"frames-{n}.gif", save_all=True, append_images=frames[1:])
    return f"frames-{n}.gif"


def odd_metadata(folder, n, rng):
    """EXIF, ICC and text that are noise."""
    name, noise = f"metadata-{n}.{'png' if n % 2 else 'jpg'}", rng.bytes(3000)
    info = PngImagePlugin.PngInfo()
    info.add_text("a", noise.hex())
    options = {"pnginfo": info} if n % 2 else {"comment": noise}
    picture(n).save(folder / name, exif=b"Exif\0\0" + noise[:999], icc_profile=noise, **options)
    return name


def wrong_ending(folder, n, rng):
    suffix, whole = _any(rng, n)
    return _put(folder, f"ending-{n}.{'png' if suffix != 'png' else 'jpg'}", whole)


def sparse(folder, n, rng):
    """An image with a hole of 300 MB behind it, or a hole of a terabyte, on a disk that holds neither."""
    name = f"sparse-{n}.png"
    _put(folder, name, encoded(picture(n), "PNG") if n % 2 else b"")
    os.truncate(folder / name, 300_000_000 if n % 2 else 2**40)
    return name

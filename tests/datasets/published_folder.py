"""A small PASCAL VOC in the place of the published one, and the table that says that it is whole."""

from dataclasses import replace

import numpy as np
from PIL import Image

from comus_core.datasets import published as table
from comus_core.datasets.published import PUBLISHED, Archive

IMAGES = {"train": 2, "val": 1, "trainval": 3}
NAMES = {"train": "ab", "val": "c", "trainval": "abc"}
NOWHERE = Archive("http://127.0.0.1:9/voc.tar", 20_000, ("md5", "0" * 32))


def small_table(monkeypatch, **changed):
    """The table of published data sets with a VOC 2012 of three images."""
    fake = replace(PUBLISHED["voc2012"], images=IMAGES, archives=(NOWHERE,), **changed)
    monkeypatch.setitem(table.PUBLISHED, "voc2012", fake)
    return fake


def draw_voc(folder):
    """Its three images, masks and lists below `folder`; the root is returned."""
    root = folder / "VOCdevkit/VOC2012"
    for below in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / below).mkdir(parents=True)
    for number, name in enumerate("abc"):
        Image.new("RGB", (6, 4)).save(root / f"JPEGImages/{name}.jpg")
        Image.fromarray(np.full((4, 6), number + 1, np.uint8)).save(root / f"SegmentationClass/{name}.png")
    for split, names in NAMES.items():
        (root / f"ImageSets/Segmentation/{split}.txt").write_text("".join(f"{name}\n" for name in names))
    return root

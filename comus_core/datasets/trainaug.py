"""The augmented training set of PASCAL VOC 2012: the masks of SBD, and a list without any image of val.

SBD (Hariharan et al., ICCV 2011) divides its images otherwise than PASCAL VOC: images of VOC's val are in both of its
lists, and are left out here.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from comus_core.datasets.index_masks import voc_colours
from comus_core.datasets.voc_layout import split_file
from comus_core.errors import DatasetError
from comus_core.files.atomic import write_bytes
from comus_core.types import OnProgress, Progress, no_progress

MASKS = "SegmentationClassAug"
LIST = Path("ImageSets", "Segmentation", "trainaug.txt")


def make_trainaug(root: Path, sbd: Path, on_progress: OnProgress = no_progress) -> list[str]:
    """Write the masks of SBD and the list of the split, and return its names, sorted.

    The split is VOC's train and all of SBD without VOC's val. The masks of VOC itself stay where they are, and are used
    first where an image has both.

    Args:
        root: VOC2012, with its lists and images.
        sbd: the folder `benchmark_RELEASE/dataset`, with `cls/`, `train.txt` and `val.txt`.
        on_progress: gets masks done and in all.

    Raises:
        DatasetError: VOC 2012 or SBD is incomplete, or a mask of SBD cannot be read.
    """
    train, val = (_names(split_file(root, split)) for split in ("train", "val"))
    from_sbd = (_names(sbd / "train.txt") | _names(sbd / "val.txt")) - val
    missing = sorted(name for name in from_sbd if not (sbd / "cls" / f"{name}.mat").is_file())
    if missing:
        raise DatasetError(
            f"{sbd / 'cls'}: {len(missing)} masks are missing, the first {missing[0]}.mat: unpack SBD again"
        )
    ordered = sorted(from_sbd)
    for number, name in enumerate(ordered):
        on_progress(Progress("masks", number, len(ordered)))
        target = root / MASKS / f"{name}.png"
        if not target.is_file():
            write_bytes(target, _png(_read(sbd / "cls" / f"{name}.mat")))
    on_progress(Progress("masks", len(ordered), len(ordered)))
    names = sorted(train | from_sbd)
    write_bytes(root / LIST, "".join(f"{name}\n" for name in names).encode())
    return names


def _names(listing: Path) -> set[str]:
    try:
        return set(listing.read_text().split())
    except OSError as error:
        raise DatasetError(f"{listing}: {error}; unpack the archive again") from None


def _read(path: Path) -> np.ndarray:
    from scipy.io import loadmat

    try:
        mask = np.asarray(loadmat(path)["GTcls"][0]["Segmentation"][0])
    except Exception as error:  # a damaged file may raise anything
        raise DatasetError(f"{path}: not a mask of SBD ({error}); unpack its archive again") from None
    if mask.ndim != 2 or mask.max(initial=0) > 20:
        raise DatasetError(f"{path}: holds class {mask.max(initial=0)} of shape {mask.shape}; unpack SBD again")
    return mask.astype(np.uint8)


def _png(mask: np.ndarray) -> bytes:
    image, file = Image.fromarray(mask), io.BytesIO()
    image.putpalette([value for colour in voc_colours() for value in colour])
    image.save(file, format="PNG")
    return file.getvalue()

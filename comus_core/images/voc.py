"""PASCAL VOC segmentation as it ships: `JPEGImages`, `SegmentationClass`, `ImageSets/Segmentation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from comus_core.errors import DatasetError
from comus_core.images.index_masks import check_indices, check_size, read_index_mask
from comus_core.images.records import Dataset, SkippedFile, by_image_id, image_file, slug
from comus_core.types import ImageId, IndexMask

CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
IGNORE = 255
_SPLITS = Path("ImageSets", "Segmentation")


@dataclass(frozen=True)
class VocTruth:
    """Masks of `SegmentationClass`, or of `SegmentationClassAug` where only that has one."""

    masks: Mapping[ImageId, Path]
    images: Mapping[ImageId, Path]
    classes: tuple[str, ...] = CLASSES
    ignore: int | None = IGNORE

    def has(self, image_id: ImageId) -> bool:
        """Whether either mask folder has this image."""
        return image_id in self.masks

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.masks:
            raise DatasetError(f"VOC image '{image_id}': no mask in SegmentationClass or SegmentationClassAug")
        path = self.masks[image_id]
        mask = read_index_mask(path)
        check_size(mask, path, self.images[image_id])
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask

    def files(self) -> tuple[Path, ...]:
        """See `GroundTruth.files`."""
        return tuple(sorted(self.masks.values()))


def open_voc(spec: str, given: Path, split: str) -> Dataset:
    """The images a split lists; `given` is VOC2012 (or VOC2007) itself, VOCdevkit, or the folder that holds it.

    Raises:
        DatasetError: no VOC folder, no such split (the message lists those there are), or none of its images exists.
    """
    root = find_root(spec, given)
    list_file = root / _SPLITS / f"{split}.txt"
    stems = read_split(root, split)
    files, missing = [], []
    for stem in stems:
        file = image_file(root, f"JPEGImages/{stem}.jpg", stem)
        if file.path.exists():
            files.append(file)
        else:
            missing.append(SkippedFile(file.relative, f"listed in {_SPLITS}/{split}.txt, but there is no such file"))
    if not files:
        raise DatasetError(f"{list_file}: none of its {len(stems)} images is in {root / 'JPEGImages'}")
    masks = {file.image_id: path for file in files if (path := _mask_path(root, file.image_id))}
    truth = VocTruth(masks, {file.image_id: file.path for file in files}) if masks else None
    return Dataset(spec, slug(f"voc-{split}"), root, by_image_id(files), truth, False, tuple(missing))


def list_splits(spec: str, given: Path) -> tuple[str, ...]:
    """The names of the splits, sorted.

    Raises:
        DatasetError: no VOC folder.
    """
    return tuple(sorted(path.stem for path in (find_root(spec, given) / _SPLITS).glob("*.txt")))


def find_root(spec: str, given: Path) -> Path:
    """The folder that holds JPEGImages, from that folder itself, VOCdevkit, or the one that holds it.

    Raises:
        DatasetError: there is none.
    """
    for root in (given / "VOCdevkit" / "VOC2012", given / "VOC2012", given):
        if (root / _SPLITS).is_dir() and (root / "JPEGImages").is_dir():
            return root
    if not given.is_dir():
        raise DatasetError(f"data set '{spec}': no such folder {given}")
    raise DatasetError(
        f"data set '{spec}': {given} is neither VOC2012, VOCdevkit nor the folder that holds it "
        f"(it should contain JPEGImages and {_SPLITS})"
    )


def read_split(root: Path, split: str) -> list[str]:
    """The stems of a split, each once; lists of paths ("/JPEGImages/x.jpg /SegmentationClassAug/x.png") will do.

    Raises:
        DatasetError: there is no such split, or it cannot be read or lists nothing.
    """
    list_file = root / _SPLITS / f"{split}.txt"
    if not list_file.is_file():
        there = sorted(path.stem for path in list_file.parent.glob("*.txt"))
        raise DatasetError(f"no split '{list_file.stem}' in {list_file.parent}: there are {', '.join(there) or 'none'}")
    try:
        lines = list_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"split {list_file}: {error}; it should hold one image name a line") from None
    stems = [_stem(line.split()[0]) for line in lines if line.strip()]
    if not stems:
        raise DatasetError(f"split {list_file}: lists no image")
    return list(dict.fromkeys(stems))


def _stem(word: str) -> str:
    return Path(word).name.removesuffix(".jpg").removesuffix(".png")


def _mask_path(root: Path, stem: str) -> Path | None:
    candidates = (root / folder / f"{stem}.png" for folder in ("SegmentationClass", "SegmentationClassAug"))
    return next((path for path in candidates if path.is_file()), None)

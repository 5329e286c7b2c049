"""COCO instances, merged to one category per pixel."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.errors import DatasetError
from comus_core.images.index_masks import check_size
from comus_core.images.records import Dataset, SkippedFile, by_image_id, image_file, slug
from comus_core.types import BoolMask, ImageId, IndexMask


@dataclass(frozen=True)
class CocoTruth:
    """Instances merged to categories (protocol 1.8 and mistake 15).

    Categories count from 1 by their position in the file's list; where instances overlap the earlier annotation wins;
    crowd regions are included; nothing is ignored, and an image without annotations is all background.

    Attributes:
        instances: of each image, (class index, segmentation as in the file), in file order.
        sizes: (height, width) of each image as the annotations know it.
    """

    classes: tuple[str, ...]
    annotations: Path
    images: Mapping[ImageId, Path]
    sizes: Mapping[ImageId, tuple[int, int]]
    instances: Mapping[ImageId, list[tuple[int, Any]]]
    ignore: int | None = None

    def has(self, image_id: ImageId) -> bool:
        """Whether the annotation file lists this image."""
        return image_id in self.sizes

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.sizes:
            raise DatasetError(f"COCO image '{image_id}': not listed in {self.annotations}")
        mask = np.zeros(self.sizes[image_id], dtype=np.uint8 if len(self.classes) <= 256 else np.uint16)
        check_size(mask, self.annotations, self.images[image_id])
        for index, segmentation in self.instances.get(image_id, []):
            try:
                region = _decode(segmentation, self.sizes[image_id])
            except Exception as error:  # pycocotools raises whatever a malformed outline leads to
                raise DatasetError(f"{self.annotations}: image {image_id}, a bad segmentation ({error})") from None
            mask[region & (mask == 0)] = index
        return mask

    def files(self) -> tuple[Path, ...]:
        """See `GroundTruth.files`."""
        return (self.annotations,)


def open_coco(spec: str, root: Path, split: str) -> Dataset:
    """The images of `annotations/instances_SPLIT.json`, from `ROOT/SPLIT` or `ROOT/images/SPLIT`.

    Raises:
        DatasetError: no such folder or split (the message lists those there are), bad JSON, or no image present.
    """
    annotations = root / "annotations" / f"instances_{split}.json"
    content = _read_json(spec, annotations)
    try:
        return _assemble(spec, root, split, images_folder(root, split), annotations, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{annotations}: not COCO instances ({type(error).__name__}: {error})") from None


def list_splits(spec: str, root: Path) -> tuple[str, ...]:
    """The names of the splits, sorted.

    Raises:
        DatasetError: there is no folder annotations/, or no instances_SPLIT.json in it.
    """
    folder = root / "annotations"
    if not folder.is_dir():
        raise DatasetError(f"data set '{spec}': no folder {folder}; ROOT is the folder that holds annotations/")
    there = sorted(path.stem.removeprefix("instances_") for path in folder.glob("instances_*.json"))
    if not there:
        raise DatasetError(f"data set '{spec}': no instances_SPLIT.json in {folder}")
    return tuple(there)


def images_folder(root: Path, split: str) -> str:
    """The folder of a split's images, relative to the root."""
    return f"images/{split}" if not (root / split).is_dir() and (root / "images" / split).is_dir() else split


def _assemble(spec: str, root: Path, split: str, folder: str, annotations: Path, content: dict[str, Any]) -> Dataset:
    files, missing, sizes = [], [], {}
    for entry in content["images"]:
        file = image_file(root, f"{folder}/{entry['file_name']}", str(int(entry["id"])))
        if file.path.exists():
            files.append(file)
            sizes[file.image_id] = (int(entry["height"]), int(entry["width"]))
        else:
            missing.append(SkippedFile(file.relative, f"listed in {annotations.name}, but there is no such file"))
    if not files:
        raise DatasetError(f"{annotations}: none of its {len(missing)} images is in {root / folder}")
    if len(sizes) < len(files):
        raise DatasetError(f"{annotations}: the same image id is listed more than once")
    classes, instances = _categories(content, annotations)
    kept = {image_id: instances[image_id] for image_id in sizes if image_id in instances}
    truth = CocoTruth(classes, annotations, {f.image_id: f.path for f in files}, sizes, kept)
    return Dataset(spec, slug(f"coco-{split}"), root, by_image_id(files), truth, False, tuple(missing))


def _categories(
    content: dict[str, Any], annotations: Path
) -> tuple[tuple[str, ...], Mapping[ImageId, list[tuple[int, Any]]]]:
    position = {int(category["id"]): k for k, category in enumerate(content["categories"], start=1)}
    instances: dict[ImageId, list[tuple[int, Any]]] = defaultdict(list)
    for annotation in content["annotations"]:
        category = int(annotation["category_id"])
        if category not in position:
            raise DatasetError(f"{annotations}: annotation {annotation.get('id')} has the unlisted category {category}")
        instances[str(int(annotation["image_id"]))].append((position[category], annotation["segmentation"]))
    return ("background", *(str(category["name"]) for category in content["categories"])), dict(instances)


def _read_json(spec: str, annotations: Path) -> dict[str, Any]:
    if not annotations.is_file():
        there = ", ".join(list_splits(spec, annotations.parents[1]))
        raise DatasetError(f"data set '{spec}': no {annotations}; there are the splits {there}")
    try:
        content = json.loads(annotations.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{annotations}: {error}") from None
    if not isinstance(content, dict):
        raise DatasetError(f"{annotations}: holds no JSON object, so no COCO instances")
    return content


def _decode(segmentation: Any, size_hw: tuple[int, int]) -> BoolMask:
    """One instance as (H, W) bool, from polygons or run lengths."""
    height, width = size_hw
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        plain = isinstance(counts, list)
        rle = coco_mask.frPyObjects(segmentation, height, width) if plain else segmentation
        return np.asarray(coco_mask.decode(rle), dtype=bool)
    # Fewer than three corners enclose nothing, and pycocotools would read four numbers as a box.
    polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
    if not polygons:
        return np.zeros(size_hw, dtype=bool)
    merged = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return np.asarray(coco_mask.decode(merged), dtype=bool)

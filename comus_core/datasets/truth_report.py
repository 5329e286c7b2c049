"""Report on ground truth: numbers for the JSON, and one line for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from comus_core.text import counted

FEW = 3  # names per kind in the line
MOST = 20  # names per kind in the JSON

# One row per image of a check of ground truth: `classes` are the indices in its mask, `turned` is by EXIF.
MASK_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("path", pa.string()),
        ("labelled", pa.bool_()),
        ("unclear", pa.bool_()),
        ("turned", pa.bool_()),
        ("classes", pa.list_(pa.int32())),
    ]
)


@dataclass(frozen=True)
class Named:
    """A number of files, and the names of the first."""

    count: int = 0
    first: tuple[str, ...] = ()

    @staticmethod
    def of(names: Iterable[str]) -> Named:
        """From all names, in order."""
        ordered = list(names)
        return Named(len(ordered), tuple(ordered[:MOST]))

    def words(self, singular: str, plural: str) -> list[str]:
        """As in "2 masks without image (a.png, b.png)"; empty if there are none."""
        if not self.count:
            return []
        more = f" and {self.count - FEW:,} more" if self.count > FEW else ""
        return [f"{self.count:,} {singular if self.count == 1 else plural} ({', '.join(self.first[:FEW])}{more})"]


@dataclass(frozen=True)
class TruthReport:
    """Report on the ground truth of a data set.

    Attributes:
        images: in the data set; after reading the masks, usable images.
        labelled: scored images.
        classes: names by class index, background first; empty without ground truth.
        images_without_mask: images without label.
        masks_without_image: mask files without image.
        masks_not_png: other files among the masks, which are not read.
        annotations_without_outline: COCO objects that have only a box.
        boxes: how those are used: `ignore` or `box`.
        images_without_outline: images that are not scored, since an object in them has neither outline nor box.
        annotations_without_image: COCO annotations of unlisted images.
        groups: COCO supercategories, which are not classes.
        turned: images with a mask that EXIF turns; None until the masks were read.
        unclear: those of them that are not scored, since the orientation of their mask is unknown.
        classes_without_pixels: classes in no mask; None until the masks were read.
        why_none: why there is no ground truth.
    """

    images: int
    labelled: int
    classes: tuple[str, ...] = ()
    images_without_mask: Named = Named()
    masks_without_image: Named = Named()
    masks_not_png: Named = Named()
    annotations_without_outline: int = 0
    boxes: str = "ignore"
    images_without_outline: Named = Named()
    annotations_without_image: int = 0
    groups: Named = Named()
    turned: int | None = None
    unclear: Named = Named()
    classes_without_pixels: Named | None = None
    why_none: str = ""

    @property
    def line(self) -> str:
        """The report in one line."""
        if not self.classes:
            return "; ".join([f"no ground truth: {self.why_none}", *self._stray_masks()])
        foreground = len(self.classes) - 1
        parts = [
            f"ground truth: {self.labelled:,} of {counted(self.images, 'image')} labelled, "
            + counted(foreground, "class", "classes")
        ]
        parts += self.images_without_mask.words("image without mask", "images without mask")
        parts += self._stray_masks()
        if count := self.annotations_without_outline:
            fate = "ignored" if self.boxes == "ignore" else "used as outline"
            parts.append(f"{counted(count, 'annotation')} without outline ({'box' if count == 1 else 'boxes'} {fate})")
        parts += self.images_without_outline.words(
            "image not scored, with an object that has neither outline nor box",
            "images not scored, with an object that has neither outline nor box",
        )
        if self.annotations_without_image:
            parts.append(f"{counted(self.annotations_without_image, 'annotation')} of unlisted images")
        parts += self.groups.words("supercategory ignored", "supercategories ignored")
        if self.turned:
            parts.append(f"{counted(self.turned, 'image')} turned by EXIF")
        parts += [f"{words}: {UNCLEAR}" for words in self.unclear.words("of them not scored", "of them not scored")]
        if self.classes_without_pixels is not None:
            parts += self.classes_without_pixels.words("class without pixels", "classes without pixels")
        return "; ".join(parts)

    def _stray_masks(self) -> list[str]:
        """Unused files among the masks."""
        without = self.masks_without_image.words("mask without image", "masks without image")
        return without + self.masks_not_png.words("file in masks is not a PNG", "files in masks are not PNGs")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, with the `line`."""
        values = asdict(self) | {"classes": max(len(self.classes) - 1, 0), "line": self.line}
        return {name: _plain(value) for name, value in values.items()}

    def with_masks(self, masks: pa.Table) -> TruthReport:
        """The report after reading every mask; `masks` has rows of `MASK_SCHEMA`, one per usable image."""
        rows = masks.to_pylist()
        used = {index for row in rows for index in row["classes"]}
        empty = (name for index, name in enumerate(self.classes) if index and index not in used)
        return replace(
            self,
            images=len(rows),
            labelled=sum(row["labelled"] for row in rows),
            turned=sum(row["turned"] for row in rows),
            unclear=Named.of(row["path"] for row in rows if row["unclear"]),
            classes_without_pixels=Named.of(empty),
        )


UNCLEAR = "the orientation of the mask is unknown, set truth.orientation to upright or stored"


def _plain(value: Any) -> Any:
    return value | {"first": list(value["first"])} if isinstance(value, dict) else value

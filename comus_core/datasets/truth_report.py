"""What a reading of ground truth found: numbers for the JSON, and one line for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from comus_core.text import counted

FEW = 3  # names of each kind in the line
MOST = 20  # names of each kind in the JSON

# One row an image of a check of ground truth: `classes` are the indices that its mask holds, `turned` is by EXIF.
FOUND_SCHEMA = pa.schema(
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
    """How many there are, and the names of the first."""

    count: int = 0
    first: tuple[str, ...] = ()

    @staticmethod
    def of(names: Iterable[str]) -> Named:
        """Of all these names, in their order."""
        every = list(names)
        return Named(len(every), tuple(every[:MOST]))

    def words(self, one: str, many: str) -> list[str]:
        """As in "2 masks without image (a.png, b.png)"; nothing where there are none."""
        if not self.count:
            return []
        more = f" and {self.count - FEW:,} more" if self.count > FEW else ""
        return [f"{self.count:,} {one if self.count == 1 else many} ({', '.join(self.first[:FEW])}{more})"]


@dataclass(frozen=True)
class TruthReport:
    """What a reading of ground truth found.

    Attributes:
        images: of the data set; once the masks were read, of those that can be used.
        labelled: images that are scored.
        classes: names by class index, background first; empty where there is no ground truth.
        images_without_mask: images that nothing labels.
        masks_without_image: mask files that belong to no image.
        masks_not_png: files among the masks that are not read.
        annotations_without_outline: COCO objects that have only a box.
        boxes: what becomes of those: `ignore` or `box`.
        images_without_outline: images left out of the score, since an object in them has neither outline nor box.
        annotations_without_image: COCO annotations of images that are not listed.
        groups: COCO categories that only group others, and so are no classes.
        turned: photographs turned by EXIF that have a mask; None until the masks were read.
        unclear: those of them that are not scored, since nothing tells how their mask lies.
        classes_without_pixels: classes that no mask holds; None until the masks were read.
        why_none: the reason why there is no ground truth.
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
        """All of it in one line, what there is none of left out."""
        if not self.classes:
            return "; ".join([f"no ground truth: {self.why_none}", *self._stray_masks()])
        foreground = len(self.classes) - 1
        said = [
            f"ground truth: {self.labelled:,} of {counted(self.images, 'image')} labelled, "
            + counted(foreground, "class", "classes")
        ]
        said += self.images_without_mask.words("image without mask", "images without mask")
        said += self._stray_masks()
        if count := self.annotations_without_outline:
            fate = "ignored" if self.boxes == "ignore" else "taken as outline"
            said.append(f"{counted(count, 'annotation')} without outline ({'box' if count == 1 else 'boxes'} {fate})")
        said += self.images_without_outline.words(
            "image not scored, with an object that has neither outline nor box",
            "images not scored, with an object that has neither outline nor box",
        )
        if self.annotations_without_image:
            said.append(f"{counted(self.annotations_without_image, 'annotation')} of images that are not listed")
        said += self.groups.words("category only groups others", "categories only group others")
        if self.turned:
            said.append(f"{counted(self.turned, 'photograph')} turned by EXIF")
        said += [f"{words}: {UNCLEAR}" for words in self.unclear.words("of them not scored", "of them not scored")]
        if self.classes_without_pixels is not None:
            said += self.classes_without_pixels.words("class without pixels", "classes without pixels")
        return "; ".join(said)

    def _stray_masks(self) -> list[str]:
        """Files among the masks that are of no use."""
        without = self.masks_without_image.words("mask without image", "masks without image")
        return without + self.masks_not_png.words("file among the masks is no PNG", "files among the masks are no PNG")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, with the `line`."""
        values = asdict(self) | {"classes": max(len(self.classes) - 1, 0), "line": self.line}
        return {name: _plain(value) for name, value in values.items()}

    def with_found(self, found: pa.Table) -> TruthReport:
        """The same after every mask was read; `found` has rows of `FOUND_SCHEMA`, one a usable image."""
        rows = found.to_pylist()
        held = {index for row in rows for index in row["classes"]}
        empty = (name for index, name in enumerate(self.classes) if index and index not in held)
        return replace(
            self,
            images=len(rows),
            labelled=sum(row["labelled"] for row in rows),
            turned=sum(row["turned"] for row in rows),
            unclear=Named.of(row["path"] for row in rows if row["unclear"]),
            classes_without_pixels=Named.of(empty),
        )


UNCLEAR = "the size does not tell how their mask lies, set truth.orientation to upright or stored"


def _plain(value: Any) -> Any:
    return value | {"first": list(value["first"])} if isinstance(value, dict) else value

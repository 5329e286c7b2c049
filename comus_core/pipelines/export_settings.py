"""What an export and a table of objects can be asked for. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from comus_core.settings import Seed, require, settings

ImageFiles = Literal["copy", "link", "none"]
ExportedObjects = Literal["all", "core", "accepted"]
EmptyImages = Literal["auto", "keep", "drop"]
MaskCode = Literal["rle", "polygons"]


@settings
class ExportSettings:
    """Write the objects of a run, with categories and masks, in a format that other tools read.

    RUN@0, or RUN alone, has the objects of the clusters as decided now, RUN@1 the predictions of that round.
    """

    format: str
    """The format; `comus parts` lists them."""
    out: str
    """A folder, or a file that ends in .zip."""
    images: ImageFiles = "copy"
    """Image files: copy them, link to them (in a folder), or none."""
    objects: ExportedObjects = "all"
    """All objects of a category, those of its core, or those that a person accepted, moved or drew."""
    categories: tuple[str, ...] = ()
    """Ids or names of the categories to write; default: all."""
    proposals: tuple[str, ...] = ()
    """Ids of the objects to write; default: all."""
    selection: str = ""
    """Only the objects inside a selection: what `selection=` names in the address of the map."""
    dataset: str | None = None
    """Other images that the round is applied to: a data set; default: the run's own."""
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the images in the split val; 0 makes no split. Near duplicates are in one split."""
    seed: Seed = 0
    """Seed of the split."""
    empty: EmptyImages = "auto"
    """Images without exported objects: keep or drop them; auto keeps them where all objects are exported."""
    masks: MaskCode | None = None
    """Masks as run lengths, which are exact, or as polygons; default: what the format is mostly read with."""
    tolerance: Annotated[float, Field(ge=0, le=20)] | None = None
    """Pixels by which a polygon may differ from its mask; default: 0.3, the same pixels."""
    margin: Annotated[float, Field(ge=0, le=10)] | None = None
    """Margin around a crop, as a share of the longer side of its box; default: 0, tight."""
    cutout: bool = False
    """Make what is not the object transparent in a crop (PNG)."""
    force: bool = False
    """Replace files that this program did not write."""

    def __post_init__(self) -> None:
        require(bool(self.format), "format: name one; `comus parts` lists them")
        require(bool(self.out), "out: give a folder, or a file that ends in .zip")
        linked_zip = self.images == "link" and self.is_zip
        require(
            not linked_zip, f"images link: the zip file {self.out} cannot hold links; use copy or none, or a folder"
        )
        of_run = self.proposals or self.selection or self.objects == "accepted"
        require(
            not (self.dataset and of_run),
            "dataset: other images have no ids of proposals, selections or accepted objects; leave these out",
        )

    @property
    def is_zip(self) -> bool:
        """Whether the result is one file."""
        return self.out.lower().endswith(".zip")


@settings
class ObjectsSettings:
    """Write the objects of a run as a table: categories, boxes, shape, colour, sharpness, and what was decided."""

    out: str | None = None
    """A file that ends in .csv or .parquet; default: none."""
    bom: bool = False
    """Begin a CSV with a byte order mark, as Excel wants for other letters than English ones."""
    force: bool = False
    """Replace a file that this program did not write."""

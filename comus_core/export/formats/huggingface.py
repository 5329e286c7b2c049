"""A Hugging Face folder: images, masks and `metadata.jsonl`; `datasets.load_dataset("imagefolder", data_dir=…)`."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.index_png import class_mask, index_png, object_mask, palette_of
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.records import ExportImage, ExportObject
from comus_core.proposals.pseudo_masks import voc_palette

FOLDER_OF = {"": "train", "train": "train", "val": "validation"}


class HuggingFaceWriter:
    """Columns: `image`, `mask` (categories), `object_mask`, and a list of objects."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan, self._category_of = plan, plan.category_of()
        self._palette = palette_of(plan.categories)

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write the masks, and keep the row of an image."""
        folder = FOLDER_OF[image.split]
        stem, file = (name.removeprefix(f"{folder}/images/") for name in (image.stem, image.file))
        masks = {"mask": index_png(class_mask(image, objects, self._category_of), self._palette)}
        masks["object_mask"] = index_png(object_mask(image, objects), voc_palette())
        for name, content in masks.items():
            part.write(f"{folder}/{name}s/{stem}.png", content)
        row = {
            "file_name": f"images/{file}",
            **{f"{name}_file_name": f"{name}s/{stem}.png" for name in masks},
            "image_id": image.id,
            "width": image.width,
            "height": image.height,
            "objects": [
                {
                    "id": one.id,
                    "bbox": list(one.box_xywh),
                    "category": self._category_of[one.category].index,
                    "name": self._category_of[one.category].name,
                    "area": one.area,
                    "score": one.score,
                    "rle": one.rle.decode(),
                }
                for one in objects
            ],
        }
        part.line(f"rows-{folder}", json_bytes(row))

    def finish(self, export: Export) -> None:
        """Write the rows of each split, and a card."""
        for folder in dict.fromkeys(FOLDER_OF[split] for split in self._plan.splits):
            with export.open(f"{folder}/metadata.jsonl") as file:
                file.writelines(line + b"\n" for line in export.lines(f"rows-{folder}"))
        rows = [f"| {c.index} | {c.name.replace('|', '/')} |" for c in self._plan.categories]
        about = self._plan.about
        supervision = ", ".join(f"{name} {value}" for name, value in about.get("supervision", {}).items())
        card = ["# Objects found by COMUS Explorer", "", f"Run {about.get('run', '')}. Supervision: {supervision}.", ""]
        card += ["| index in masks | category |", "| --- | --- |", "| 0 | background |", *rows, ""]
        export.write("README.md", "\n".join(card).encode())


SPEC = ExportFormat(
    name="huggingface",
    title="Hugging Face folder",
    what="images, masks and metadata.jsonl; for datasets.load_dataset",
    writer=HuggingFaceWriter,
    image_file=lambda path, split: f"{FOLDER_OF[split]}/images/{path}",
    pictures="always",
    most_categories=254,
)

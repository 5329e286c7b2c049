"""The exported objects as one table, Parquet or CSV: boxes, shapes, and in Parquet the masks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.records import ExportImage, ExportObject
from comus_core.files.csv_file import csv_bytes
from comus_core.runs.object_measures import SHAPE, shape_of

ROWS = 8192  # written at a time
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "image_id", "file", "split")),
        ("category", pa.int32()),
        ("name", pa.string()),
        *((name, pa.bool_()) for name in ("core", "accepted", "by_hand")),
        *((name, pa.float32()) for name in ("distance", "score")),
        *((name, pa.int32()) for name in ("x0", "y0", "x1", "y1")),
        ("area", pa.int64()),
        *((name, pa.float64()) for name in ("area_share", *SHAPE)),
        *((name, pa.int32()) for name in ("height", "width")),
        ("rle", pa.string()),
    ]
)


class TableWriter:
    """A row an object; `category` is the stable id, `rle` COCO's packed run lengths."""

    def __init__(self, plan: ExportPlan, kind: str) -> None:
        self._category_of, self._kind = plan.category_of(), kind
        self._schema = SCHEMA if kind == "parquet" else SCHEMA.remove(SCHEMA.get_field_index("rle"))

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Keep the rows of an image."""
        for one in objects:
            box = dict(zip(("x0", "y0", "x1", "y1"), one.box_xyxy, strict=True))
            row = {
                **{"id": one.id, "image_id": image.id, "file": image.relative, "split": image.split},
                **{"category": one.category, "name": self._category_of[one.category].name},
                **{"core": one.core, "accepted": one.accepted, "by_hand": one.by_hand},
                **{"distance": one.distance, "score": one.score, **box, "area": one.area},
                **{"area_share": one.area / (image.height * image.width), **shape_of(one.crop, one.box_xyxy[:2])},
                **{"height": image.height, "width": image.width, "rle": one.rle.decode()},
            }
            part.line("rows", json_bytes({name: row[name] for name in self._schema.names}))

    def finish(self, export: Export) -> None:
        """Write the table in blocks of rows."""
        with export.open(f"objects.{self._kind}") as file:
            if self._kind == "parquet":
                with pq.ParquetWriter(file, self._schema) as writer:
                    for table in self._tables(export):
                        writer.write_table(table)
            else:
                _write_csv(file, self._tables(export))

    def _tables(self, export: Export) -> Iterator[pa.Table]:
        lines, first = export.lines("rows"), True
        while block := list(islice(lines, ROWS)):
            yield pa.Table.from_pylist([json.loads(line) for line in block], schema=self._schema)
            first = False
        if first:
            yield self._schema.empty_table()


def _write_csv(file: IO[bytes], tables: Iterator[pa.Table]) -> None:
    """Safe to open in a spreadsheet, see `csv_file`; the header once."""
    for number, table in enumerate(tables):
        content = csv_bytes(table)
        file.write(content if not number else content[len(csv_bytes(table.slice(0, 0))) :])


PARQUET = ExportFormat(
    name="parquet",
    title="Parquet table",
    what="one Parquet file, a row an object, with boxes, shapes and masks; for pandas, DuckDB, Spark",
    writer=lambda plan: TableWriter(plan, "parquet"),
    image_file=lambda path, split: path,
    pictures="never",
)
CSV = ExportFormat(
    name="csv",
    title="CSV table",
    what="one CSV file, a row an object, with boxes and shapes; for spreadsheets",
    writer=lambda plan: TableWriter(plan, "csv"),
    image_file=lambda path, split: path,
    pictures="never",
)

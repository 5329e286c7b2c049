"""Soft maps for other programs: `comus saliency predict DATASET --detector NAME --out DIR`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from comus_core.config import RunConfig, TruthSettings
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.datasets.records import Dataset
from comus_core.files.atomic import write_bytes, write_json
from comus_core.files.file_names import name_key
from comus_core.files.output_file import writable_folder
from comus_core.files.output_folder import OutputFolder
from comus_core.pipelines.model_selection import detector_supervision, non_commercial_of, resolve_saliency
from comus_core.pipelines.saliency_settings import SaliencyPredictSettings
from comus_core.proposals.resizing import bilinear_bands
from comus_core.runs import artifact_readers as tables
from comus_core.settings import require, to_dict
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Workspace

KIND, RESULT = "saliency maps", "saliency.json"
READ_AT_ONCE = 64  # stored maps


def predict_saliency(
    dataset: str,
    workspace: Workspace,
    settings: SaliencyPredictSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Write one grey 8-bit PNG an image: its soft map, 255 where it is salient, at the image's size.

    A map has its image's relative path, ending in `.png`; of images whose paths differ in the ending alone, such as
    `a.jpg` and `a.tif`, the second map is `a 2.png`. The workspace keeps the maps at the detector's size, for
    runs on the same images too. A file that cannot be used is skipped with its reason.

    Returns:
        `path`, and what `saliency.json` holds: `dataset`, `detector`, `saliency` (its settings), `supervision`,
        `non_commercial` (weights whose licence forbids commercial use), `images` (found), `skipped_files` [{`path`,
        `reason`}], `replaced` (files of others, with `force`), and `maps` [{`image`, `map`, `height`, `width`,
        `mean`}], `mean` in [0, 1].

    Raises:
        DatasetError: the data set cannot be used, or none of its images.
        SettingsError: unknown detector; nothing can be written at `out`.
        WeightsError: the detector's weights are not on this machine.
        WorkspaceError: results cannot go into the folder (see `OutputFolder`).
    """
    from comus_core import stages
    from comus_core.machine.device import choose_device
    from comus_core.saliency.detectors import detector_fingerprint
    from comus_core.saliency.soft_maps import dequantise, from_png, quantise, to_png
    from comus_core.stages.context import StageContext

    output = OutputFolder(writable_folder(Path(settings.out).expanduser()), KIND, settings.force)
    output.require_usable()
    opened = open_dataset(dataset, workspace.drawings, TruthSettings(read=False))
    config = RunConfig(absolute(opened.spec), resolve_saliency(settings.saliency))
    context = StageContext(workspace, opened, config, choose_device(device), on_progress)
    detector_fingerprint(config.saliency, opened.files)  # what is missing is told before all images are read
    images = stages.check_images(context)
    stages.require_usable(context, images)
    maps = stages.soft_maps(context, images)
    missing = maps.set_aside()
    sizes, names = tables.image_sizes(images), map_names(i for i in tables.usable_ids(images) if i not in missing)
    _require_no_image(output.path, names, opened)
    rows: list[dict[str, Any]] = []
    with output.writing({"dataset": config.dataset}, RESULT) as folder, maps.reading("table.parquet") as path:
        replaced = output.in_the_way([*names.values(), RESULT])
        for batch in pq.ParquetFile(path).iter_batches(batch_size=READ_AT_ONCE, columns=["image_id", "png"]):
            for row in (one for one in batch.to_pylist() if one["image_id"] in names):
                image_id, (height, width) = row["image_id"], sizes[row["image_id"]]
                soft = np.empty((height, width), np.float32)
                for band, part in bilinear_bands(dequantise(from_png(row["png"])), (height, width)):
                    soft[band] = part
                write_bytes(folder / names[image_id], to_png(quantise(soft)))
                about = {"image": image_id, "map": names[image_id], "height": height, "width": width}
                rows.append(about | {"mean": float(soft.mean(dtype=np.float64))})
                on_progress(Progress("maps", len(rows), len(names)))
        result = {
            "dataset": config.dataset,
            "detector": config.saliency.detector,
            "saliency": to_dict(config.saliency),
            "supervision": asdict(detector_supervision(config.saliency)),
            "non_commercial": non_commercial_of(config.saliency),
            "images": len(opened.files),
            "skipped_files": context.skipped_files(images),
            "replaced": replaced,
            "maps": rows,
        }
        write_json(folder / RESULT, result)
    return result | {"path": str(Path(settings.out).expanduser().absolute())}


def _require_no_image(folder: Path, names: Mapping[str, str], dataset: Dataset) -> None:
    """Raise `SettingsError` where a map would replace one of the images, which not even `force` allows."""
    images = {file.path.resolve() for file in dataset.files}
    replaced = next((name for name in names.values() if (folder / name).resolve() in images), None)
    require(replaced is None, f"out {folder}: the map {replaced} would replace an image; choose another folder")


def map_names(image_ids: Iterable[str]) -> dict[str, str]:
    """Image id -> path of its map: the id with `.png` for its ending; where two would be one, with a number behind."""
    endings, taken, names = Image.registered_extensions(), set[str](), {}
    for image_id in image_ids:
        folder, slash, name = image_id.rpartition("/")
        stem = name.rpartition(".")[0] if PurePosixPath(name).suffix.lower() in endings else name
        place, number = f"{folder}{slash}{stem}.png", 2
        while name_key(place) in taken:
            place, number = f"{folder}{slash}{stem} {number}.png", number + 1
        taken.add(name_key(place))
        names[image_id] = place
    return names

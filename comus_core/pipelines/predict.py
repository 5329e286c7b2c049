"""New photographs through a run: `comus predict RUN[@ROUND] IMAGES… --out DIR`.

Round 0 finds proposals as the run did and gives each the category of its nearest neighbours among the run's; a trained
round is the network. Both write index masks (0 background, category + 1, never ignore) and how sure each category is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import class_list_text
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.file_walk import NOT_TEXT, is_text, printable
from comus_core.datasets.folder import Listing, list_images
from comus_core.datasets.ignored_files import ignored_json, merge_ignored
from comus_core.datasets.records import Dataset, IgnoredFiles, SkippedFile, by_image_id, image_file
from comus_core.errors import DatasetError
from comus_core.features.encoders import own_vectors
from comus_core.files.atomic import write_bytes, write_json
from comus_core.files.output_file import writable_folder
from comus_core.files.output_folder import OutputFolder
from comus_core.pipelines.apply_rounds import AppliedRound, apply_round
from comus_core.pipelines.prediction_folder import CLASSES, KIND, RESULT
from comus_core.pipelines.verb_settings import PredictSettings
from comus_core.proposals.pseudo_masks import pseudo_mask, to_png
from comus_core.runs import artifact_readers as tables
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_round import RunRound
from comus_core.saliency.detectors import detector_spec
from comus_core.settings import require
from comus_core.stages.assignment import assigned_categories
from comus_core.stages.labels import beside
from comus_core.stages.masks import mask_files
from comus_core.text import counted
from comus_core.types import FloatArray, IndexMask, OnProgress, Progress, no_progress
from comus_core.workspace import Run, Workspace

Read = Callable[[str], tuple[IndexMask, FloatArray]]  # image id -> mask, (C + 1,) confidence of each index, 0 if absent


def predict(
    round: RunRound,
    workspace: Workspace,
    settings: PredictSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Predict images with a round, and write `masks/`, `classes.txt` and `predictions.json`.

    A file that cannot be used is skipped with its reason, and the others go on. What an earlier prediction wrote into
    the folder is replaced when the new one is complete; nothing else in it is touched. The folder is made if need be.
    It may hold nothing that this program did not write there, unless `force` allows files of others and replaces those
    named like a result.

    Returns:
        What `predictions.json` holds: `run`, `round`, `supervision`, `categories` [{`index`, `category`, `name`}],
        `images` (found), `skipped`, `skipped_files`, `passed_over`, `notes` [{`path`, `note`}], `replaced` (files of
        others, with `force`), and `predictions` [{`image`, `photograph`, `mask`, `height`, `width`, `found` [{`index`,
        `category`, `name`, `pixels`, `confidence`}]}], largest first. The confidence is the mean over the category's
        pixels: of the softmax, or at round 0 of the neighbours' vote.

    Raises:
        DatasetError: no image, or none that is usable.
        WorkspaceError: results cannot go into the folder (see `OutputFolder`).
        SettingsError: nothing can be written in `out`; round 0 of a run on vectors of the user's own, which new
            images have none of; `network_only` of round 0.
    """
    out = Path(settings.out)
    output = OutputFolder(writable_folder(out), KIND, settings.force)
    output.require_usable()
    dataset = photographs_of(settings.images, workspace)
    applied, read = _applied(round, dataset, workspace, settings.network_only, device, on_progress)
    images, context = applied.made["images"], applied.context
    ids = [i for i in tables.usable_ids(images) if i not in context.set_aside]
    categories = tuple(zip(applied.ids, applied.names, strict=True))
    file_of, rows = mask_files(ids), []
    with output.writing({"run": round.run.id, "round": round.number}, RESULT) as folder:
        replaced = output.in_the_way([*file_of.values(), CLASSES, RESULT])
        for done, (image_id, file) in enumerate(file_of.items()):
            on_progress(Progress("writing", done, len(file_of)))
            mask, confidence = read(image_id)
            write_bytes(folder / file, to_png(mask))
            place = {"photograph": _from_folder(dataset.by_id[image_id].path, out), "mask": file}
            size = {"height": mask.shape[0], "width": mask.shape[1]}
            rows.append({"image": image_id, **place, **size, "found": _found(mask, confidence, categories)})
        write_bytes(folder / CLASSES, class_list_text(applied.names).encode())
        result = {**_about(round, dataset, applied), "replaced": replaced, "predictions": rows}
        write_json(folder / RESULT, result)
    on_progress(Progress("writing", len(file_of), len(file_of)))
    return result


def _about(subject: RunRound, dataset: Dataset, applied: AppliedRound) -> dict[str, Any]:
    """What a prediction says before its rows."""
    images = applied.made["images"]
    set_aside, categories = applied.context.skipped_files(images), zip(applied.ids, applied.names, strict=True)
    return {
        "run": subject.run.id,
        "round": subject.number,
        "supervision": subject.supervision,
        "categories": [{"index": k, "category": c, "name": name} for k, (c, name) in enumerate(categories, 1)],
        "images": len(dataset.files) + len(dataset.skipped),
        "skipped": len(set_aside),
        "skipped_files": set_aside,
        "passed_over": ignored_json(dataset.ignored),
        "notes": tables.notes(images),
    }


def photographs_of(names: Sequence[str | Path], workspace: Workspace) -> Dataset:
    """Files and folders as one data set without ground truth; ids are paths below their common folder.

    Whether a file is an image is left to the check of the images: its name does not matter, and what a folder
    could not offer is skipped with its reason.

    Raises:
        DatasetError: no name, or not one image.
    """
    if not names:
        raise DatasetError("no image: name files, or a folder")
    if len(names) == 1 and (Path(names[0]).is_dir() or not os.path.lexists(names[0])):
        return open_dataset(str(names[0]), workspace.drawings, TruthSettings(read=False))
    paths: list[Path] = []
    set_aside: list[SkippedFile] = []
    passed_over: list[IgnoredFiles] = []
    for path in (Path(os.path.abspath(Path(p).expanduser())) for p in names):
        if path.is_dir():
            listed = _listed(path, set_aside)
            paths += [file.path for file in listed.files]
            set_aside += [SkippedFile(str(path / s.path), s.reason) for s in listed.skipped]
            passed_over += [replace(p, places=tuple(str(path / place) for place in p.places)) for p in listed.ignored]
        elif is_text(str(path)):
            paths.append(path)
        else:
            set_aside.append(SkippedFile(printable(str(path)), NOT_TEXT))
    if not paths:
        raise DatasetError("no image: " + "; ".join(f"{s.path}: {s.reason}" for s in set_aside[:3]))
    paths = list(dict.fromkeys(paths))
    root = Path(os.path.commonpath([path.parent for path in paths]))
    files = by_image_id(image_file(root, path.relative_to(root).as_posix()) for path in paths)
    aside, over = tuple(set_aside), merge_ignored(passed_over)
    return Dataset(counted(len(paths), "image"), "images", root, files, None, False, aside, ignored=over)


def _listed(folder: Path, set_aside: list[SkippedFile]) -> Listing:
    """The images of one of the folders; one without any is skipped."""
    try:
        return list_images(str(folder), folder)
    except DatasetError as error:
        set_aside.append(SkippedFile(f"{printable(str(folder))}/", str(error)))
        return Listing([], [], False, ())


def _applied(
    subject: RunRound, dataset: Dataset, workspace: Workspace, network_only: bool, device: str, on_progress: OnProgress
) -> tuple[AppliedRound, Read]:
    """The round on the images, and how its masks are read."""
    run = subject.run
    if subject.training is not None:
        # The user's own masks know no new image: the network then decides alone.
        weight = None if detector_spec(run.config.saliency.detector).finds else 0.0
        applied = apply_round(
            subject,
            dataset,
            workspace,
            saliency=weight,
            network_only=network_only,
            device=device,
            on_progress=on_progress,
        )
        return applied, _network_reader(applied)
    require(
        not network_only,
        f"network_only: round 0 of run {run.id} is its clusters, not a network; `comus train {run.id}`, then predict "
        f"with {run.id}@1",
    )
    require(
        not own_vectors(run.config.features.encoder),
        f"run {run.id} has vectors of your own ({run.config.features.encoder}), and new images have none: "
        f"`comus train {run.id}`, then predict with {run.id}@1",
    )
    applied = apply_round(subject, dataset, workspace, may_be_empty=True, device=device, on_progress=on_progress)
    return applied, _clusters_reader(applied, run)


def _network_reader(applied: AppliedRound) -> Read:
    """Its masks, and the mean of the softmax over each category's pixels."""
    predicted, outputs = applied.made["predictions"], len(applied.ids) + 1
    masks = MaskReader(predicted)

    def read(image_id: str) -> tuple[IndexMask, FloatArray]:
        mask = masks.read(image_id)
        assert mask is not None, "every usable image is predicted"
        with predicted.reading(beside(masks.files[image_id], "confidence")) as path, Image.open(path) as picture:
            sure = np.asarray(picture, np.float64)
        pixels = np.bincount(mask.ravel(), minlength=outputs)
        return mask, np.bincount(mask.ravel(), sure.ravel(), outputs) / np.maximum(pixels, 1) / 255

    return read


def _clusters_reader(applied: AppliedRound, run: Run) -> Read:
    """Proposals in their categories, and the mean of the neighbours' vote over each category's pixels."""
    made, workspace, outputs = applied.made, applied.context.workspace, len(applied.ids) + 1
    proposals, category, sure = tables.read_proposals(made["proposals"]), np.zeros(0, np.int32), np.zeros(0)
    if "assignment" in made:
        ids, joined = assigned_categories(workspace, run, made["assignment"], workspace.decisions_of(run))
        row_of = {proposal_id: row for row, proposal_id in enumerate(ids)}
        order = np.array([row_of[p] for p in proposals.proposal_id])
        category, sure = joined.category[order], 1 - joined.distance[order]
    rows_of, sizes = tables.rows_by_image(proposals), tables.image_sizes(made["images"])

    def read(image_id: str) -> tuple[IndexMask, FloatArray]:
        rows = np.array([row for row in rows_of.get(image_id, []) if category[row] >= 0], np.int64)
        kept = np.ones(len(rows), bool)
        mask = pseudo_mask(proposals[rows], category[rows], kept, sizes[image_id], len(applied.ids))
        index, area = category[rows] + 1, proposals.area[rows].astype(np.float64)
        total = np.bincount(index, area, outputs)
        return mask, np.bincount(index, area * sure[rows], outputs) / np.maximum(total, 1)

    return read


def _found(
    mask: IndexMask, confidence: FloatArray, categories: Sequence[tuple[int, str]]
) -> list[dict[str, int | float | str]]:
    """The categories in a mask, largest first."""
    pixels = np.bincount(mask.ravel(), minlength=len(categories) + 1)
    largest = sorted((index for index in np.flatnonzero(pixels).tolist() if index), key=lambda k: (-pixels[k], k))
    return [
        {
            "index": k,
            "category": categories[k - 1][0],
            "name": categories[k - 1][1],
            "pixels": int(pixels[k]),
            "confidence": round(float(confidence[k]), 4),
        }
        for k in largest
    ]


def _from_folder(path: Path, folder: Path) -> str:
    """A file as the result names it: relative if it lies below the folder, so that both can be moved together."""
    path, folder = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

"""New photographs through a run: `comus predict RUN[@ROUND] IMAGES… --out DIR`.

Round 0 finds proposals as the run did and gives each the category of its nearest neighbours among the run's; a trained
round is the network. Both write index masks (0 background, category + 1, never ignore) and how sure each category is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from comus_core import stages
from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import class_list_text
from comus_core.datasets.dataset import Dataset, open_dataset
from comus_core.datasets.file_walk import NOT_TEXT, is_text, printable
from comus_core.datasets.folder import Listing, list_images
from comus_core.datasets.ignored_files import ignored_json, merge_ignored
from comus_core.datasets.records import IgnoredFiles, SkippedFile, by_image_id, image_file
from comus_core.errors import DatasetError
from comus_core.files.atomic import replacing, write_json
from comus_core.files.output_file import writable_folder
from comus_core.files.output_folder import OutputFolder
from comus_core.pipelines.apply_rounds import apply_round
from comus_core.pipelines.evaluate_dataset import assigned_categories, assignment
from comus_core.pipelines.prediction_folder import CLASSES, KIND, RESULT
from comus_core.proposals.pseudo_masks import from_png, pseudo_mask, to_png
from comus_core.runs import artifact_readers as tables
from comus_core.runs.trained_categories import trained_ids
from comus_core.saliency.detectors import detector_spec
from comus_core.settings import require
from comus_core.stages import StageContext
from comus_core.stages.labels import beside, files_of
from comus_core.stages.masks import mask_files
from comus_core.text import counted
from comus_core.types import FloatArray, IndexMask, OnProgress, Progress, no_progress
from comus_core.workspace import Artifact, Run, Workspace

Read = Callable[[str], tuple[IndexMask, FloatArray]]  # image id -> mask, (C + 1,) confidence of each index, 0 if absent


@dataclass(frozen=True)
class _Predicted:
    """What is predicted, before anything is written; `categories` are (id, name) in the order of the indices."""

    images: Artifact
    context: StageContext
    categories: tuple[tuple[int, str], ...]
    supervision: dict[str, str]
    read: Read


def predict_photographs(
    run: Run,
    number: int,
    photographs: Sequence[str | Path],
    workspace: Workspace,
    out: Path,
    *,
    device: str = "auto",
    force: bool = False,
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Predict photographs with round `number` of a run, and write `masks/`, `classes.txt` and `predictions.json`.

    A file that cannot be used is set aside with its reason, and the others go on. What an earlier prediction wrote into
    the folder is replaced when the new one is whole; nothing else in it is touched.

    Args:
        run: a run with clusters.
        number: 0 for the clusters, by nearest neighbours; 1 or more for that round of the run's last training.
        photographs: files and folders, or one data set's string.
        workspace: where the run is.
        out: folder of the results; made if need be. It may hold nothing that this program did not write there.
        device: as in `discover`.
        force: allow files of others in it, and replace those that are named like a result.
        on_progress: as in `discover`.

    Returns:
        What `predictions.json` holds: `run`, `round`, `supervision`, `categories` [{`index`, `category`, `name`}],
        `images` (found), `skipped`, `skipped_files`, `passed_over`, `notes` [{`path`, `note`}], `replaced` (files of
        others, with `force`), and `predictions` [{`image`, `photograph`, `mask`, `height`, `width`, `found` [{`index`,
        `category`, `name`, `pixels`, `confidence`}]}], largest first. The confidence is the mean over the category's
        pixels: of the softmax, or at round 0 of the neighbours' vote.

    Raises:
        DatasetError: no photograph, or none that is usable.
        WorkspaceError: the run has no such round, or results cannot go into the folder (see `OutputFolder`).
        SettingsError: nothing can be written in `out`; round 0 of a run on vectors of the user's own, which new
            photographs have none of.
    """
    output = OutputFolder(writable_folder(out), KIND, force)
    output.require_usable()
    dataset = photographs_of(photographs, workspace)
    make = _from_network if number else _from_clusters
    made = make(run, number, dataset, workspace, device, on_progress)
    ids = [i for i in tables.usable_ids(made.images) if i not in made.context.set_aside]
    file_of, rows = mask_files(ids), []
    with output.writing({"run": run.id, "round": number}, RESULT) as folder:
        replaced = output.in_the_way([*file_of.values(), CLASSES, RESULT])
        for done, (image_id, file) in enumerate(file_of.items()):
            on_progress(Progress("writing", done, len(file_of)))
            mask, confidence = made.read(image_id)
            with replacing(folder / file) as temporary:
                temporary.write_bytes(to_png(mask))
            place = {"photograph": _from_folder(dataset.by_id[image_id].path, out), "mask": file}
            size = {"height": mask.shape[0], "width": mask.shape[1]}
            rows.append({"image": image_id, **place, **size, "found": _found(mask, confidence, made.categories)})
        with replacing(folder / CLASSES) as temporary:
            temporary.write_text(class_list_text([name for _, name in made.categories]), encoding="utf-8")
        result = {**_told(run, number, dataset, made), "replaced": replaced, "predictions": rows}
        write_json(folder / RESULT, result)
    on_progress(Progress("writing", len(file_of), len(file_of)))
    return result


def _told(run: Run, number: int, dataset: Dataset, made: _Predicted) -> dict[str, Any]:
    """What a prediction says before its rows."""
    set_aside = made.context.skipped_files(made.images)
    return {
        "run": run.id,
        "round": number,
        "supervision": made.supervision,
        "categories": [{"index": k, "category": c, "name": name} for k, (c, name) in enumerate(made.categories, 1)],
        "images": len(dataset.files) + len(dataset.skipped),
        "skipped": len(set_aside),
        "skipped_files": set_aside,
        "passed_over": ignored_json(dataset.ignored),
        "notes": tables.notes(made.images),
    }


def photographs_of(given: Sequence[str | Path], workspace: Workspace) -> Dataset:
    """Files and folders as one data set without ground truth; ids are paths below their common folder.

    Whether a file is a photograph is left to the check of the images: its name does not matter, and what a folder
    could not offer is set aside with its reason.

    Raises:
        DatasetError: nothing given, or not one image.
    """
    if not given:
        raise DatasetError("no photograph: name files, or a folder")
    if len(given) == 1 and (Path(given[0]).is_dir() or not os.path.lexists(given[0])):
        return open_dataset(str(given[0]), workspace.drawings, TruthSettings(read=False))
    paths: list[Path] = []
    set_aside: list[SkippedFile] = []
    passed_over: list[IgnoredFiles] = []
    for path in (Path(os.path.abspath(Path(p).expanduser())) for p in given):
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
        raise DatasetError("no photograph: " + "; ".join(f"{s.path}: {s.reason}" for s in set_aside[:3]))
    paths = list(dict.fromkeys(paths))
    root = Path(os.path.commonpath([path.parent for path in paths]))
    files = by_image_id(image_file(root, path.relative_to(root).as_posix()) for path in paths)
    aside, over = tuple(set_aside), merge_ignored(passed_over)
    return Dataset(counted(len(paths), "photograph"), "photographs", root, files, None, False, aside, ignored=over)


def _listed(folder: Path, set_aside: list[SkippedFile]) -> Listing:
    """The photographs of one of the folders given; one without any is set aside."""
    try:
        return list_images(str(folder), folder)
    except DatasetError as error:
        set_aside.append(SkippedFile(f"{printable(str(folder))}/", str(error)))
        return Listing([], [], False, ())


def _from_network(
    run: Run, number: int, dataset: Dataset, workspace: Workspace, device: str, on_progress: OnProgress
) -> _Predicted:
    training = workspace.trainings.with_round(run.id, number)
    # The user's own masks know no new photograph: the network then decides alone.
    weight = 0.0 if detector_spec(run.config.saliency.detector).takes_path else None
    options: dict[str, Any] = {"saliency": weight, "device": device, "on_progress": on_progress}
    applied = apply_round(run, training, number, dataset, workspace, **options)
    stored, outputs = files_of(applied.predicted), len(applied.names) + 1

    def read(image_id: str) -> tuple[IndexMask, FloatArray]:
        file = stored[image_id]
        with applied.predicted.reading(file) as path:
            mask = from_png(path.read_bytes())
        with applied.predicted.reading(beside(file, "confidence")) as path, Image.open(path) as picture:
            sure = np.asarray(picture, np.float64)
        pixels = np.bincount(mask.ravel(), minlength=outputs)
        return mask, np.bincount(mask.ravel(), sure.ravel(), outputs) / np.maximum(pixels, 1) / 255

    categories = tuple(zip(trained_ids(training), applied.names, strict=True))
    return _Predicted(applied.images, applied.context, categories, training.result["supervision"], read)


def _from_clusters(
    run: Run, _: int, dataset: Dataset, workspace: Workspace, device: str, on_progress: OnProgress
) -> _Predicted:
    from comus_core.device import choose_device

    require(
        not run.config.features.from_file,
        f"run {run.id} has vectors of your own ({run.config.features.encoder}), and new photographs have none: "
        f"`comus train {run.id}`, then predict with {run.id}@1",
    )
    config = replace(run.config, dataset=dataset.spec)
    context = StageContext(workspace, dataset, config, choose_device(device), on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    found = stages.proposals(context, images, stages.soft_maps(context, images))
    proposals, decided = tables.read_proposals(found), workspace.decisions_of(run)
    clusters = tables.read_clusters(workspace.artifact(run, "clustering"))
    own = tables.categories_of(clusters, decided)
    category, sure = np.zeros(0, np.int32), np.zeros(0)
    if len(proposals):
        vectors = stages.features(context, found)
        proposals = tables.read_proposals(stages.with_features(context, found, vectors))
        assigned = assignment(context, run, vectors)
        ids, joined = assigned_categories(workspace, run, assigned, decided)
        row_of = {proposal_id: row for row, proposal_id in enumerate(ids)}
        rows = np.array([row_of[p] for p in proposals.proposal_id])
        category, sure = joined.category[rows], 1 - joined.distance[rows]
    rows_of, sizes, outputs = tables.rows_by_image(proposals), tables.image_sizes(images), len(own.ids) + 1

    def read(image_id: str) -> tuple[IndexMask, FloatArray]:
        rows = np.array([row for row in rows_of.get(image_id, []) if category[row] >= 0], np.int64)
        kept = np.ones(len(rows), bool)
        mask = pseudo_mask(proposals[rows], category[rows], kept, sizes[image_id], len(own.ids))
        index, area = category[rows] + 1, proposals.area[rows].astype(np.float64)
        whole = np.bincount(index, area, outputs)
        return mask, np.bincount(index, area * sure[rows], outputs) / np.maximum(whole, 1)

    names = tuple(decided.name_of(k) for k in own.ids)
    return _Predicted(images, context, tuple(zip(own.ids, names, strict=True)), run.provenance["supervision"], read)


def _found(
    mask: IndexMask, confidence: FloatArray, categories: Sequence[tuple[int, str]]
) -> list[dict[str, int | float | str]]:
    """The categories in a mask, largest first."""
    pixels = np.bincount(mask.ravel(), minlength=len(categories) + 1)
    found = sorted((index for index in np.flatnonzero(pixels).tolist() if index), key=lambda k: (-pixels[k], k))
    return [
        {
            "index": k,
            "category": categories[k - 1][0],
            "name": categories[k - 1][1],
            "pixels": int(pixels[k]),
            "confidence": round(float(confidence[k]), 4),
        }
        for k in found
    ]


def _from_folder(path: Path, folder: Path) -> str:
    """A file as the result names it: relative if it lies below the folder, so that both can be moved together."""
    path, folder = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

"""The photographs of a run found again by their content, after their folder was moved, renamed or put in order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from comus_core.config import RunConfig
from comus_core.datasets.class_lists import CLASS_FILES
from comus_core.datasets.dataset import open_dataset, parse_dataset
from comus_core.datasets.folder_truth import FolderTruth
from comus_core.datasets.format import FOLDER
from comus_core.datasets.records import Dataset
from comus_core.errors import DatasetError, SettingsError
from comus_core.features.encoders import ENCODERS
from comus_core.files.atomic import disk_error
from comus_core.files.own_places import make_own, own_place
from comus_core.person import require_operator
from comus_core.pipelines.verb_settings import RelinkSettings
from comus_core.plugins import with_path
from comus_core.runs.run_truth import truth_fingerprint
from comus_core.saliency.detectors import DETECTORS
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.workspace import RELINKED


@dataclass(frozen=True)
class Relinked:
    """What was dataset.

    Attributes:
        run: the run, which reads its images from the new folder from now on.
        images: how many there are.
        renamed: how many of them lie at another path below the folder than before.
        truth: whether its ground truth, if it had one, is there too, unchanged.
        others: ids of runs on the same images that lost the same folder, and found it with this run.
    """

    run: Run
    images: int
    renamed: int
    truth: bool
    others: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        counts = {"images": self.images, "renamed": self.renamed, "truth": self.truth, "others": list(self.others)}
        return {"run": self.run.id, "dataset": self.run.config.dataset, **counts}

    def lines(self) -> list[str]:
        """The same in words."""
        place, lines = self.run.config.dataset, []
        if self.renamed:
            lines += [f"{self.run.id}: all {self.images} images are there, {self.renamed} of them under another path"]
        else:
            lines += [f"{self.run.id}: all {self.images} images are in {place}"]
        lines += [] if self.truth else ["its ground truth is not there, or is another: the scores stay as they are"]
        return lines + ([f"found with it, on the same images: {', '.join(self.others)}"] if self.others else [])


def relink(
    run: Run,
    workspace: Workspace,
    settings: RelinkSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> Relinked:
    """Let a run read its images from another folder. Its id, scores, names and decisions stay.

    Of VOC and COCO it is the folder that the data set's string names.

    Raises:
        DatasetError: the folder cannot be opened, or an image is missing or has changed; tells how many.
        SettingsError: the run's images are the demo's.
        WorkspaceError: the run came in a bundle, or stopped before it knew its images.
    """
    require_operator()
    run.require_own_images()
    rows = workspace.artifact(run, "images").table(["image_id", "path", "bytes", "sha256", "reason"]).to_pylist()
    home = Path(settings.folder).expanduser().resolve()
    spec = moved_spec(run.config.dataset, home)
    dataset = open_dataset(spec, workspace.drawings, run.config.truth)
    paths = _paths_of(workspace, run, rows, dataset)
    renamed = sum(path != dataset.root / row["path"] for row in rows if (path := paths.get(row["image_id"])))
    if renamed and parse_dataset(spec).format != FOLDER:
        raise DatasetError(f"{home}: {renamed} images of run {run.id} lie at other paths than in {run.config.dataset}")
    if renamed:
        dataset = _links(workspace, run, rows, paths, dataset)
        spec = dataset.spec
    truth = run.provenance.get("truth", "") in ("", truth_fingerprint(workspace, dataset, run.config.truth))
    config = _moved(run.config, spec, (dataset.root, home))
    root = {"root": workspace.stored_root(dataset.root)}
    run = workspace.runs.update(run.id, lambda known: replace(known, config=config, provenance=known.provenance | root))
    usable = sum(row["reason"] is None for row in rows)
    return Relinked(run, usable, renamed, truth, follow(workspace, run))


def follow(workspace: Workspace, run: Run) -> tuple[str, ...]:
    """Let runs on the same images whose folder is gone read them from where this run does; returns their ids."""
    root, manifest, ids = run.provenance.get("root"), run.provenance.get("manifest"), []
    for other in workspace.runs.all(archived=True):
        same = other.provenance.get("manifest") == manifest and not other.from_bundle and other.id != run.id
        if manifest and same and other.provenance.get("root") != root and workspace.has_lost_images(other):
            _follow(workspace, other, run)
            ids.append(other.id)
    return tuple(ids)


def where_now(config: RunConfig, run: Run) -> RunConfig:
    """The settings that a run began with, with its images, and the user's own masks and vectors, where it has them now.

    `config` is that with which it began, perhaps before its folder was moved.
    """
    saliency = replace(config.saliency, detector=run.config.saliency.detector)
    features = replace(config.features, encoder=run.config.features.encoder)
    return replace(config, dataset=run.config.dataset, saliency=saliency, features=features)


def moved_spec(spec: str, folder: Path) -> str:
    """The string of the same data set in another folder.

    Raises:
        SettingsError: it is the demo.
    """
    address = parse_dataset(spec)
    if address.root is None:
        raise SettingsError("the demo's scenes are drawn by this program: `comus run demo` draws them again")
    return str(address.at(folder))


def _follow(workspace: Workspace, other: Run, run: Run) -> None:
    folder = parse_dataset(run.config.dataset).folder
    config = _moved(other.config, moved_spec(other.config.dataset, folder), (folder,))
    root = {"root": run.provenance["root"]}
    workspace.runs.update(other.id, lambda known: replace(known, config=config, provenance=known.provenance | root))


def _moved(config: RunConfig, spec: str, homes: tuple[Path, ...]) -> RunConfig:
    """The settings with another data set; the user's own masks and vectors that lay below the old one move along.

    They lie below the first of `homes` that has them.
    """

    def moved(path: Path) -> Path:
        old = parse_dataset(config.dataset).folder
        if not path.is_relative_to(old) or path.exists():
            return path
        places = [home / path.relative_to(old) for home in homes]
        return next((place for place in places if place.exists()), places[-1])

    detector, encoder = config.saliency.detector, config.features.encoder
    return replace(
        config,
        dataset=spec,
        saliency=replace(config.saliency, detector=with_path(DETECTORS, detector, moved)),
        features=replace(config.features, encoder=with_path(ENCODERS, encoder, moved)),
    )


def _paths_of(workspace: Workspace, run: Run, rows: list[dict[str, Any]], dataset: Dataset) -> dict[str, Path]:
    """Image id -> its file: at its own path where that has its content, else any other file that has.

    Raises:
        DatasetError: an image that the run uses has none.
    """
    there = {file.relative: file.path for file in dataset.files}
    hashes = workspace.hash_files(there[row["path"]] for row in rows if row["path"] in there)
    paths = {
        row["image_id"]: there[row["path"]]
        for row in rows
        if row["path"] in there and hashes[there[row["path"]]][1] == row["sha256"]
    }
    lost = [row for row in rows if row["image_id"] not in paths]
    if lost:
        taken, sizes = set(paths.values()), {row["bytes"] for row in lost}
        free = [path for path in there.values() if path not in taken and path.stat().st_size in sizes]
        by_content: dict[str, list[Path]] = {}
        for path, (_, sha256) in workspace.hash_files(free).items():
            by_content.setdefault(sha256, []).append(path)
        for row in lost:
            if by_content.get(row["sha256"]):
                paths[row["image_id"]] = by_content[row["sha256"]].pop(0)
    _require_all(run, rows, paths, there, dataset.root)
    return paths


def _require_all(
    run: Run, rows: list[dict[str, Any]], paths: Mapping[str, Path], there: Mapping[str, Path], root: Path
) -> None:
    usable = [row for row in rows if row["reason"] is None]
    lost = [row["path"] for row in usable if row["image_id"] not in paths]
    if not lost:
        return
    changed = sum(path in there for path in lost)
    raise DatasetError(
        f"{root}: of the {len(usable)} images of run {run.id}, {len(usable) - len(lost)} are there, "
        f"{len(lost) - changed} are missing and {changed} have changed, beginning with {lost[0]}: give the folder that "
        "holds all of them, or `comus run` it as a separate run"
    )


def _links(
    workspace: Workspace, run: Run, rows: list[dict[str, Any]], paths: Mapping[str, Path], dataset: Dataset
) -> Dataset:
    """A folder of links to the images, and to their masks, at the paths that the run knows."""
    home = own_place(workspace.root, RELINKED) / str(run.provenance["manifest"])
    fresh = home.with_name(f".{uuid4().hex}")
    links = {row["path"]: paths[row["image_id"]] for row in rows if row["image_id"] in paths}
    links |= _masks(links, dataset)
    links |= {name: path for name in CLASS_FILES if (path := dataset.root / name).is_file()}
    try:
        make_own(home.parent)
        make_own(fresh)
        for name, path in links.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).symlink_to(path.resolve())
        shutil.rmtree(home, ignore_errors=True)
        os.replace(fresh, home)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise disk_error(error, home) from error
    return open_dataset(str(home), workspace.drawings, run.config.truth)


def _masks(links: Mapping[str, Path], dataset: Dataset) -> dict[str, Path]:
    """Where the masks of the images lie for the run -> where they lie now; each is called after its image as it was."""
    if not isinstance(dataset.truth, FolderTruth):
        return {}
    id_of, masks = {file.path: file.image_id for file in dataset.files}, {}
    for name, path in links.items():
        mask = dataset.truth.masks.get(id_of.get(path, ""))
        if mask is not None and name.startswith("images/"):
            rest = mask.name.removeprefix(path.stem)  # `.png`, or `.jpg.png`
            image = Path("masks", *Path(name).parts[1:])
            masks[str(image.with_name(image.stem + (rest if rest.startswith(".") else ".png")))] = mask
    return masks

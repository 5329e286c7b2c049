"""The ground truth of a run: that of its data set, or what came along in its bundle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.chosen_images import open_chosen
from comus_core.datasets.records import Dataset, GroundTruth
from comus_core.errors import DatasetError
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.types import ImageId, IndexMask
from comus_core.workspace import Run, Workspace
from comus_core.workspace.artifacts import digest

TRUTH_FILE = "truth.json"


@dataclass(frozen=True)
class BundledTruth:
    """Index masks in the folder of an opened bundle; see `GroundTruth`."""

    folder: Path
    classes: tuple[str, ...]
    ignore: int | None
    masks: dict[ImageId, str]

    def has(self, image_id: ImageId) -> bool:
        """Whether this image has a mask."""
        return image_id in self.masks

    def unclear(self, image_id: ImageId) -> bool:
        """Never: what was unclear did not come along."""
        return False

    def turned(self, image_id: ImageId) -> bool:
        """Never: the masks of a bundle lie as their images are shown."""
        return False

    def mask(self, image_id: ImageId) -> IndexMask:
        """(H, W) class indices and `ignore`.

        Raises:
            DatasetError: there is none, or its file is damaged.
        """
        if image_id not in self.masks:
            raise DatasetError(f"{self.folder}: no ground truth for image '{image_id}'")
        path = self.folder / self.masks[image_id]
        try:
            mask = from_png(path.read_bytes())
            unknown = mask[(mask >= len(self.classes)) & (mask != (-1 if self.ignore is None else self.ignore))]
            if len(unknown):
                raise ValueError(f"it holds class {unknown[0]}, there are {len(self.classes)}")
            return mask
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: {error}; open the bundle again") from error

    def files(self) -> tuple[Path, ...]:
        """Every file that the masks come from, sorted."""
        return tuple(sorted(self.folder / name for name in self.masks.values()))


def truth_fingerprint(workspace: Workspace, dataset: Dataset, how: TruthSettings) -> str:
    """A digest of the classes, of every file the ground truth comes from, and of how it is read; "" without any.

    A file counts by its content and, where there are several, by its path below the data set's folder, wherever that
    lies: an annotation file that holds everything may be called anything.
    """
    truth = dataset.truth
    if truth is None:
        return ""
    hashes = workspace.hash_files(truth.files())

    def name(path: Path) -> str:
        if len(hashes) == 1:
            return ""
        return path.relative_to(dataset.root).as_posix() if path.is_relative_to(dataset.root) else path.name

    return digest(
        [list(truth.classes), to_dict(how), sorted([name(path), sha256] for path, (_, sha256) in hashes.items())]
    )


def open_own(workspace: Workspace, run: Run) -> Dataset:
    """The data set of a run, where it lies now.

    Raises:
        DatasetError: it cannot be opened; says how to find it again where its folder is gone.
    """
    try:
        return open_chosen(run.config, workspace.drawings)
    except DatasetError as error:
        if not workspace.has_lost_images(run):
            raise
        raise DatasetError(
            f"the images of run {run.id} are no longer in {workspace.images_root(run)}: "
            f"`comus runs relink {run.id} FOLDER` finds them in FOLDER by their content"
        ) from error


def require_same_truth(workspace: Workspace, run: Run, dataset: Dataset) -> None:
    """Raise `DatasetError` if the ground truth beside a run's images is another than the run was scored with."""
    known = run.provenance.get("truth")
    if (
        dataset.truth is not None
        and known is not None
        and truth_fingerprint(workspace, dataset, run.config.truth) != known
    ):
        there = {file.image_id for file in dataset.files}
        for image_id in tables.usable_ids(workspace.artifact(run, "images")):
            if image_id not in there:  # its mask finds no image then, which is not the truth's fault
                raise other_photograph(image_id, "is gone")
        raise DatasetError(
            f"the ground truth of {dataset.spec} has changed since run {run.id} was scored with it: put the old one "
            "back, or `comus run` it again: a separate run, which shares everything but the scores"
        )


def other_photograph(image_id: ImageId, fault: str) -> DatasetError:
    """What to say of an image that is no longer the file that a run saw: it "is gone" or "has changed"."""
    return DatasetError(
        f"image {image_id} {fault} since objects were found in it: put the old file back, or discover anew "
        "(`comus run`) and train that run"
    )


def truth_of_run(workspace: Workspace, run: Run) -> GroundTruth | None:
    """The ground truth that the run was scored with, or None.

    Raises:
        DatasetError: the data set is no longer where it was, or its ground truth is another by now.
    """
    if not run.from_bundle:
        dataset = open_own(workspace, run)
        require_same_truth(workspace, run, dataset)
        return dataset.truth
    folder = workspace.images_root(run).parent / "truth"
    listing = folder / TRUTH_FILE
    if not listing.is_file():
        return None
    about = json.loads(listing.read_text())
    return BundledTruth(folder, tuple(about["classes"]), about["ignore"], dict(about["masks"]))

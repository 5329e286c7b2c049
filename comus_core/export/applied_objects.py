"""The objects of a trained round on its own images, and of any round on other images."""

from __future__ import annotations

import numpy as np
from PIL import Image

from comus_core.errors import WorkspaceError
from comus_core.export.object_source import ObjectSource, Scope, SourceImage, source_images
from comus_core.export.records import ExportObject
from comus_core.export.round_objects import ReadMask, RoundObjects
from comus_core.runs import artifact_readers as tables
from comus_core.runs.round_masks import MaskReader, is_of_run
from comus_core.runs.run_round import RunRound
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.types import FloatArray, ImageId, IndexMask, OnProgress
from comus_core.workspace import Artifact, Workspace


def stored_objects(subject: RunRound, workspace: Workspace, scope: Scope) -> ObjectSource | None:
    """What a trained round predicted for the run's own images; None where its masks are of other images or gone."""
    training = subject.training
    assert training is not None, "round 0 predicts nothing: it has objects"
    fingerprint = training.artifacts.get(f"predictions-{subject.number}", "")
    predicted = workspace.artifacts.find("predictions", fingerprint) if fingerprint else None
    if predicted is None or not is_of_run(predicted, subject.run):
        return None
    decided, read = workspace.decisions_of(subject.run), mask_reader(predicted)
    checked = workspace.artifact(subject.run, "images")
    images = source_images(checked, workspace.images_root(subject.run))
    files, excluded = MaskReader(predicted).files, decided.layout.excluded
    shown = [image for image in images if image.id in files and image.id not in excluded]
    categories = list(zip(trained_ids(training), trained_names(training, decided), strict=True))
    about = {"training": training.id, "predictions": predicted.fingerprint, "decisions": decided.version}
    return RoundObjects(subject.number, shown, checked, categories, read, about, scope)


def applied_objects(
    subject: RunRound, dataset: str, workspace: Workspace, scope: Scope, device: str, on_progress: OnProgress
) -> ObjectSource:
    """A round applied to a data set, as `predict` and `evaluate` apply it; what is computed already is reused.

    Raises:
        DatasetError: none of its images is usable.
    """
    from comus_core.pipelines.apply_rounds import apply_round

    applied = apply_round(subject, dataset, workspace, may_be_empty=True, device=device, on_progress=on_progress)
    categories = list(zip(applied.ids, applied.names, strict=True))
    checked = applied.made["images"]
    images = source_images(checked, applied.context.dataset.root)
    about = {"dataset": applied.context.dataset.spec, "decisions": workspace.decisions_of(subject.run).version}
    if subject.training is not None:
        predicted = applied.made["predictions"]
        about |= {"training": subject.training.id, "predictions": predicted.fingerprint}
        files = MaskReader(predicted).files
        shown = [image for image in images if image.id in files]
        read = mask_reader(predicted)
        return RoundObjects(subject.number, shown, checked, categories, read, about, scope)
    kept = [image for image in images if image.id not in applied.context.set_aside]
    objects = _assigned(subject, workspace, applied.made, frozenset(k for k, _ in categories), scope)
    return AssignedObjects(kept, checked, categories, objects, about, scope)


def mask_reader(predicted: Artifact) -> ReadMask:
    """How the masks of a round are read, with the confidence of each pixel (0…1)."""
    from comus_core.stages.labels import beside

    masks = MaskReader(predicted)

    def read(image_id: ImageId) -> tuple[IndexMask, FloatArray]:
        mask = masks.read(image_id)
        if mask is None:
            raise WorkspaceError(f"predictions {predicted.fingerprint}: no mask of image {image_id}; predict again")
        with predicted.reading(beside(masks.files[image_id], "confidence")) as path, Image.open(path) as image:
            return mask, np.asarray(image, np.float32) / 255

    return read


class AssignedObjects:
    """See `ObjectSource`: proposals of other images that joined the categories of a run."""

    def __init__(
        self,
        images: list[SourceImage],
        checked: Artifact,
        categories: list[tuple[int, str]],
        objects: dict[ImageId, list[ExportObject]],
        about: dict[str, object],
        scope: Scope,
    ) -> None:
        self.images, self.checked, self._objects = images, checked, objects
        self.about = {"round": 0, **about}
        self.categories = [entry for entry in categories if not scope.categories or entry[0] in scope.categories]

    def holds(self, image_id: ImageId) -> bool:
        """Whether it has an object."""
        return image_id in self._objects

    def objects(self, image_id: ImageId) -> list[ExportObject]:
        """In the order of the proposals."""
        return self._objects.get(image_id, [])


def _assigned(
    subject: RunRound, workspace: Workspace, made: dict[str, Artifact], known: frozenset[int], scope: Scope
) -> dict[ImageId, list[ExportObject]]:
    """Image id -> its proposals that joined a category; packed masks of all are held, some 700 bytes each."""
    from comus_core.stages.assignment import assigned_categories

    if "assignment" not in made:
        return {}
    proposals, decided = tables.read_proposals(made["proposals"]), workspace.decisions_of(subject.run)
    ids, joined = assigned_categories(workspace, subject.run, made["assignment"], decided)
    row_of, kept = {p: row for row, p in enumerate(ids)}, joined.kept(decided)
    found: dict[ImageId, list[ExportObject]] = {}
    for row, name in enumerate(proposals.proposal_id):
        at = row_of[name]
        category = int(joined.id_of[at])
        chosen = joined.category[at] >= 0 and category in (scope.categories or known)
        if not chosen or (scope.objects == "core" and not kept[at]):
            continue
        found.setdefault(str(proposals.image_id[row]), []).append(
            ExportObject(
                id=str(name),
                image_id=str(proposals.image_id[row]),
                category=category,
                rle=proposals.rle[row],
                size_hw=(int(proposals.size_hw[row, 0]), int(proposals.size_hw[row, 1])),
                box_xyxy=tuple(proposals.box_xyxy[row].tolist()),
                area=int(proposals.area[row]),
                score=float(proposals.score[row]),
                distance=None,
                core=bool(kept[at]),
            )
        )
    return found

"""A trained round as a folder that other programs run: `comus package RUN@ROUND --out DIR`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.records import Dataset
from comus_core.errors import WorkspaceError
from comus_core.export.package_card import CardFacts, card, labels
from comus_core.export.package_model import PackagedModel, preprocessing
from comus_core.export.package_scores import PackageScore, compare_models, compared_images, spaced, to_json
from comus_core.files.atomic import sha256_of
from comus_core.files.new_folder import making
from comus_core.pipelines.package_folder import CARD, require_onnx
from comus_core.pipelines.training_record import settings_of
from comus_core.pipelines.verb_settings import PackageSettings
from comus_core.proposals.pseudo_masks import to_png
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_truth import open_own
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.settings import require
from comus_core.training.input_size import resized
from comus_core.training.settings import TrainSettings
from comus_core.types import ImageId, OnProgress, Progress, RgbImage, no_progress
from comus_core.workspace import Workspace

if TYPE_CHECKING:
    from comus_core.training.network import Segmenter
    from comus_core.training.packaged_network import PackagedNetwork

ONNX, INT8, PROGRAM, WEIGHTS = "model.onnx", "model.int8.onnx", "model.pt2", "model.safetensors"
CALIBRATION = 32  # images that the ranges of 8-bit activations are taken from
EXAMPLE_SIDE = 1024  # pixels of the longer side of the example at most
MOST_DIFFERENT = 1e-3  # share of the pixels in which ONNX Runtime and PyTorch may differ; more is a fault


def package(
    round: RunRound,
    workspace: Workspace,
    settings: PackageSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Write the network of a round with its labels, preprocessing, an example and a model card.

    The folder appears when it is complete. The same round gives the same bytes again, with the same versions of
    PyTorch, ONNX and ONNX Runtime. All is computed on the CPU, whatever the `device`.

    Returns:
        `run`, `round`, `training`, `supervision`, `path`, `bytes`, `files` [{`name`, `bytes`, `sha256`}], `different`
        and `checked` (pixels, of ONNX Runtime against PyTorch), and `scores`: {`images`, `models` [{`name`, `equal`,
        `miou`}]}, both in percent, `miou` None without ground truth.

    Raises:
        SettingsError: round 0; `out` is not empty, cannot be written, or the disk is full; onnx is not installed.
        WorkspaceError: the round's network is missing or damaged.
        DatasetError: the images are wanted, and are no longer there.
    """
    require_onnx()
    trained = _trained(round, workspace)
    with making(Path(settings.out).expanduser()) as folder:
        facts = _fill(trained, settings, folder, on_progress)
        (folder / CARD).write_text(card(round, facts), encoding="utf-8")
        files = _listed(folder)
    out = Path(settings.out).expanduser().absolute()
    assert round.training is not None
    return {
        **round.reference,
        "supervision": round.supervision,
        "path": str(out),
        "bytes": sum(size for size, _ in files.values()),
        "files": [{"name": name, "bytes": size, "sha256": digest} for name, (size, digest) in files.items()],
        "different": facts.different,
        "checked": facts.checked,
        "scores": to_json(facts.scores, facts.images),
    }


@dataclass(frozen=True)
class _Trained:
    """A round that has a network, and what its training says of it."""

    subject: RunRound
    workspace: Workspace
    settings: TrainSettings
    ids: tuple[int, ...]
    names: tuple[str, ...]
    segmenter: Segmenter
    network: PackagedNetwork
    weights: bytes

    def dataset(self) -> Dataset:
        """The data set whose images the round has masks of."""
        run = self.subject.run
        if self.subject.dataset == run.config.dataset:
            return open_own(self.workspace, run)
        return open_dataset(self.subject.dataset, self.workspace.drawings, run.config.truth)

    def masks(self) -> MaskReader:
        """What `comus predict` gives of them."""
        assert self.subject.training is not None
        fingerprint = self.subject.training.artifacts[f"predictions-{self.subject.number}"]
        return MaskReader(self.workspace.artifacts.get("predictions", fingerprint))


def _trained(subject: RunRound, workspace: Workspace) -> _Trained:
    run, training = subject.run, subject.training
    require(
        training is not None,
        f"round 0 of run {run.id} is its clusters, not a network: `comus train {run.id}`, then package {run.id}@1",
    )
    assert training is not None
    fingerprint = training.artifacts[f"network-{subject.number}"]
    artifact = workspace.artifacts.find("network", fingerprint)
    if artifact is None:
        place = workspace.artifacts.root / "network" / fingerprint
        raise WorkspaceError(
            f"the network of {subject.key} is missing ({place}): `comus train {run.id}` with the same settings trains "
            "it again"
        )
    from comus_core.stages.networks import WEIGHTS as STORED
    from comus_core.stages.networks import load_segmenter
    from comus_core.training.packaged_network import PackagedNetwork

    artifact.require_whole()
    if sha256_of(artifact.file(STORED)) != artifact.manifest()["files"][STORED]["sha256"]:
        raise WorkspaceError(
            f"{artifact.file(STORED)} has changed since it was written: delete {artifact.folder}, then `comus train "
            f"{run.id}` with the same settings trains the round again"
        )
    settings, ids = settings_of(training), trained_ids(training)
    segmenter = load_segmenter(artifact, settings.training.network, len(ids) + 1, "cpu")
    packaged = PackagedNetwork(segmenter, settings.training.prediction, len(ids) + 1)
    names = trained_names(training, workspace.decisions_of(run))
    return _Trained(subject, workspace, settings, ids, names, segmenter, packaged, artifact.file(STORED).read_bytes())


def _fill(trained: _Trained, settings: PackageSettings, folder: Path, on_progress: OnProgress) -> CardFacts:
    """Write all files but the card; returns what the card says."""
    from comus_core.training.packaged_network import exported, onnx_bytes, program_bytes

    prediction = trained.settings.training.prediction
    on_progress(Progress("models", 0, 3))
    program = exported(trained.network)
    on_progress(Progress("models", 1, 3))
    content = {ONNX: onnx_bytes(program)}
    on_progress(Progress("models", 2, 3))
    (folder / PROGRAM).write_bytes(program_bytes(program))
    (folder / WEIGHTS).write_bytes(trained.weights)
    on_progress(Progress("models", 3, 3))
    model, images = PackagedModel(content[ONNX], prediction), _Images(trained, settings)
    if settings.int8:
        content[INT8] = _int8(content[ONNX], model, images, on_progress)
    for name, one in content.items():
        (folder / name).write_bytes(one)
    different, checked = _example(trained, model, images, settings.example, folder)
    scores, compared = images.scores(content, settings.scored_images, on_progress)
    mean, std = (getattr(trained.segmenter, name).flatten().tolist() for name in ("mean", "std"))
    _write_json(folder / "preprocessing.json", preprocessing(prediction, mean, std))
    _write_json(folder / "labels.json", labels(trained.ids, trained.names))
    versions = {name: version(name) for name in ("torch", "onnx", "onnxscript", "onnxruntime")}
    return CardFacts(trained.settings, trained.names, scores, compared, different, checked, _listed(folder), versions)


class _Images:
    """The round's images; the data set is opened only if something needs one."""

    def __init__(self, trained: _Trained, settings: PackageSettings) -> None:
        self.trained = trained
        self.needed = settings.int8 or settings.example or settings.scored_images > 0
        self.dataset = trained.dataset() if self.needed else None
        self.masks = trained.masks() if self.needed else None
        self.ids: list[ImageId] = []
        self.calibrated: list[ImageId] = []  # those that the 8-bit model was made with: it is not scored on them
        if self.dataset is not None and self.masks is not None:
            self.ids = compared_images(trained.workspace, trained.subject, self.dataset, self.masks)
        if settings.int8:
            self.calibrated = calibration_images(self.ids)

    def read(self, image_id: ImageId) -> RgbImage:
        """An image of the data set."""
        assert self.dataset is not None
        return self.dataset.read(image_id)

    def richest(self) -> ImageId:
        """The one of a hundred images whose mask has the most categories; of equals the first.

        The first image where no mask can be read.
        """
        assert self.masks is not None
        masks = ((image_id, self.masks.read(image_id)) for image_id in spaced(self.ids, 100))
        found = {image_id: len(np.unique(mask)) for image_id, mask in masks if mask is not None}
        return max(found, key=found.__getitem__, default=self.ids[0])

    def scores(self, content: dict[str, bytes], most: int, on_progress: OnProgress) -> tuple[list[PackageScore], int]:
        """Of `comus predict` and the models on so many images at most, and how many these were."""
        ids = scored_images(self.ids, self.calibrated, most)
        if not ids or self.dataset is None or self.masks is None:
            return [], 0
        prediction, place = self.trained.settings.training.prediction, self.trained.workspace
        models = {name: PackagedModel(one, prediction) for name, one in content.items()}
        subject = self.trained.subject
        return compare_models(place, subject, self.dataset, self.masks, ids, models, on_progress), len(ids)


def calibration_images(ids: Sequence[ImageId]) -> list[ImageId]:
    """Those that the ranges of 8-bit activations are taken from: `CALIBRATION`, half of the images at most."""
    return spaced(ids, min(CALIBRATION, (len(ids) + 1) // 2)) if ids else []


def scored_images(ids: Sequence[ImageId], calibrated: Sequence[ImageId], most: int) -> list[ImageId]:
    """Those that the models are scored on, in order: so many at most, none that the 8-bit model was made with."""
    made_with = set(calibrated)
    others = [i for i in ids if i not in made_with]
    return spaced(others, most) if most and others else []


def _int8(model: bytes, packaged: PackagedModel, images: _Images, on_progress: OnProgress) -> bytes:
    from comus_core.training.int8 import int8_bytes

    ids = images.calibrated
    require(bool(ids), "int8: the round has no image to calibrate with; package it without int8")

    def inputs() -> Any:
        for done, image_id in enumerate(ids):
            on_progress(Progress("int8", done, len(ids)))
            yield packaged.inputs(images.read(image_id))
        on_progress(Progress("int8", len(ids), len(ids)))

    return int8_bytes(model, inputs())


def _example(trained: _Trained, model: PackagedModel, images: _Images, keep: bool, folder: Path) -> tuple[int, int]:
    """Write an example with its mask, and check the model with it: pixels that differ from PyTorch's, of how many."""
    image = _small(images.read(images.richest())) if keep and images.ids else _noise()
    mask, expected = model.mask(image), _torch_mask(trained, image)
    if keep and images.ids:
        (folder / "example.png").write_bytes(_png(image))
        (folder / "example_mask.png").write_bytes(to_png(mask))
    different = int((mask != expected).sum())
    if different > MOST_DIFFERENT * mask.size:
        raise WorkspaceError(
            f"model.onnx differs from PyTorch in {different} of {mask.size} pixels: the installed versions of torch, "
            "onnxscript and onnxruntime do not fit together; try newer ones, and please report it"
        )
    return different, mask.size


def _torch_mask(trained: _Trained, image: RgbImage) -> Any:
    """The mask that `comus predict --network-only` gives."""
    from comus_core.training.prediction import predict

    alone = trained.settings.training.prediction.network_alone
    return predict(trained.segmenter, [image], alone)[0][0]


def _small(image: RgbImage) -> RgbImage:
    """The image, or so much smaller that its longer side is `EXAMPLE_SIDE`."""
    scale = EXAMPLE_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return resized(image, (height, width))


def _noise() -> RgbImage:
    """What a model is checked with where no image is wanted."""
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    return resized(coarse, (240, 320))


def _png(image: RgbImage) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _listed(folder: Path) -> dict[str, tuple[int, str]]:
    """Name -> bytes and SHA-256 of the files of a folder."""
    return {path.name: (path.stat().st_size, sha256_of(path)) for path in sorted(folder.iterdir())}

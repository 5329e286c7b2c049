"""The stages of a training round joined to the workspace: a network, its masks of images, their pixel counts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from comus_core.datasets.reading import batches, read_ahead
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.files.atomic import replacing
from comus_core.proposals.pseudo_masks import from_png, index_dtype_and_ignore, to_png
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.stages.classifiers import load_classifier
from comus_core.stages.context import StageContext
from comus_core.stages.labels import beside, files_of, labelled
from comus_core.stages.masks import mask_files
from comus_core.stages.proposals import soft_maps
from comus_core.training.preview_plan import LookPlan
from comus_core.training.settings import TrainingSettings
from comus_core.types import FloatArray
from comus_core.weights import file_sha256, locate
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.shards import Tick

WEIGHTS, HISTORY = "network.safetensors", "history.json"
# What of the settings does not touch the network.
PREDICTION = (
    "predict_size",
    "predict_resize",
    "predict_flip",
    "predict_scales",
    "object_share",
    "classifier_share",
    "refine",
)
SALIENCY = ("predict_saliency", "label_saliency")
TEACHER = ("confidence", "balance", "soft")  # what of a teacher's masks is learnt: do not touch the first round
ROUNDS = (
    "rounds",
    "regroup",
    "surroundings",
    "epochs",
    "later_epochs",
    "checkpoint_every",
    "look_every",
    *SALIENCY,
    *TEACHER,
)
BATCH = 8  # images predicted at once, fewer of large ones

OnLook = Callable[[str, int, float | None, int], None]  # (network's fingerprint, step, mIoU in percent, images scored)


def network(
    context: StageContext,
    settings: TrainingSettings,
    number: int,
    labels: Artifact,
    images: Artifact,
    categories: int,
    log: Callable[[str], None],
    on_report: Callable[[list[dict[str, float]]], None],
    looks: tuple[LookPlan, OnLook] | None = None,
) -> Artifact:
    """The network of round `number`, trained on the masks of `labels`; goes on from its checkpoint after a kill.

    Args:
        context: of the data set whose images the masks are of.
        settings: how it is trained.
        number: 1 for the first.
        labels: pseudo-masks, or an earlier round's predictions.
        images: checked images of the data set.
        categories: C.
        log: told what a person should know.
        on_report: told of the steps, by the leading process.
        looks: what to try the network on while it trains, and whom to tell of it; None does not look.
    """
    from safetensors.torch import save_file

    from comus_core.training import checkpoint
    from comus_core.training.loop import Round, train_round
    from comus_core.training.network import new_segmenter
    from comus_core.training.preview_runner import Looking
    from comus_core.training.team import Team

    seed, team = context.config.seed, context.team or Team()
    taught = _taught(settings, labels)

    def work(folder: Path) -> Any:
        this = Round(number, seed, index_dtype_and_ignore(categories)[1], folder, context.device)
        fresh = new_segmenter(settings, categories + 1, seed).to(context.device)
        examples = labelled(context, labels, categories, **taught, stage=f"round {number} thresholds")
        tell: dict[str, Any] = {"on_progress": context.on_progress, "log": log}
        if team.leads:
            tell["on_report"] = on_report
            if looks is not None:
                plan, on_look = looks
                note = partial(on_look, key.fingerprint)
                tell["look"] = Looking(fresh, plan, settings, folder, context.device, note, log)
        return train_round(fresh, examples, settings, this, team=team, **tell)

    def write(folder: Path) -> None:
        weights, state = work(folder)
        save_file(weights, folder / WEIGHTS)
        (folder / HISTORY).write_text(json.dumps({"steps": state.history, "notes": state.notes}))
        (folder / checkpoint.FILE).unlink(missing_ok=True)

    key = network_key(context, settings, number, labels, images, categories)
    store = context.workspace.artifacts
    known = store.find(key.kind, key.fingerprint)
    team.wait()  # until every process has looked
    if known is None and not team.leads:
        work(store.root / key.kind / f"{key.fingerprint}.partial")  # the leader's folder: it alone writes there
    elif known is None:
        known = context.make(f"round {number}", key, None, write, announce=False)
    team.wait()
    return known or store.get(key.kind, key.fingerprint)


def network_key(
    context: StageContext,
    settings: TrainingSettings,
    number: int,
    labels: Artifact,
    images: Artifact,
    categories: int,
) -> ArtifactKey:
    """What decides a round's network: all settings but those of other rounds and of prediction."""
    chosen = {k: v for k, v in to_dict(settings).items() if k not in PREDICTION + ROUNDS}
    chosen |= {"epochs": settings.epochs_of(number), "number": number, "seed": context.config.seed}
    chosen |= {"outputs": categories + 1} | _taught(settings, labels)
    used: dict[str, str] = {settings.backbone: file_sha256(locate(settings.backbone))}
    return context.key("network", chosen, used, labels=labels, images=images)


def _taught(settings: TrainingSettings, labels: Artifact) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in TEACHER} if labels.kind == "predictions" else {}


def predictions(
    context: StageContext,
    settings: TrainingSettings,
    trained: Artifact,
    images: Artifact,
    categories: int,
    stage: str = "masks",
    *,
    saliency: float = 0.0,
    soft: bool = False,
    classifier: Artifact | None = None,
) -> Artifact:
    """The network's mask of every image, under `masks/`, and how sure it is, in 255ths, under `confidence/`.

    Args:
        context: of the data set; its saliency detector is asked where it has a weight.
        settings: how is predicted.
        trained: the network.
        images: checked images of the data set.
        categories: C.
        stage: its name for whom progress is told.
        saliency: weight of the run's saliency in what is object.
        soft: also keep the shares of all categories, in 255ths and coarse, under `soft/`: for a student to learn from.
        classifier: of the run's features, which has a say in what each object is; None for none.
    """
    from comus_core.training.prediction import predict
    from comus_core.training.soft_labels import coarse_planes, planes_to_png

    ids, sizes = tables.usable_ids(images), tables.image_sizes(images)
    file_of = mask_files(ids)
    loaded: list[Any] = []
    maps = soft_maps(context, images) if saliency else None

    def work(chunk: Sequence[str], tick: Tick, folder: Path) -> pa.Table:
        if not loaded:
            loaded.append(load_segmenter(trained, settings, categories + 1, context.device))
            loaded.append(load_classifier(context, classifier) if classifier is not None else None)
        pictures = read_ahead(context.dataset, chunk)
        for some in batches(chunk, BATCH, lambda image_id: sizes[image_id][0] * sizes[image_id][1]):

            def keep(place: int, shares: Any, some: Sequence[str] = some) -> None:
                planes = coarse_planes(shares, settings.output_stride)
                _write(folder / beside(file_of[some[place]], "soft"), planes_to_png(planes))

            options: dict[str, Any] = {"on_shares": keep if soft else None, "classify": loaded[1]}
            if maps is not None:
                options |= {"soft_maps": tables.read_soft_maps(maps, some), "saliency": saliency}
            found = predict(loaded[0], [next(pictures) for _ in some], settings, context.device, **options)
            for image_id, (mask, confidence) in zip(some, found, strict=True):
                _write(folder / file_of[image_id], to_png(mask))
                _write(folder / beside(file_of[image_id], "confidence"), _grey_png(confidence))
            tick(len(some))
        files = [file_of[i] for i in chunk]
        return pa.table({"image_id": pa.array(chunk, pa.string()), "file": pa.array(files, pa.string())})

    key = predictions_key(context, settings, trained, images, maps, saliency, soft, classifier)
    return context.make(stage, key, ids, work)


def predictions_key(
    context: StageContext,
    settings: TrainingSettings,
    trained: Artifact,
    images: Artifact,
    maps: Artifact | None = None,
    saliency: float = 0.0,
    soft: bool = False,
    classifier: Artifact | None = None,
) -> ArtifactKey:
    """What decides a network's masks."""
    chosen = {name: getattr(settings, name) for name in PREDICTION} | {"saliency": saliency, "soft": soft}
    given = {"soft_maps": maps, "classifier": classifier}
    others = {name: artifact for name, artifact in given.items() if artifact is not None}
    return context.key("predictions", chosen, None, network=trained, images=images, **others)


def load_segmenter(trained: Artifact, settings: TrainingSettings, outputs: int, device: str) -> Any:
    """A trained network in eval mode on the device.

    Raises:
        WorkspaceError: its file is gone or damaged.
    """
    import torch
    from safetensors.torch import load_file

    from comus_core.training.network import Segmenter

    with trained.reading(WEIGHTS) as file:
        weights = load_file(file)
    segmenter = Segmenter(settings, outputs)
    segmenter.load_state_dict(weights)
    # As in training: the order in memory decides the order of sums.
    segmenter = segmenter.to(memory_format=torch.channels_last)
    return segmenter.to(device).eval().requires_grad_(False)


def round_counts(context: StageContext, predicted: Artifact, categories: int, stage: str = "scores") -> Artifact:
    """Pixels of each predicted category and class, image by image: (C + 1) × classes, flattened."""
    truth = context.dataset.truth
    assert truth is not None, "counts need ground truth: the caller checks"
    file_of, classes = files_of(predicted), len(truth.classes)

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        rows = []
        for image_id in ids:
            mask = from_png(predicted.file(file_of[image_id]).read_bytes())
            rows.append(count_prediction(image_id, mask, truth.mask(image_id), truth.ignore, categories, classes))
            tick(1)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(rows).ravel()), (categories + 1) * classes)
        return pa.table({"image_id": pa.array(ids, pa.string()), "values": flat})

    ids = [i for i in sorted(file_of) if truth.has(i)]
    key = context.key("round_counts", {}, predictions=predicted, truth=context.truth_fingerprint())
    return context.make(stage, key, ids, work)


def _grey_png(confidence: FloatArray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.round(confidence * 255).astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)

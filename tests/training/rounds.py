"""The training that tests of rounds share, and the keys that it chains."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from comus_core.datasets.dataset import open_dataset
from comus_core.features.crops import crop_box, enlarged_box
from comus_core.features.encoders import load_encoder
from comus_core.runs import artifact_readers as tables
from comus_core.stages import StageContext
from comus_core.stages.networks import RoundInputs, network_key
from comus_core.stages.predictions import TrainedNetwork, predictions_key
from comus_core.training import make_training
from comus_core.workspace import Artifact

TINY = {
    "optimisation.crop": 64,
    "prediction.size": 64,
    "network.head_channels": 16,
    "epochs": 2,
    "rounds": 2,
    "later_epochs": 1,
    "optimisation.batch": 8,
}
SETTINGS = make_training(**TINY)


def keys_of_two_rounds(trained, **changes):
    """The keys of both rounds' networks and masks as `train` chains them, without training."""
    workspace, run, training = trained
    settings = make_training(**TINY, **changes)
    context = context_of(trained)
    labels = workspace.artifacts.get("pseudo_masks", training.artifacts["labels-1"])
    images = workspace.artifact(run, "images")
    maps, keys = workspace.artifact(run, "soft_maps"), {}

    def masks_key(network, prediction, soft):
        trained_network = TrainedNetwork(network, settings.network, 3)
        used = maps if prediction.saliency else None
        return predictions_key(context, trained_network, prediction, images, used, soft=soft)

    for number in (1, 2):
        keys[f"network-{number}"] = network_key(context, RoundInputs(number, settings, labels, images, 3))
        network = unmade(keys[f"network-{number}"])
        once = settings.labels.saliency == settings.prediction.saliency
        soft = settings.labels.soft and number == 1 and once
        keys[f"predictions-{number}"] = masks_key(network, settings.prediction, soft)
        labelling = replace(settings.prediction, saliency=settings.labels.saliency)
        labels = unmade(masks_key(network, labelling, settings.labels.soft))
    return keys


def vectors_around(workspace, run, share):
    """(n, d) of what is around each proposal, encoded one crop at a time."""
    dataset, encoder = open_dataset(run.config.dataset, workspace.drawings), load_encoder(run.config.features.encoder)
    proposals, vectors = tables.read_proposals(workspace.artifact(run, "proposals")), []
    for image_id, box in zip(proposals.image_id, proposals.box_xyxy, strict=True):
        image = dataset.read(image_id)
        vectors.append(encoder.encode([crop_box(image, enlarged_box(box, share, image.shape[:2]))])[0])
    return np.array(vectors)


def unmade(key):
    return Artifact(key.kind, key.fingerprint, Path("nowhere"))


def context_of(trained):
    workspace, run, _ = trained
    dataset, config = open_dataset(run.config.dataset, workspace.drawings), replace(run.config, seed=0)
    return StageContext(workspace, dataset, config, "cpu", lambda _: None)

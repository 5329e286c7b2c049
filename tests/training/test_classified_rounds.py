"""Rounds whose objects are named by a classifier of the core, and rounds that have none."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from comus_core import discover, make_config, open_workspace
from comus_core.clustering.graph import normalise
from comus_core.clustering.linear_classifier import PENALTY, STEPS
from comus_core.datasets.dataset import open_dataset
from comus_core.features.encoders import load_encoder
from comus_core.features.regions import Crops
from comus_core.pipelines.evaluate import evaluate
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import find_round
from comus_core.stages.networks import load_segmenter
from comus_core.training import TrainSettings, make_training
from comus_core.training.object_classifier import objects_of
from comus_core.training.prediction import predict
from tests.training.rounds import SETTINGS, TINY, vectors_around

pytestmark = pytest.mark.thorough


def test_features_from_a_file_leave_every_category_to_the_networks_and_it_is_said(trained):
    workspace, run, training = trained
    said = []
    train(run, workspace, TrainSettings(SETTINGS), log=said.append)
    assert said.count("the run's features come from a file, so no classifier: the networks alone name objects") == 1
    assert "classifier" not in training.artifacts


def test_a_classifier_learned_from_the_core_names_the_objects_that_the_network_finds(drawn_settings, tmp_path):
    """Against scikit-learn fitted here on the run's vectors, asked by `predict` itself."""
    workspace, features = open_workspace(tmp_path), {"encoder": "efficientnet-lite0"}
    run = discover(make_config(**drawn_settings | {"features": features, "filter_percent": 30.0}), workspace)
    settings = make_training(
        **TINY | {"rounds": 1, "epochs": 1, "prediction.size": 128, "preview_every": 0},
        prediction={"classifier_share": 1.0},
    )
    training = train(run, workspace, TrainSettings(settings))
    predicted = workspace.artifacts.get("predictions", training.artifacts["predictions-1"])

    ids, vectors = tables.read_vectors(workspace.artifact(run, "features"))
    proposals = tables.read_proposals(workspace.artifact(run, "proposals"))
    table = tables.read_clusters(workspace.artifact(run, "clustering"))
    _, category, core = tables.decided_rows(proposals, table, workspace.decisions_of(run))
    assert list(ids) == list(proposals.proposal_id) and core.sum() < len(core)
    dataset, encoder = open_dataset(run.config.dataset, workspace.drawings), load_encoder("efficientnet-lite0")
    around = vectors_around(workspace, run, settings.labels.surroundings)
    both = normalise(np.hstack([normalise(vectors, "l2"), normalise(around, "l2")]), "l2")
    peer = LogisticRegression(C=PENALTY, max_iter=STEPS).fit(both[core], category[core])

    class Peer:
        bias = np.zeros(3)
        surroundings = settings.labels.surroundings

        def probabilities(self, new):
            return peer.predict_proba(normalise(new, "l2")).astype(np.float32)

    network = load_segmenter(
        workspace.artifacts.get("network", training.artifacts["network-1"]), settings.network, outputs=4, device="cpu"
    )
    maps, answers = workspace.artifact(run, "soft_maps"), set()
    for row in predicted.table().to_pylist():
        image = dataset.read(row["image_id"])
        classify = partial(objects_of, describe=partial(Crops, encoder.encode), classifier=Peer())
        soft_maps = tables.read_soft_maps(maps, [row["image_id"]])
        [(mask, _)] = predict(network, [image], settings.prediction, soft_maps=soft_maps, classify=classify)
        np.testing.assert_array_equal(mask, np.asarray(Image.open(predicted.file(row["file"]))))
        answers |= set(np.unique(mask).tolist())
    assert len(answers) > 2
    again = evaluate(find_round(workspace, run.id, 1), workspace, EvaluateSettings(run.config.dataset))
    assert Path(again["predictions"]) == predicted.file("masks")

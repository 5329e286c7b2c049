"""Clusters in smaller neighbourhoods: numbered as the run's, learned instead of them, and never against a person."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace, stages
from comus_core.clustering.clusters import cluster
from comus_core.datasets.dataset import open_dataset
from comus_core.pipelines.train import train
from comus_core.runs import artifact_readers as tables
from comus_core.stages import StageContext
from comus_core.stages.regrouping import LEAST, neighbours_for
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING, copy_of
from tests.training.rounds import vectors_around

pytestmark = pytest.mark.thorough

TINY = TINY_TRAINING | {"preview_every": 0}


@pytest.fixture
def copied(finished, tmp_path):
    """(workspace, run, context) of a run in neighbourhoods as large as the paper's, nearly all of the collection."""
    workspace, run = copy_of(finished, tmp_path)
    config = run.config
    run = discover(replace(config, clustering=replace(config.clustering, neighbours=20)), workspace)
    dataset = open_dataset(run.config.dataset, workspace.drawings)
    return workspace, run, StageContext(workspace, dataset, run.config, "cpu", lambda _: None)


def test_neighbourhoods_are_half_a_mean_cluster():
    assert [neighbours_for(500, 20), neighbours_for(1449, 20), neighbours_for(60, 20)] == [12, 36, LEAST]


def test_it_is_the_clustering_in_smaller_neighbourhoods(copied):
    _, run, context = copied
    made = stages.regrouped(context, run)
    ids, vectors = tables.read_vectors(context.workspace.artifact(run, "features"))
    few = replace(run.config.clustering, neighbours=neighbours_for(len(ids), 3))
    expected = cluster(vectors, few, 3, run.config.seed)
    table = tables.read_clusters(made)
    assert table.count == 3 and table.proposal_id.tolist() == list(ids)
    number = np.full(3, -1)
    number[expected.cluster] = table.cluster
    assert sorted(number) == [0, 1, 2] and table.cluster.tolist() == number[expected.cluster].tolist()
    np.testing.assert_allclose(table.distance, expected.distance, atol=1e-6)
    own = tables.read_clusters(context.workspace.artifact(run, "clustering")).cluster
    assert (table.cluster == own).sum() >= max(sum(np.array(p)[table.cluster] == own) for p in permutations(range(3)))


def test_neighbours_by_what_is_around_a_proposal_are_joined_to_those_by_its_crop(drawn_settings, tmp_path):
    """Against the vectors encoded here, one crop at a time."""
    workspace = open_workspace(tmp_path)
    how = {"features": {"encoder": "efficientnet-lite0"}, "clustering": {"neighbours": 20}}
    run = discover(make_config(**drawn_settings | how), workspace)
    dataset = open_dataset(run.config.dataset, workspace.drawings)
    context = StageContext(workspace, dataset, run.config, "cpu", lambda _: None)
    ids, vectors = tables.read_vectors(workspace.artifact(run, "features"))
    assert list(ids) == list(tables.read_proposals(workspace.artifact(run, "proposals")).proposal_id)
    few = replace(run.config.clustering, neighbours=neighbours_for(len(ids), 3))
    expected = cluster(vectors, few, 3, run.config.seed, beside=vectors_around(workspace, run, 0.5))
    table = tables.read_clusters(stages.regrouped(context, run, 0.5))
    np.testing.assert_array_equal(
        table.cluster[:, None] == table.cluster, expected.cluster[:, None] == expected.cluster
    )
    np.testing.assert_allclose(table.distance, expected.distance, atol=1e-5)
    assert stages.regrouped(context, run, 0.5) != stages.regrouped(context, run)


def test_nobody_sees_what_is_around_where_features_came_from_a_file(copied):
    _, run, context = copied
    assert run.config.features.encoder.startswith("file:")
    assert stages.regrouped(context, run, 0.5) == stages.regrouped(context, run)


@pytest.mark.parametrize("changes", [{"neighbours": 8}, {"method": "kmeans"}])
def test_small_neighbourhoods_and_other_methods_stay(copied, changes):
    _, run, context = copied
    run = replace(run, config=replace(run.config, clustering=replace(run.config.clustering, **changes)))
    assert stages.regrouped(context, run) == context.workspace.artifact(run, "clustering")


def test_the_first_round_learns_it_and_a_person_is_not_overruled(copied):
    workspace, run, context = copied
    decided = workspace.decisions_of(run)
    made = {kind: workspace.artifact(run, kind) for kind in ("images", "proposals", "clustering")}
    of_the_run = stages.pseudo_masks(context, made, decided).fingerprint
    of_the_new = stages.pseudo_masks(context, made | {"clustering": stages.regrouped(context, run)}, decided)
    training = train(run, workspace, TrainSettings(make_training(**TINY)))
    assert training.artifacts["labels-1"] == of_the_new.fingerprint != of_the_run
    before, after = (tables.read_clusters(a).cluster for a in (made["clustering"], stages.regrouped(context, run)))
    assert training.result["moved"] == (before != after).mean()
    assert (
        train(run, workspace, TrainSettings(make_training(**TINY, labels={"regroup": False}))).artifacts["labels-1"]
        == of_the_run
    )
    row = made["proposals"].table().column("proposal_id").to_pylist()[0]
    workspace.decisions.append(run.id, run.artifacts["clustering"], "move", proposals=[row], category=2)
    said = []
    after = train(
        run,
        workspace,
        TrainSettings(
            make_training(**TINY),
        ),
        log=said.append,
    )
    assert after.artifacts["labels-1"] == stages.pseudo_masks(context, made, workspace.decisions_of(run)).fingerprint
    assert any("edited the clusters" in line for line in said)


def test_where_nothing_is_regrouped_nothing_is_said_of_it(finished, tmp_path):
    (workspace, run), said = copy_of(finished, tmp_path), []
    assert run.config.clustering.neighbours <= LEAST
    training = train(run, workspace, TrainSettings(make_training(**TINY)), log=said.append)
    assert not any("regroup" in line for line in said)
    assert training.artifacts["labels-1"] == run.artifacts["pseudo_masks"]


def test_the_paper_regroups_nothing():
    for preset in ("paper-voc", "paper-coco"):
        labels = make_training(preset).labels
        assert not labels.regroup and not labels.surroundings
    assert make_config("paper-voc", dataset="photographs").clustering.neighbours == 30

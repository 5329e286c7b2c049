"""A run with landmarks: what it says of itself, and what joins it later."""

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.errors import SettingsError
from comus_core.export.bundle_result import check_facts
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_view import open_run_view
from comus_core.stages.assignment import assign


def run_of(drawn_settings, workspace, until="projection", **more):
    how = {**drawn_settings, "clustering": {**drawn_settings["clustering"], **more}}
    return discover(make_config(**how), workspace, DiscoverSettings(until))


@pytest.fixture(scope="module")
def made(drawn_settings, tmp_path_factory):
    """(workspace, run) with 18 of 28 proposals as landmarks."""
    workspace = open_workspace(tmp_path_factory.mktemp("landmarks"))
    return workspace, run_of(drawn_settings, workspace, "evaluation", landmarks=18)


def test_the_run_says_how_many_were_clustered_and_finds_the_same_categories(made):
    workspace, run = made
    assert run.config.clustering.landmarks == 18 and run.result["clustering"]["landmarks"] == 18
    assert run.result["evaluation"]["miou"] == 100.0
    view = open_run_view(workspace, run)
    assert len(view.proposals) == 28 and len(view.points("tsne")) == 28
    assert 0 < view.kept(workspace.decisions_of(run)).sum() < 28
    table = tables.read_clusters(workspace.artifact(run, "clustering"))
    assert set(table.alternatives) == {"silhouette", "density", "agreement"}
    assert not any(np.isnan(values).any() for values in table.alternatives.values())


def test_with_as_many_landmarks_as_proposals_it_is_the_same_artifact_as_with_none(made, drawn_settings):
    workspace, run = made
    whole, same, more = (run_of(drawn_settings, workspace, landmarks=n) for n in (0, 28, 1000))
    assert whole.artifacts["clustering"] == same.artifacts["clustering"] == more.artifacts["clustering"]
    assert whole.artifacts["clustering"] != run.artifacts["clustering"]
    assert "landmarks" not in whole.result["clustering"]


def test_too_few_are_an_error_of_the_run(drawn_settings, tmp_path):
    with pytest.raises(SettingsError, match="landmarks 3: too few for 3 clusters"):
        run_of(drawn_settings, open_workspace(tmp_path), "clustering", landmarks=3)


def test_what_joins_by_nystrom_joins_the_landmarks(made):
    """The run's own proposals get their rows and clusters back: the landmarks by their own, the others as before."""
    workspace, run = made
    artifact = workspace.artifact(run, "clustering")
    table, space = tables.read_clusters(artifact), tables.read_embedding(artifact)
    assert len(space.landmarks) == 18
    found = assign(workspace, run, workspace.artifact(run, "features"), "nystrom", table.cluster)
    np.testing.assert_array_equal(found.label, table.cluster)
    np.testing.assert_allclose(found.rows, space.rows, atol=2e-5 * np.abs(space.rows).max())


def test_the_facts_of_a_bundle_may_have_landmarks():
    facts = {"search": "exact", "components": 1, "attached": 0, "precision": "float64"}
    check_facts(facts)
    check_facts(facts | {"landmarks": 18})
    with pytest.raises(SettingsError, match="landmarks"):
        check_facts(facts | {"landmarks": -1})

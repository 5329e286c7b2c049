"""New images in the clusters of a run: those that it knows already get their own cluster back, others a fitting one."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core import curation, discover, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import SettingsError
from comus_core.jobs import ensure_supervisor, submit, wait
from comus_core.maintenance.clean import plan_cleaning
from comus_core.maintenance.delete import delete_run
from comus_core.pipelines.add_images import add_images, inherited
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_view import open_run_view
from comus_core.stages import smaller_neighbourhoods
from comus_core.workspace.decisions import replay
from tests.builders import draw_folder, write_vectors
from tests.jobs.watching import end_all

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(workspace, run, folder of the run's images, folder of others): 60 photographs, of which 45 are the run's."""
    root = tmp_path_factory.mktemp("adding")
    whole = draw_folder(root / "whole", count=60, seed=5, empty=0)
    vectors = write_vectors(whole, root / "vectors.npz", noise=1.5)
    old, new = root / "old", root / "new"
    for folder, numbers in ((old, range(45)), (new, range(45, 60))):
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True)
            for n in numbers:
                shutil.copy(whole / kind / f"{n:03d}.png", folder / kind)
        shutil.copy(whole / "classes.txt", folder)
    config = make_config(
        dataset=str(old),
        saliency={"detector": f"masks:{whole / 'masks'}"},
        features={"encoder": f"file:{vectors}"},
        clustering={"neighbours": 8, "clusters": 5},
        filter_percent=30,
    )
    workspace = open_workspace(root / "w")
    return workspace, discover(config, workspace, until="clustering"), old, new


@pytest.fixture
def place(made, tmp_path):
    """A copy to be changed: (workspace, run, old, new)."""
    shutil.copytree(made[0].root, tmp_path / "w")
    copy = open_workspace(tmp_path / "w")
    yield copy, copy.runs.get(made[1].id), made[2], made[3]
    end_all(copy)


def test_added_images_are_not_regrouped_by_themselves_before_a_training(place):
    workspace, run, _, new = place
    added = add_images(run, str(new), workspace)
    wide = replace(run.config.clustering, neighbours=30)
    table = tables.read_clusters(workspace.artifact(added, "clustering"))
    assert smaller_neighbourhoods(replace(run, config=replace(run.config, clustering=wide)), table) == 8
    assert smaller_neighbourhoods(replace(added, config=replace(added.config, clustering=wide)), table) is None


def test_the_runs_own_images_get_their_own_clusters_back(place):
    workspace, run, old, _ = place
    added = open_run_view(workspace, add_images(run, str(old), workspace))
    view = open_run_view(workspace, run)
    assert list(added.proposals.proposal_id) == list(view.proposals.proposal_id)
    rows, own = np.asarray(added.embedding()), np.asarray(view.embedding())
    assert np.allclose(rows, own, atol=1e-4)
    away = np.linalg.norm(own[:, None] - np.load(centres_of(workspace, run))["centres"][None], axis=2)
    assert np.array_equal(added.cluster, away.argmin(axis=1))
    same = added.cluster == view.cluster
    assert same.mean() > 0.95 and np.allclose(added.distance[same], view.distance[same], atol=1e-3)


def centres_of(workspace, run):
    return workspace.artifact(run, "clustering").file("spectrum.npz")


@pytest.mark.parametrize("assign", ["nystrom", "nearest"])
def test_other_images_join_clusters_of_their_class(place, assign):
    workspace, run, _, new = place
    view = open_run_view(workspace, discover(run.config, workspace))
    added = open_run_view(workspace, add_images(run, str(new), workspace, assign=assign))
    assert len(added) == 15 and added.run.provenance["added_to"] == run.id
    class_of = [np.bincount(view.truth_class[view.cluster == k]).argmax() for k in range(view.clusters)]
    right = np.array(class_of)[added.cluster] == added.truth_class
    own = np.array(class_of)[view.cluster] == view.truth_class
    assert right.mean() >= own.mean() - 0.2 > 1 / 3  # chance
    [(told, values)] = added.alternatives.items()  # nothing is told that was not measured
    assert told == {"nystrom": "silhouette", "nearest": "agreement"}[assign] and ((values >= 0) & (values <= 1)).all()
    assert added.run.result["evaluation"]["miou"] > 0 and added.points("umap").shape == (15, 2)


def test_images_that_join_a_merged_category_are_ranked_by_the_distance_to_its_one_centre(place):
    workspace, run, _, new = place
    view = open_run_view(workspace, run)
    curation.merge(view, [1, 2])
    added = open_run_view(workspace, add_images(run, str(new), workspace, assign="nystrom"))
    decided = workspace.decisions_of(added.run)
    found, rows = added.categories(decided), np.asarray(added.embedding(), np.float64)
    centre = np.asarray(view.embedding()[np.isin(view.cluster, [1, 2])], np.float64).mean(axis=0)
    inside = np.flatnonzero(np.isin(added.cluster, [1, 2]))
    away = 1 - rows[inside] @ centre / np.linalg.norm(rows[inside], axis=1) / np.linalg.norm(centre)
    assert len(inside) > 2 and np.allclose(found.distance[inside], away, atol=1e-6)
    ids = added.proposals.proposal_id
    expected = sorted(range(len(inside)), key=lambda n: (np.float32(away[n]), ids[inside[n]]))
    assert found.rows[1].tolist() == inside[expected].tolist()


def test_names_merges_rejections_and_filter_come_along_and_then_go_their_own_way(place):
    workspace, run, _, new = place
    view = open_run_view(workspace, run)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=40.0, by="density")
    curation.rename(view, 0, "stone")
    curation.merge(view, [1, 2])
    curation.reject(view, [3])
    curation.move(view, [str(view.proposals.proposal_id[0])], 4)
    theirs = curation.split(view, curation.propose_split(view, 1, 2))
    added = add_images(run, str(new), workspace)
    ours = workspace.decisions_of(added)
    assert (ours.names, ours.filter_percent, ours.filter_by) == (
        {0: "stone"},
        40.0,
        "distance",
    )  # no density here
    assert (ours.layout.into, ours.layout.rejected, ours.layout.moved) == ({2: 1}, {3}, {})
    assert replay(inherited(theirs, view.clusters, "nystrom")).layout == replace(ours.layout, distance={})
    ranked = replace(theirs, filter_by="silhouette")
    assert replay(inherited(ranked, view.clusters, "nystrom")).filter_by == "silhouette"
    assert replay(inherited(ranked, view.clusters, "nearest")).filter_by == "distance"
    curation.rename(open_run_view(workspace, added), 0, "pebble")
    assert workspace.decisions_of(run).names[0] == "stone"
    again = add_images(run, str(new), workspace)
    assert (again.id, again.result["computed"]) == (added.id, []) and workspace.decisions_of(again).names[0] == "pebble"


def test_the_run_stays_as_it_was_and_what_it_shares_outlives_it(place):
    workspace, run, _, new = place
    added = add_images(run, str(new), workspace)
    assert workspace.runs.get(run.id) == run
    needed = workspace.artifacts.root / "clustering" / run.artifacts["clustering"]
    delete_run(workspace, run.id)
    gone = [folder for part in plan_cleaning(workspace, 2e10).values() for folder in part.folders]
    assert needed.is_dir() and needed not in gone
    assert len(open_run_view(workspace, added)) == 15
    with pytest.raises(SettingsError, match=f"add to {run.id} itself"):  # whose embedding it is
        add_images(added, str(new), workspace)


def test_nystrom_needs_a_spectral_embedding(place):
    workspace, run, _, new = place
    flat = make_config(**{**as_settings(run), "clustering": {"method": "kmeans", "clusters": 4}})
    other = discover(flat, workspace, until="clustering")
    with pytest.raises(SettingsError, match="no spectral clusters"):
        add_images(other, str(new), workspace, assign="nystrom")
    assert open_run_view(workspace, add_images(other, str(new), workspace)).cluster.max() < 4


def as_settings(run):
    from comus_core.settings import to_dict

    return {k: v for k, v in to_dict(run.config).items() if v is not None}


def test_a_job_and_the_command_do_the_same(place):
    workspace, run, _, new = place
    done = CliRunner().invoke(cli, ["add", run.id, str(new), "--workspace", str(workspace.root)])
    assert done.exit_code == 0 and "-plus-" in done.stdout
    job = submit(workspace, "add", {"run": run.id, "dataset": str(new), "assign": None}, "cpu")
    ensure_supervisor(workspace)
    ended = wait(workspace, job.id, 120)
    assert (ended.state, ended.run) == ("done", done.stdout.split()[0])

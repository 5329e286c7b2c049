"""Encoders compared without labels: good vectors before noise, nothing computed twice, a run or a data set."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from comus_core import compare_encoders, open_workspace
from comus_core.clustering import choosing
from comus_core.clustering.choosing import silhouette_after_umap
from comus_core.clustering.graph import normalise
from comus_core.config import ClusteringSettings, SaliencySettings, make_config
from comus_core.errors import Cancelled, DatasetError, SettingsError, WorkspaceError
from comus_core.files.own_places import CACHE, make_own, own_place
from comus_core.pipelines.encoder_comparison import compared, comparison_file, stored_comparison
from comus_core.pipelines.encoder_settings import EncoderCompareSettings
from comus_core.runs import artifact_readers as tables
from comus_core.stages import clusters
from comus_core.verbs import VERBS, subjects
from tests.builders import copy_of


@pytest.fixture(scope="module")
def noise(finished, tmp_path_factory):
    """A file of vectors that say nothing of the proposals of the finished run."""
    workspace, run = finished
    ids = tables.read_vectors(workspace.artifact(run, "features"))[0]
    path = tmp_path_factory.mktemp("noise") / "noise.npz"
    np.savez(
        path,
        proposal_id=ids.astype(str),
        features=np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32),
    )
    return path


@pytest.fixture(scope="module")
def done(finished, noise, tmp_path_factory):
    """(workspace, run, result) of the run's own vectors, noise, and a file that is not there."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("compared"))
    settings = EncoderCompareSettings((f"file:{noise}", "file:/nothing.npz", run.config.features.encoder))
    return workspace, run, compare_encoders(run, workspace, settings, device="cpu")


def test_good_vectors_come_before_noise_and_what_is_not_here_says_why(done):
    workspace, run, result = done
    own, noisy, gone = result["encoders"]
    assert own["encoder"] == run.config.features.encoder and noisy["encoder"].endswith("noise.npz")
    assert own["silhouette"] > noisy["silhouette"] and own["best"] == 3
    assert "there is no such file" in gone["reason"] and "silhouette" not in gone
    assert [row["encoder"] for row in compared(result)] == [own["encoder"], noisy["encoder"]]
    assert (result["run"], result["images"], result["proposals"], result["clusters"]) == (run.id, 30, 28, 3)
    assert own["seconds"] is None and own["scored"] == 3
    assert stored_comparison(workspace, run) == json.loads(json.dumps(result))


def test_the_curve_is_the_silhouette_after_umap_of_the_vectors(done):
    workspace, run, result = done
    vectors = tables.read_vectors(workspace.artifact(run, "features"))[1]
    curve = silhouette_after_umap(normalise(vectors, "l2"), ClusteringSettings(), 28 // 5, run.config.seed)
    pairs = [(point["clusters"], point["silhouette"]) for point in result["encoders"][0]["curve"]]
    assert pairs == list(zip(curve.x.tolist(), curve.value.tolist(), strict=True))
    assert result["encoders"][0]["silhouette"] == curve.value.max()


def test_vectors_clusters_and_scores_are_those_of_the_run(done):
    workspace, run, result = done
    own, noisy = compared(result)
    assert own["artifacts"]["features"] == run.artifacts["features"]
    assert own["artifacts"]["clustering"] == run.artifacts["clustering"]
    assert own["miou"] == run.result["evaluation"]["miou"] and own["matching"] == "hungarian"
    assert own["nmi"] == own["ari"] == pytest.approx(1) and noisy["nmi"] < 0.6 and noisy["miou"] < 80
    assert result["truth"]["images"] == 30 and workspace.runs.get(run.id).artifacts == run.artifacts


def test_nothing_is_computed_twice(done, monkeypatch):
    workspace, run, result = done
    monkeypatch.setattr(choosing, "silhouette_after_umap", lambda *_: pytest.fail("it is there"))
    again = compare_encoders(
        run, workspace, EncoderCompareSettings(tuple(result["settings"]["encoders"])), device="cpu"
    )
    assert again["encoders"] == result["encoders"]


def test_what_was_stopped_goes_on(finished, noise, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    settings = EncoderCompareSettings((run.config.features.encoder, f"file:{noise}"), most=3)

    def stop(progress):
        if progress.stage == "vectors of noise.npz":
            raise Cancelled

    with pytest.raises(Cancelled):
        compare_encoders(run, workspace, settings, device="cpu", on_progress=stop)
    assert stored_comparison(workspace, run) is None
    seen = []
    result = compare_encoders(run, workspace, settings, device="cpu", on_progress=seen.append)
    assert len(compared(result)) == 2
    assert {told.stage for told in seen} >= {"vectors of vectors.npz", "vectors of noise.npz"}


@pytest.fixture(scope="module")
def on_data(drawn, tmp_path_factory):
    """(workspace, result) of an encoder on twelve images of a data set."""
    workspace = open_workspace(tmp_path_factory.mktemp("data") / "w")
    settings = EncoderCompareSettings(
        ("efficientnet-lite0",), images=12, saliency=SaliencySettings(detector=f"masks:{drawn / 'masks'}")
    )
    return workspace, compare_encoders(str(drawn), workspace, settings, device="cpu")


def test_a_data_set_needs_no_run(on_data, drawn):
    workspace, result = on_data
    (row,) = result["encoders"]
    assert (result["run"], result["dataset"], result["images"], result["clusters"]) == (None, str(drawn), 12, 3)
    assert 0 < row["seconds"] < 60 and row["supervision"]["direct"] and not workspace.runs.all()
    assert 0 <= row["nmi"] <= 1 and 0 < row["miou"] <= 100 and row["scored"] == 3
    assert stored_comparison(workspace, str(drawn)) == json.loads(json.dumps(result))


def test_the_curve_is_not_computed_without_room_for_the_buffers_of_blas(monkeypatch, tmp_path):
    """Refused them in the middle, BLAS would ask again for ever."""

    def refused():
        raise MemoryError("no room")

    written = []
    context = SimpleNamespace(
        config=make_config(dataset="demo"),
        key=lambda *_, **__: None,
        make=lambda stage, key, weights, write: written.append(write),
    )
    monkeypatch.setattr(clusters, "hold_blas_buffers", refused)
    clusters.silhouettes(context, None)
    with pytest.raises(MemoryError, match="no room"):
        written[0](tmp_path)


def test_few_proposals_without_labels_have_neither_silhouette_nor_scores(on_data, drawn, tmp_path):
    workspace = on_data[0]
    settings = EncoderCompareSettings(
        ("efficientnet-lite0",), images=6, saliency=SaliencySettings(detector=f"masks:{drawn / 'masks'}")
    )
    result = compare_encoders(str(drawn / "images"), workspace, settings, device="cpu")
    (row,) = result["encoders"]
    assert row["silhouette"] is row["best"] is row["miou"] is row["nmi"] is None and row["curve"] == []
    assert (
        result["truth"] is None and "too few proposals for a silhouette" in VERBS["encoders-compare"].lines(result)[0]
    )


def test_the_lines_name_the_limit(done):
    lines = VERBS["encoders-compare"].lines(done[2])
    assert "at 3 clusters; 3 clusters: mIoU 100.0, NMI 1.000, ARI 1.000" in lines[0]
    assert "not available here" in lines[2] and "28 proposals in 30 images" in lines[3]
    assert "does not rank those that are alike" in lines[4]


def test_bad_input_says_what_is_wrong(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    for names, words in (((",",), "name at least one"), (("auto",), "encoder auto"), (("dinosaur",), "dinosaur")):
        with pytest.raises(SettingsError, match=words):
            compare_encoders(run, workspace, EncoderCompareSettings(names), device="cpu")
    with pytest.raises(DatasetError, match="no such folder"):
        compare_encoders(str(tmp_path / "gone"), workspace, EncoderCompareSettings(("dino-vits8",)), device="cpu")
    make_own(own_place(workspace.root, CACHE))
    file = comparison_file(workspace, run)
    file.parent.mkdir()
    file.write_text("{")
    with pytest.raises(WorkspaceError, match="compare the encoders again"):
        stored_comparison(workspace, run)


def test_a_subject_is_a_run_or_a_data_set(finished, tmp_path):
    workspace, run = finished
    assert subjects.of_words("images", [run.id], workspace).id == run.id
    assert subjects.of_words("images", [str(tmp_path)], workspace) == str(tmp_path)
    assert subjects.as_json("images", str(tmp_path)) == str(tmp_path) and subjects.as_json("images", run) == run.id

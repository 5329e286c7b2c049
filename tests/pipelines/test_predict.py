"""New photographs through a run's clusters and through a trained round, against the rules done by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from comus_core import curation, discover, make_config, open_workspace, similar
from comus_core.cli.main import cli
from comus_core.datasets.decoding import read_rgb
from comus_core.errors import DatasetError, ImageError, SettingsError, WorkspaceError
from comus_core.pipelines.predict import photographs_of
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import SimilarSettings
from comus_core.runs.run_view import open_run_view
from comus_core.runs.similarity import candidates, ranked, similarities
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING, copy_of, draw_folder, predict_images

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[Path, Path, Path]:
    """A folder to cluster, one of new photographs, and the masks of both."""
    root = tmp_path_factory.mktemp("predicting")
    known, fresh = draw_folder(root / "known", count=24, empty=0), draw_folder(root / "fresh", seed=1, count=7, empty=1)
    shutil.copytree(known / "masks", root / "masks")
    (root / "new").mkdir()
    for path in sorted((fresh / "images").iterdir()):
        shutil.copy(path, root / "new" / f"new-{path.name}")
        shutil.copy(fresh / "masks" / path.name, root / "masks" / f"new-{path.name}")
    return known, root / "new", root / "masks"


@pytest.fixture(scope="module")
def trained(places, tmp_path_factory):
    """(workspace, run): clustered on Lite0's features, trained for one round, a cluster named."""
    workspace = open_workspace(tmp_path_factory.mktemp("trained"))
    settings = {
        "dataset": str(places[0]),
        "saliency": {"detector": f"masks:{places[2]}"},
        "features": {"encoder": "efficientnet-lite0"},
        "clustering": {"clusters": 3, "neighbours": 6},
    }
    run = discover(make_config(**settings), workspace)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=1, name="apple")
    train(
        run,
        workspace,
        TrainSettings(make_training(**TINY_TRAINING, prediction={"classifier_share": 0.0})),
        device="cpu",
    )
    return workspace, run


@pytest.fixture(scope="module")
def by_clusters(trained, places, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, predict_images(trained[1], 0, [places[1]], trained[0], out)


def voted(view, vector) -> tuple[int, float]:
    """The cluster that the 7 nearest vote for by 1 / distance, and its share, one proposal at a time."""
    known = [v / np.linalg.norm(v) for v in np.asarray(view.vectors(), np.float64)]
    own = vector / np.linalg.norm(vector)
    near = sorted((float(np.linalg.norm(own - v)), row) for row, v in enumerate(known))[:7]
    votes = {int(k): 0.0 for k in view.cluster}
    same = [(1.0, row) for distance, row in near if distance == 0]  # who is identical has the vote alone
    for distance, row in same or near:
        votes[int(view.cluster[row])] += 1 / distance
    best = max(votes, key=lambda k: votes[k])
    return best, votes[best] / sum(votes.values())


def test_round_0_gives_each_proposal_the_cluster_its_nearest_neighbours_vote_for(trained, places, by_clusters):
    from comus_core.features.crops import crop_box
    from comus_core.features.encoders import load_encoder
    from comus_core.proposals.table import tight_box

    view, encoder = open_run_view(*trained), load_encoder("efficientnet-lite0")
    out, result = by_clusters
    assert [row["image"] for row in result["predictions"]] == [f"new-{k:03d}.png" for k in range(7)]
    for row in result["predictions"]:
        inside = np.asarray(Image.open(places[2] / row["image"])) > 0
        mask = np.asarray(Image.open(out / row["mask"]))
        assert mask.shape == (row["height"], row["width"]) == inside.shape
        if not inside.any():
            assert not mask.any() and row["found"] == []
            continue
        crop = crop_box(read_rgb(places[1] / row["image"]), tight_box(inside))
        cluster, share = voted(view, encoder.encode([crop])[0].astype(np.float64))
        assert np.array_equal(mask, np.where(inside, cluster + 1, 0))
        (found,) = row["found"]
        assert (found["index"], found["category"], found["pixels"]) == (cluster + 1, cluster, inside.sum())
        assert found["confidence"] == pytest.approx(share, abs=1e-3)
        assert found["name"] == ("apple" if cluster == 1 else f"cluster {cluster}")


def test_a_rejected_cluster_is_background_and_the_indices_close_up(trained, places, tmp_path):
    workspace, run = copy_of(trained, tmp_path)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "reject", categories=[0])
    result = predict_images(run, 0, [places[1]], workspace, tmp_path / "out")
    assert (tmp_path / "out" / "classes.txt").read_text().splitlines() == ["background", "apple", "cluster 2"]
    assert [c["category"] for c in result["categories"]] == [1, 2]
    assert {f["index"] for row in result["predictions"] for f in row["found"]} <= {1, 2}


def test_a_round_is_the_network_itself(trained, places, tmp_path):
    from comus_core.stages.networks import load_segmenter
    from comus_core.training.prediction import predict

    workspace, run = trained
    result = predict_images(run, 1, [places[1]], workspace, tmp_path)
    training = workspace.trainings.of_run(run.id)[0]
    settings = make_training(**TINY_TRAINING, prediction={"classifier_share": 0.0})
    network = load_segmenter(
        workspace.artifacts.get("network", training.artifacts["network-1"]),
        settings.network,
        1 + len(result["categories"]),
        "cpu",
    )
    assert result["supervision"] == training.result["supervision"]
    for row in result["predictions"]:
        ((mask, sure),) = predict(network, [read_rgb(places[1] / row["image"])], settings.prediction)
        assert np.array_equal(np.asarray(Image.open(tmp_path / row["mask"])), mask)
        for found in row["found"]:
            inside = mask == found["index"]
            assert found["pixels"] == inside.sum()
            assert found["confidence"] == pytest.approx(float(sure[inside].mean()), abs=1 / 255)


def test_bad_files_get_a_sentence_each_and_the_others_go_on(trained, places, tmp_path):
    good = places[1] / "new-000.png"
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "notes.jpg").write_text("no picture")
    (odd / "cut.png").write_bytes(good.read_bytes()[:2000])
    (odd / "bomb.png").write_bytes(huge_png())
    Image.open(good).convert("CMYK").save(odd / "cmyk.jpg")
    Image.fromarray(np.arange(4800, dtype=np.uint16).reshape(60, 80) * 13).save(odd / "sixteen.png")
    given = [good, odd, tmp_path / "gone.jpg"]
    result = predict_images(trained[1], 1, given, trained[0], tmp_path / "out")
    done = {Path(row["image"]).name for row in result["predictions"]}
    assert done == {"new-000.png", "cmyk.jpg", "sixteen.png"}
    reasons = {Path(s["path"]).name: s["reason"] for s in result["skipped_files"]}
    assert set(reasons) == {"notes.jpg", "cut.png", "bomb.png", "gone.jpg"} and result["skipped"] == 4
    assert "not an image" in reasons["notes.jpg"] and "truncated" in reasons["cut.png"]
    assert "too large" in reasons["bomb.png"] and reasons["gone.jpg"] == "no such file"
    assert result["images"] == 7


def huge_png() -> bytes:
    """A PNG of a few bytes that says it has 60,000 × 60,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_what_cannot_be_predicted_says_why(trained, finished, places, tmp_path):
    with pytest.raises(WorkspaceError, match="no round 3: it has round 1"):
        predict_images(trained[1], 3, [places[1]], trained[0], tmp_path)
    with pytest.raises(SettingsError, match="vectors of your own"):
        predict_images(finished[1], 0, [places[1]], finished[0], tmp_path)
    (tmp_path / "a.jpg").write_text("no")
    (tmp_path / "b.jpg").write_text("no")
    with pytest.raises(DatasetError, match="none of the 2 files is usable"):
        predict_images(trained[1], 0, [tmp_path / "a.jpg", tmp_path / "b.jpg"], trained[0], tmp_path / "out")
    with pytest.raises(DatasetError, match="no image"):
        photographs_of([], trained[0])


def test_the_command_writes_what_the_function_returns(trained, places, by_clusters, tmp_path):
    workspace, run = trained
    out, expected = by_clusters
    words = [
        "predict",
        run.id,
        *map(str, sorted(places[1].iterdir())),
        "--out",
        str(tmp_path / "out"),
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root), "--json", str(tmp_path / "r.json")])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "r.json").read_text()) == json.loads((tmp_path / "out/predictions.json").read_text())
    assert json.loads((tmp_path / "r.json").read_text())["predictions"] == expected["predictions"]
    for row in expected["predictions"]:
        assert (tmp_path / "out" / row["mask"]).read_bytes() == (out / row["mask"]).read_bytes()
    assert "new-006.png: nothing" in done.output


def predict_command(trained, photographs, out, *words):
    workspace, run = trained
    given = ["predict", run.id, str(photographs), "--out", str(out), "--workspace", str(workspace.root)]
    return CliRunner().invoke(cli, [*given, "--device", "cpu", *words])


def test_masks_and_classes_of_the_person_are_never_overwritten_unasked(trained, places, tmp_path):
    data = draw_folder(tmp_path / "data", seed=1, count=3, empty=0)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    refused = predict_command(trained, data / "images", data)
    assert isinstance(refused.exception, WorkspaceError)
    assert "contains classes.txt, images, masks, which COMUS did not write" in str(refused.exception)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    forced = predict_command(trained, data / "images", data, "--force")
    assert forced.exit_code == 0, forced.output
    replaced = [data / "classes.txt", *(data / "masks").iterdir()]
    told = [line.removeprefix("replaced ") for line in forced.output.splitlines() if line.startswith("replaced ")]
    assert sorted(told) == sorted(str(path.relative_to(data)) for path in replaced)
    assert {path: path.read_bytes() for path in before if path not in replaced} == {
        path: content for path, content in before.items() if path not in replaced
    }
    assert (data / "classes.txt").read_text().splitlines()[0:2] == ["background", "cluster 0"]


def test_a_second_prediction_leaves_nothing_of_the_first(trained, places, tmp_path):
    out, some = tmp_path / "out", tmp_path / "some"
    assert predict_command(trained, places[1], out).exit_code == 0
    some.mkdir()
    shutil.copy(places[1] / "new-002.png", some / "new-002.png")
    assert predict_command(trained, some, out).exit_code == 0
    assert [path.name for path in (out / "masks").iterdir()] == ["new-002.png"]
    assert [row["image"] for row in json.loads((out / "predictions.json").read_text())["predictions"]] == [
        "new-002.png"
    ]


def test_predictions_among_the_photographs_are_no_photographs(trained, places, tmp_path):
    photos = tmp_path / "photos"
    shutil.copytree(places[1], photos)
    for _ in range(2):
        result = predict_images(trained[1], 0, [photos], trained[0], photos / "predicted")
        assert result["images"] == len(result["predictions"]) == 7
    (left,) = result["passed_over"]
    assert (left["reason"], left["files"], left["places"]) == ("results of COMUS", 7, ["predicted/"])


def test_two_photographs_of_one_mask_and_one_of_the_longest_name_get_a_mask_each(trained, places, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    names = ["IMG.PNG", "img.png", "a\\b.png", "x" * 251 + ".png"]
    for number, name in enumerate(names):
        shutil.copy(places[1] / f"new-{number:03d}.png", photos / name)
    result = predict_images(trained[1], 1, [photos], trained[0], tmp_path / "out")
    mask_of = {row["image"]: row["mask"] for row in result["predictions"]}
    assert set(mask_of) == set(names) and len({mask.casefold() for mask in mask_of.values()}) == 4
    for number, name in enumerate(names):
        alone = predict_images(trained[1], 1, [places[1] / f"new-{number:03d}.png"], trained[0], tmp_path / f"{number}")
        (row,) = alone["predictions"]
        assert (tmp_path / "out" / mask_of[name]).read_bytes() == (tmp_path / f"{number}" / row["mask"]).read_bytes()


def test_what_looks_like_a_new_picture_is_nearest_by_cosine_whole_and_by_object(trained, places):
    from comus_core.features.encoders import load_encoder

    workspace, run = trained
    view, encoder = open_run_view(workspace, run), load_encoder("efficientnet-lite0")
    picture = places[1] / "new-003.png"
    answer = similar(run, workspace, SimilarSettings(picture=str(picture), top=5))
    assert [part["what"] for part in answer["parts"]] == ["whole image"]  # masks of one's own know no new picture
    assert answer["found"] == answer["parts"][0]["found"] and answer["threshold"] == answer["found"][-1]["cosine"]
    assert answer["parts"][0]["vector"] == pytest.approx(encoder.encode([read_rgb(picture)])[0], rel=1e-4, abs=1e-4)
    wanted = encoder.encode([read_rgb(picture)])[0].astype(np.float64)
    known = np.asarray(view.vectors(), np.float64)
    cosine = [float(v @ wanted / np.linalg.norm(v) / np.linalg.norm(wanted)) for v in known]
    found = answer["parts"][0]["found"]
    # crops of one plain colour have the same vector but for rounding: which of them comes first is nobody's business
    assert [entry["cosine"] for entry in found] == pytest.approx(sorted(cosine, reverse=True)[:5], abs=1e-5)
    for entry in found:
        assert entry["cosine"] == pytest.approx(cosine[view.row_of[entry["proposal"]]], abs=1e-5)
    cosines = similarities(view, np.asarray(view.vectors()[7:8]))
    assert cosines.max() == cosines[7] == pytest.approx(1, abs=1e-6)
    assert 7 not in ranked(view, cosines, candidates(view, curation.decided_in(view), np.array([7]))).rows[:23]
    with pytest.raises(SettingsError, match=r"a vector of 3 dimensions, but those of run .* have 1280"):
        similarities(view, np.ones((1, 3)))


def test_the_objects_that_the_runs_detector_finds_are_compared_too(trained, places, tmp_path):
    from dataclasses import replace

    workspace, run = trained
    seen = replace(run, config=replace(run.config, saliency=replace(run.config.saliency, detector="u2netp")))
    answer = similar(seen, workspace, SimilarSettings(picture=str(places[1] / "new-000.png"), top=2))
    assert [part["what"] for part in answer["parts"]] == ["object 1", "whole image"]
    assert answer["found"] == answer["parts"][0]["found"], "its object, not its background"
    x0, y0, x1, y1 = answer["parts"][0]["box"]
    inside = np.asarray(Image.open(places[2] / "new-000.png")) > 0
    assert inside[y0:y1, x0:x1].sum() > 0.8 * inside.sum()
    (tmp_path / "a.jpg").write_text("no")
    with pytest.raises(ImageError, match=r"a\.jpg: not an image"):
        similar(run, workspace, SimilarSettings(picture=str(tmp_path / "a.jpg")))
    with pytest.raises(SettingsError, match="at least 1"):
        similar(run, workspace, SimilarSettings(picture=str(places[1] / "new-000.png"), top=0))


def test_the_command_gives_the_same_answer_and_each_step_is_reported(trained, places, tmp_path):
    workspace, run = trained
    picture, steps = places[1] / "new-001.png", []
    words = [
        "similar",
        run.id,
        "--picture",
        str(picture),
        "--top",
        "24",
        "--device",
        "cpu",
        "--workspace",
        str(workspace.root),
    ]
    done = CliRunner().invoke(cli, [*words, "--json", str(tmp_path / "by-command.json")])
    assert done.exit_code == 0 and "whole image" in done.output, done.output
    answer = similar(run, workspace, SimilarSettings(picture=str(picture)), on_progress=steps.append)
    assert answer == json.loads((tmp_path / "by-command.json").read_text())
    assert [progress.step for progress in steps] == [0, 1, 2]

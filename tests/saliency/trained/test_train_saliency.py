"""A detector learned from drawn images alone: what it finds, that it resumes, and that bad input is told."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from comus_core import open_workspace, predict_saliency, train_saliency
from comus_core.cli.main import cli
from comus_core.config import SaliencySettings
from comus_core.errors import Cancelled, DatasetError, SettingsError, WeightsError
from comus_core.pipelines.model_selection import detector_supervision
from comus_core.pipelines.predict_saliency import map_names
from comus_core.pipelines.saliency_settings import SaliencyPredictSettings, SaliencyTrainSettings
from comus_core.saliency.detectors import detector_fingerprint, detector_spec, load_detector
from comus_core.saliency.trained.network import SaliencyNetwork
from comus_core.saliency.trained.network_file import network_facts, write_network
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import from_dict
from comus_core.weights.registry import UNKNOWN, UNSUPERVISED

pytestmark = pytest.mark.thorough
SMALL = {
    "priors": ["rbd", "mbd"],
    "prior": {"side": 64},
    "side": 64,
    "networks": [{"side": 32, "epochs": 2, "share": 0.7}, {"side": 64, "epochs": 2, "share": 1.0}],
    "optimiser": {"batch": 10},
}


def recipe(**other):
    return from_dict(SaliencyRecipe, SMALL | other)


@pytest.fixture(scope="module")
def learned(drawn, tmp_path_factory):
    root = tmp_path_factory.mktemp("learned")
    workspace = open_workspace(root / "workspace")
    out = root / "detector.safetensors"
    return workspace, train_saliency(str(drawn), workspace, SaliencyTrainSettings(str(out), recipe()), device="cpu")


def test_the_file_says_what_it_is_and_is_small(learned):
    _, result = learned
    facts = network_facts(result["path"])
    assert facts["side"] == 64 and facts["images"] == result["images"] == 30
    assert facts["supervision"] == UNSUPERVISED
    assert from_dict(SaliencyRecipe, facts["recipe"]) == recipe() and result["bytes"] < 5e6
    assert [(row["network"], row["epoch"]) for row in result["history"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_batch_of_one_and_of_eight_give_the_same_maps(learned, drawn):
    _, result = learned
    detector = load_detector(SaliencySettings(detector=result["detector"]))
    images = [np.asarray(Image.open(p).convert("RGB")) for p in sorted((drawn / "images").iterdir())[:8]]
    at_once = detector.soft_maps(images, list("abcdefgh"))
    alone = [detector.soft_maps([image], ["a"])[0] for image in images]
    assert all(np.array_equal(a, b) for a, b in zip(at_once, alone, strict=True))
    assert all(
        soft.shape == (64, 64) and soft.dtype == np.float32 and 0 <= soft.min() <= soft.max() <= 1 for soft in alone
    )


def test_what_is_done_is_not_done_again_and_the_same_settings_give_the_same_file(learned, drawn, tmp_path):
    workspace, result = learned
    stages = []
    again = train_saliency(
        str(drawn),
        workspace,
        SaliencyTrainSettings(str(tmp_path / "again.safetensors"), recipe()),
        device="cpu",
        on_progress=lambda progress: stages.append(progress.stage),
    )
    assert again["sha256"] == result["sha256"] and "networks" not in stages


@pytest.mark.parametrize("after", [0.05, 0.6])  # in the first and in the second network
def test_a_training_that_was_stopped_goes_on_from_its_last_epoch(learned, drawn, tmp_path, after):
    workspace, seen = open_workspace(tmp_path / "workspace"), []
    settings = SaliencyTrainSettings(str(tmp_path / "detector.safetensors"), recipe())

    def stop(progress):
        if progress.stage == "networks" and progress.step > after * progress.total:
            raise Cancelled

    with pytest.raises(Cancelled):
        train_saliency(str(drawn), workspace, settings, device="cpu", on_progress=stop)
    assert not (tmp_path / "detector.safetensors").exists()
    result = train_saliency(str(drawn), workspace, settings, device="cpu", on_progress=seen.append)
    assert result["sha256"] == learned[1]["sha256"]
    assert "priors" not in {progress.stage for progress in seen}


def test_a_recipe_with_one_network_more_goes_on_from_the_last(learned, drawn, tmp_path):
    workspace, result = learned
    longer = recipe(networks=[*SMALL["networks"], {"side": 64, "epochs": 1, "share": 1.0}])
    seen, settings = [], SaliencyTrainSettings(str(tmp_path / "more.safetensors"), longer)
    more = train_saliency(str(drawn), workspace, settings, device="cpu", on_progress=seen.append)
    assert more["history"][:4] == result["history"] and [row["network"] for row in more["history"][4:]] == [3]
    assert "priors" not in {progress.stage for progress in seen}


def test_maps_are_written_at_the_size_of_their_images_by_python_and_by_the_command(learned, drawn, tmp_path):
    workspace, result = learned
    settings = SaliencyPredictSettings(str(tmp_path / "maps"), SaliencySettings(detector=result["detector"]))
    written = predict_saliency(str(drawn), workspace, settings, device="cpu")
    assert len(written["maps"]) == 30 and written["supervision"] == {"direct": "none", "inherited": "none"}
    for row in written["maps"]:
        stored = np.asarray(Image.open(tmp_path / "maps" / row["map"]))
        with Image.open(drawn / row["image"]) as image:
            assert stored.shape == image.size[::-1] == (row["height"], row["width"]) and stored.dtype == np.uint8
        assert row["mean"] == pytest.approx(stored.mean() / 255, abs=0.003)
    words = ["saliency", "predict", str(drawn), "--detector", result["detector"], "--out", str(tmp_path / "by_command")]
    done = CliRunner().invoke(
        cli, [*words, "--workspace", str(workspace.root), "--device", "cpu"], catch_exceptions=False
    )
    assert done.exit_code == 0 and "30 maps" in done.output
    told = [json.loads((tmp_path / name / "saliency.json").read_text()) for name in ("maps", "by_command")]
    assert told[0]["maps"] == told[1]["maps"] == written["maps"]


def test_every_map_has_a_name_of_its_own_that_keeps_the_image_s():
    assert map_names(["a/x.jpg", "a/x.tif", "a/x.png.JPG", "a/X.jpeg", "img.001", "b/x.jpg"]) == {
        "a/x.jpg": "a/x.png",
        "a/x.tif": "a/x 2.png",
        "a/x.png.JPG": "a/x.png.png",
        "a/X.jpeg": "a/X 3.png",
        "img.001": "img.001.png",
        "b/x.jpg": "b/x.png",
    }


def test_no_map_replaces_an_image_whatever_is_forced(drawn, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for path in sorted((drawn / "images").iterdir())[:2]:
        Image.open(path).convert("RGB").save(folder / f"{path.stem}.png")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    settings = SaliencyPredictSettings(str(folder), SaliencySettings(detector="mbd"), force=True)
    with pytest.raises(SettingsError, match="would replace an image; choose another folder"):
        predict_saliency(str(folder), open_workspace(tmp_path / "workspace"), settings, device="cpu")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_with_a_detector_of_one_s_own_owes_what_its_file_says(learned, tmp_path):
    own, gone = SaliencySettings(detector=learned[1]["detector"]), SaliencySettings(detector=f"trained:{tmp_path}/x")
    assert detector_supervision(own) == UNSUPERVISED and detector_supervision(gone) == UNKNOWN
    assert detector_spec(own.detector).finds and not detector_spec(f"masks:{tmp_path}").finds


def test_a_detector_that_changed_has_other_maps(learned, tmp_path):
    same, other = tmp_path / "same.safetensors", tmp_path / "other.safetensors"
    same.write_bytes(Path(learned[1]["path"]).read_bytes())
    facts = network_facts(same)
    write_network(other, SaliencyNetwork().state_dict(), facts | {"supervision": asdict(facts["supervision"])})
    identities = [detector_fingerprint(SaliencySettings(detector=f"trained:{path}"), []) for path in (same, other)]
    first = detector_fingerprint(SaliencySettings(detector=learned[1]["detector"]), [])
    assert identities[0] == first and identities[1].weights != first.weights


def test_files_that_are_no_detector_are_told(tmp_path):
    from safetensors.torch import save_file

    foreign, broken = tmp_path / "foreign.safetensors", tmp_path / "broken.safetensors"
    save_file({"x": torch.zeros(1)}, foreign)
    broken.write_bytes(b"nothing")
    for path, words in (
        (foreign, "is not a detector that"),
        (broken, "cannot be read"),
        (tmp_path / "no.file", "there is no such file"),
    ):
        with pytest.raises(WeightsError, match=words):
            load_detector(SaliencySettings(detector=f"trained:{path}"))
    ragged = tmp_path / "ragged.safetensors"
    owes = {"supervision": asdict(UNSUPERVISED)}
    for facts, words in (
        ({"side": 64} | owes, "does not fit"),
        ({"side": 50} | owes, "its side is 50, not a multiple of 32"),
        ({"side": 64}, "cannot be read"),
        ({"side": 64, "supervision": {"direct": "all", "inherited": "none"}}, "cannot be read"),
    ):
        write_network(ragged, {"x": torch.zeros(1)}, facts)
        with pytest.raises(WeightsError, match=words):
            load_detector(SaliencySettings(detector=f"trained:{ragged}"))


def test_too_few_images_and_a_foreign_file_in_the_way_are_told_before_any_work(drawn, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted((drawn / "images").iterdir())[:3]:
        (few / path.name).write_bytes(path.read_bytes())
    workspace, out = open_workspace(tmp_path / "workspace"), tmp_path / "out.safetensors"
    with pytest.raises(DatasetError, match="3 usable images: a detector needs at least 16"):
        train_saliency(str(few), workspace, SaliencyTrainSettings(str(out), recipe()), device="cpu")
    out.write_bytes(b"mine")
    with pytest.raises(SettingsError, match="COMUS did not write"):
        train_saliency(str(few), workspace, SaliencyTrainSettings(str(out), recipe()), device="cpu")
    assert out.read_bytes() == b"mine"
    for changed, words in (
        ({"priors": ["rbd", "rbd"]}, "each counts once"),
        ({"priors": ["rbd"]}, "name at least two"),
        ({"networks": []}, "name at least one"),
        ({"optimiser": {"crop": 0.0}}, "crop"),
        ({"networks": [{"side": 96}]}, "networks 1: side 96 must be at most 64"),
    ):
        with pytest.raises(SettingsError, match=words):
            recipe(**changed)

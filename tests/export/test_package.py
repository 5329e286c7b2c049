"""A packaged round: the same masks from every file of it, what its card says, and the same bytes again."""

import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from comus_core import find_round, package, predict, train
from comus_core.datasets.dataset import open_dataset
from comus_core.evaluation.matching import match
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.evaluation.report import score
from comus_core.export.package import calibration_images, scored_images
from comus_core.export.package_card import SNIPPET
from comus_core.export.package_model import PackagedModel
from comus_core.pipelines.training_record import settings_of
from comus_core.pipelines.verb_settings import PackageSettings, PredictSettings
from comus_core.proposals.pseudo_masks import from_png, voc_palette
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.stages.networks import load_segmenter
from comus_core.training import TrainSettings, make_training
from comus_core.training.packaged_network import PackagedNetwork
from comus_core.training.prediction import predict as predict_masks
from tests.builders import copy_of
from tests.export.packages import SEEING, Packaged, drawn_images, inputs_of, snippet

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def packaged(finished, tmp_path_factory) -> Packaged:
    root = tmp_path_factory.mktemp("packaged")
    workspace, run = copy_of(finished, root)
    train(run, workspace, TrainSettings(make_training(**SEEING)), device="cpu")
    subject = find_round(workspace, run.id, 1)
    folder = root / "package"
    folder.mkdir()  # an empty folder is taken too
    result = package(subject, workspace, PackageSettings(str(folder), int8=True, scored_images=12))
    return Packaged(workspace, run, subject, folder, result)


def prediction_of(packaged):
    return settings_of(packaged.subject.training).training.prediction


def segmenter_of(packaged):
    training = packaged.subject.training
    artifact = packaged.workspace.artifacts.get("network", training.artifacts["network-1"])
    outputs = len(trained_ids(training)) + 1
    return load_segmenter(artifact, settings_of(training).training.network, outputs, "cpu"), outputs


def test_pytorch_onnx_runtime_and_the_exported_program_give_the_same_masks_at_three_sizes(packaged, drawn):
    settings = prediction_of(packaged)
    network, outputs = segmenter_of(packaged)
    model = PackagedModel((packaged.folder / "model.onnx").read_bytes(), settings)
    program, seen = torch.export.load(packaged.folder / "model.pt2").module(), set()
    small, middle, _ = drawn_images(drawn)
    large = np.asarray(Image.fromarray(middle).resize((401, 233)))
    for image in (small, middle, large):
        pixels, size = inputs_of(image, settings)
        given = torch.from_numpy(pixels.copy()), torch.from_numpy(size)
        eager = PackagedNetwork(network, settings, outputs)(*given)
        loaded = program(*given)
        mask, confidence, shares = model.session.run(None, model.inputs(image))
        alone = predict_masks(network, [image], settings.network_alone)[0]
        assert mask.shape == (1, *image.shape[:2]) and mask.dtype == np.uint8
        for other in (eager[0][0].numpy(), loaded[0][0].numpy(), alone[0]):
            assert np.array_equal(mask[0], other)
        assert np.allclose(confidence[0], alone[1], atol=1e-4)
        assert np.allclose(shares, eager[2].numpy(), atol=1e-4) and np.allclose(shares.sum(1), 1, atol=1e-4)
        seen |= set(np.unique(mask))
    assert len(seen) >= 3, "a network that sees nothing would prove nothing"


def test_several_images_of_one_size_go_through_at_once(packaged, drawn):
    model = PackagedModel((packaged.folder / "model.onnx").read_bytes(), prediction_of(packaged))
    images = [np.asarray(Image.fromarray(image).resize((120, 80))) for image in drawn_images(drawn)]
    pixels = np.concatenate([model.inputs(image)["image"] for image in images])
    masks = model.session.run(["mask"], {"image": pixels, "size": np.array([80, 120])})[0]
    assert all(np.array_equal(mask, model.mask(image)) for mask, image in zip(masks, images, strict=True))


def test_the_snippet_of_the_docs_gives_the_masks_of_the_network_alone(packaged, drawn, tmp_path):
    assert snippet() == SNIPPET and len([line for line in snippet().splitlines() if line]) <= 15
    assert snippet() in (packaged.folder / "README.md").read_text()
    photos = sorted((drawn / "images").iterdir())[:4]
    settings = PredictSettings(tuple(map(str, photos)), str(tmp_path / "predicted"), network_only=True)
    result = predict(packaged.subject, packaged.workspace, settings, device="cpu")
    program, seen = tmp_path / "snippet.py", set()
    heavy = "assert not {'torch', 'scipy', 'comus_core', 'torchvision'} & set(sys.modules)"
    program.write_text(f"{snippet()}{heavy}\n")
    for photo, row in zip(photos, result["predictions"], strict=True):
        words = [sys.executable, "-I", str(program), str(photo), str(packaged.folder), str(tmp_path / "mask.png")]
        subprocess.run(words, check=True, capture_output=True, cwd=tmp_path)
        mask = np.asarray(Image.open(tmp_path / "mask.png"))
        assert np.array_equal(mask, from_png((tmp_path / "predicted" / row["mask"]).read_bytes()))
        seen |= set(np.unique(mask))
    assert len(seen) >= 3


def test_hashes_in_the_card_and_the_result_are_those_of_the_files(packaged):
    text = (packaged.folder / "README.md").read_text()
    written = {
        name: (int(size), digest) for name, size, digest in re.findall(r"\| ([\w.]+) \|.*\| (\d+) \| `(\w{64})`", text)
    }
    contents = {path.name: path.read_bytes() for path in packaged.folder.iterdir()}
    found = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()}
    assert written == {name: value for name, value in found.items() if name != "README.md"}
    assert {f["name"]: (f["bytes"], f["sha256"]) for f in packaged.result["files"]} == found
    assert set(written) == {
        *("model.onnx", "model.int8.onnx", "model.pt2", "model.safetensors"),
        *("labels.json", "preprocessing.json", "example.png", "example_mask.png"),
    }


@pytest.mark.slow
def test_a_second_package_has_the_same_bytes(packaged, tmp_path):
    package(packaged.subject, packaged.workspace, PackageSettings(str(tmp_path / "again"), int8=True, scored_images=12))
    first, second = ({p.name: p.read_bytes() for p in f.iterdir()} for f in (packaged.folder, tmp_path / "again"))
    assert [name for name in first if first[name] != second.get(name)] == [] and set(first) == set(second)


def test_nothing_of_this_machine_is_in_the_files(packaged):
    places = [str(packaged.workspace.root).encode(), b"site-packages", str(sys.prefix).encode()]
    for path in packaged.folder.iterdir():
        content = path.read_bytes()
        assert not [place for place in places if place in content], path.name


def test_the_model_is_valid_onnx_with_the_opset_and_the_dynamic_axes_that_are_stated(packaged):
    model = onnx.load(packaged.folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    stated = json.loads((packaged.folder / "preprocessing.json").read_text())
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == stated["opset"] == 18
    shape = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape == ["n", "16*high", "16*wide", 3]
    assert list(stated["inputs"]) == [entry.name for entry in model.graph.input]
    assert list(stated["outputs"]) == [entry.name for entry in model.graph.output]


def test_the_weights_are_those_of_the_round(packaged):
    artifact = packaged.workspace.artifacts.get("network", packaged.subject.training.artifacts["network-1"])
    assert (packaged.folder / "model.safetensors").read_bytes() == artifact.file("network.safetensors").read_bytes()


def test_labels_have_the_names_and_colours_of_the_masks(packaged):
    labels = json.loads((packaged.folder / "labels.json").read_text())
    training = packaged.subject.training
    names = trained_names(training, packaged.workspace.decisions_of(packaged.run))
    assert [row["name"] for row in labels] == ["background", *names]
    assert [row["category"] for row in labels] == [None, *trained_ids(training)]
    assert [row["colour"] for row in labels] == voc_palette()[: len(labels)].tolist()
    with Image.open(packaged.folder / "example_mask.png") as example:
        assert example.getpalette()[: 3 * len(labels)] == [v for row in labels for v in row["colour"]]


def test_the_example_has_the_mask_that_the_model_gives(packaged):
    model = PackagedModel((packaged.folder / "model.onnx").read_bytes(), prediction_of(packaged))
    mask = from_png((packaged.folder / "example_mask.png").read_bytes())
    assert np.array_equal(model.mask(np.asarray(Image.open(packaged.folder / "example.png"))), mask) and mask.any()


def test_scores_and_equal_pixels_are_those_counted_one_image_at_a_time(packaged):
    training, settings = packaged.subject.training, prediction_of(packaged)
    dataset = open_dataset(packaged.run.config.dataset, packaged.workspace.drawings)
    own = MaskReader(packaged.workspace.artifacts.get("predictions", training.artifacts["predictions-1"]))
    ids = sorted(own.files)
    ids = scored_images(ids, calibration_images(ids), 12)
    models = {
        name: PackagedModel((packaged.folder / name).read_bytes(), settings)
        for name in ("model.onnx", "model.int8.onnx")
    }
    masks = {"comus predict": {i: own.read(i) for i in ids}}
    masks |= {name: {i: model.mask(dataset.read(i)) for i in ids} for name, model in models.items()}
    names, classes = trained_names(training, packaged.workspace.decisions_of(packaged.run)), dataset.truth.classes
    tables = {
        name: sum(
            count_prediction(i, mask, dataset.truth.mask(i), dataset.truth.ignore, len(names), len(classes))
            for i, mask in each.items()
        )
        for name, each in masks.items()
    }
    matched = match(tables["comus predict"], packaged.run.config.matching)
    text = (packaged.folder / "README.md").read_text()
    assert packaged.result["scores"]["images"] == 12
    assert [one["name"] for one in packaged.result["scores"]["models"]] == list(masks)
    for one in packaged.result["scores"]["models"]:
        same = np.concatenate([(masks[one["name"]][i] == masks["comus predict"][i]).ravel() for i in ids])
        assert one["equal"] == pytest.approx(100 * same.mean(), abs=1e-9)
        expected = score(tables[one["name"]], matched, classes, ("background", *names)).miou
        assert one["miou"] == pytest.approx(expected, abs=1e-9)
        assert f"| {one['name']} | {one['equal']:.2f} % | {one['miou']:.2f} |" in text
    assert packaged.result["scores"]["models"][0]["equal"] == 100


def test_the_8_bit_model_is_smaller_and_close(packaged):
    sizes = {name: (packaged.folder / name).stat().st_size for name in ("model.onnx", "model.int8.onnx")}
    assert sizes["model.int8.onnx"] < 0.4 * sizes["model.onnx"]
    model = onnx.load(packaged.folder / "model.int8.onnx")
    assert {node.op_type for node in model.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}
    scores = {one["name"]: one for one in packaged.result["scores"]["models"]}
    assert scores["model.int8.onnx"]["miou"] > scores["model.onnx"]["miou"] - 10


def test_the_card_says_supervision_data_scores_and_what_predict_adds(packaged):
    text, training = (packaged.folder / "README.md").read_text(), packaged.subject.training
    assert "**supervised: masks" in text and "efficientnet-lite0 | Apache-2.0 |" in text
    assert f"training `{training.id}`, round 1" in text
    entry = training.result["rounds"][1]
    assert f"| mIoU | {training.result['rounds'][0]['miou']:.2f} | {entry['miou']:.2f} |" in text
    assert "gives each connected object one category; it weighs the run's saliency in what is object (0.5)." in text
    assert str(packaged.workspace.root) not in text

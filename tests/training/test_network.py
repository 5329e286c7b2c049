"""DeepLabv3 over timm backbones: the right weights, all of them; the right size; the reference's numbers."""

import os

import numpy as np
import pytest
import timm
import torch
from torchvision.models import resnet50
from torchvision.models.segmentation.deeplabv3 import DeepLabHead

from comus_core.errors import SettingsError, WeightsError
from comus_core.training import TRAINING_PRESETS, make_training
from comus_core.training.examples import Examples, steps_per_epoch
from comus_core.training.loop import train_round
from comus_core.training.network import BACKBONES, Segmenter, new_segmenter
from comus_core.training.settings import NetworkSettings
from comus_core.training.step import RoundSetup
from comus_core.weights.loading import load_network
from comus_core.weights.registry import REGISTRY, Supervision
from comus_core.weights.store import import_weights


@pytest.fixture
def every_core():
    """For what is large enough to gain by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dino_file(tmp_path, monkeypatch):
    """A file with the published ResNet-50's tensor names: torchvision's without the classifier."""
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "weights"))
    torch.manual_seed(1)
    state = {k: v for k, v in resnet50().state_dict().items() if not k.startswith("fc.")}
    torch.save(state, tmp_path / "dino_resnet50_pretrain.pth")
    import_weights("dino-resnet50", tmp_path / "dino_resnet50_pretrain.pth")
    return state


@pytest.fixture
def mobilenet_file(tmp_path, monkeypatch):
    """A file with the tensors of timm's MobileNetV3-Large, its classifier among them, as it is published."""
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "weights"))
    torch.manual_seed(2)
    state = timm.create_model("mobilenetv3_large_100", pretrained=False).state_dict()
    state = {key: torch.rand_like(value) if value.is_floating_point() else value for key, value in state.items()}
    torch.save(state, tmp_path / "downloaded.pth")
    import_weights("mobilenetv3-large", tmp_path / "downloaded.pth")
    return state


def test_mobilenet_starts_from_every_tensor_of_timms_file_but_the_classifiers(mobilenet_file):
    settings = NetworkSettings(backbone="mobilenetv3-large", head_channels=32)
    network = new_segmenter(settings, 5, 0)
    loaded = network.backbone.state_dict()
    assert all(torch.equal(value, mobilenet_file[key]) for key, value in loaded.items())
    assert {key.split(".")[0] for key in set(mobilenet_file) - set(loaded)} == {"conv_head", "classifier"}
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert REGISTRY[settings.backbone].supervision == Supervision("image labels", "none")
    config = timm.get_pretrained_cfg("mobilenetv3_large_100.ra_in1k")
    assert (BACKBONES["mobilenetv3-large"].mean, BACKBONES["mobilenetv3-large"].std) == (config.mean, config.std)


@pytest.mark.thorough
@pytest.mark.parametrize("stride", [8, 16])
def test_mobilenet_keeps_the_stride_that_was_asked_and_trains_a_step(mobilenet_file, tmp_path, stride):
    settings = make_training(
        network={"backbone": "mobilenetv3-large", "output_stride": stride, "head_channels": 32},
        optimisation={"crop": 128, "batch": 2, "ema": 0.0},
        epochs=1,
    )
    torch.manual_seed(4)
    network = Segmenter(settings.network, 4).to(memory_format=torch.channels_last)  # drawn, so that the loss is ln 4
    pixels = torch.randint(0, 255, (1, 3, 256, 192), dtype=torch.uint8)
    assert network.eval().coarse(pixels).shape == (1, 4, 256 // stride, 192 // stride)
    assert network(pixels).shape == (1, 4, 256, 192)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    image, mask = torch.randint(0, 255, (150, 140, 3), dtype=torch.uint8).numpy(), np.ones((150, 140), np.uint8)
    (tmp_path / "round").mkdir()
    examples, this = Examples(["a", "b"], lambda _: (image, mask)), RoundSetup(1, 0, 255, tmp_path / "round", "cpu")
    weights, state = train_round(network, examples, settings, this)
    assert state.step == 1 and state.history[0]["loss"] == pytest.approx(np.log(4), abs=0.7)
    names = [name for name, _ in network.named_parameters()]
    assert sum(bool((weights[name] != before[name]).any()) for name in names) > 0.9 * len(names)


@pytest.mark.thorough
def test_the_papers_network_starts_from_every_tensor_of_dinos_file(dino_file):
    network = new_segmenter(make_training("paper-voc").network, 21, 0)
    loaded = network.backbone.state_dict()
    assert set(loaded) == set(dino_file)
    assert all(torch.equal(loaded[key], value) for key, value in dino_file.items())
    assert all(parameter.requires_grad for parameter in network.parameters())  # no layer is frozen


def test_lite0_starts_from_its_package_and_says_that_labels_went_into_it():
    settings = NetworkSettings()
    network, source = new_segmenter(settings, 5, 0), load_network("efficientnet-lite0").state_dict()
    loaded = network.backbone.state_dict()
    assert all(torch.equal(value, source[key]) for key, value in loaded.items())
    assert {key.split(".")[0] for key in set(source) - set(loaded)} == {"conv_head", "bn2", "classifier"}
    assert REGISTRY[settings.backbone].supervision.direct == "image labels"
    assert REGISTRY[make_training("paper-voc").network.backbone].supervision == Supervision("none", "none")


@pytest.mark.thorough
@pytest.mark.parametrize(("backbone", "stride"), [("efficientnet-lite0", 8), ("efficientnet-lite0", 16)])
def test_the_output_stride_is_what_was_asked(backbone, stride):
    network = new_segmenter(NetworkSettings(backbone=backbone, output_stride=stride, head_channels=32), 4, 0).eval()
    pixels = torch.randint(0, 255, (1, 3, 256, 192), dtype=torch.uint8)
    assert network.coarse(pixels).shape == (1, 4, 256 // stride, 192 // stride)
    assert network(pixels).shape == (1, 4, 256, 192)


@pytest.mark.thorough
def test_the_papers_stride_is_8_at_512_pixels(dino_file, every_core):
    network = new_segmenter(make_training("paper-voc").network, 21, 0).eval()
    with torch.inference_mode():
        assert network.coarse(torch.zeros(1, 3, 512, 512, dtype=torch.uint8)).shape == (1, 21, 64, 64)


def test_the_head_is_torchvisions(dino_file):
    network = new_segmenter(make_training("paper-voc").network, 21, 0)
    torch.manual_seed(3)
    theirs = DeepLabHead(2048, 21).eval()
    network.head.load_state_dict(theirs.state_dict())
    features = torch.randn(1, 2048, 16, 16)
    assert torch.allclose(
        network.head.eval()(features), theirs(features), atol=1e-5
    )  # another memory layout sums otherwise


def test_the_input_is_normalised_as_the_backbone_was_trained():
    network = new_segmenter(NetworkSettings(head_channels=32), 3, 0)
    seen = []
    network.backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.eval()(torch.full((1, 3, 64, 64), 255, dtype=torch.uint8))
    assert torch.allclose(seen[0], torch.ones(1)) and BACKBONES["efficientnet-lite0"].mean == (0.5, 0.5, 0.5)


def test_the_same_seed_draws_the_same_head_whatever_was_drawn_before():
    one = new_segmenter(NetworkSettings(head_channels=32), 3, 5).head.state_dict()
    torch.randn(7)
    two = new_segmenter(NetworkSettings(head_channels=32), 3, 5).head.state_dict()
    other = new_segmenter(NetworkSettings(head_channels=32), 3, 6).head.state_dict()
    assert all(torch.equal(one[k], two[k]) for k in one) and not torch.equal(one["4.weight"], other["4.weight"])


def test_absent_weights_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(WeightsError, match=r"dino-resnet50.*comus weights import dino-resnet50 FILE"):
        new_segmenter(make_training("paper-voc").network, 21, 0)


@pytest.mark.parametrize(
    ("preset", "images", "steps", "epochs"),
    [("paper-voc", 1170, 21, (10, 5)), ("paper-voc", 10582, 189, (10, 5)), ("paper-coco", 94000, 1678, (1, 1))],
)
def test_the_papers_presets_take_the_protocols_steps_and_epochs(preset, images, steps, epochs):
    settings = make_training(preset)
    optimisation, prediction, labels = settings.optimisation, settings.prediction, settings.labels
    assert steps_per_epoch(images, optimisation.batch, optimisation.replicas) == steps
    assert (settings.epochs_of(1), settings.epochs_of(2)) == epochs
    assert (optimisation.batch, optimisation.learning_rate, optimisation.optimiser) == (56, 6e-5, "adam")
    assert (optimisation.schedule, optimisation.weight_decay, settings.network.output_stride) == ("constant", 0.0, 8)
    assert (labels.confidence, optimisation.ema, prediction.flip, optimisation.jitter) == (0.0, 0.0, False, 0.0)
    assert (labels.balance, optimisation.mix, labels.soft, prediction.refine) == (0.0, 0.0, False, "none")
    assert prediction.resize == "squash" and prediction.size == optimisation.crop


@pytest.mark.slow
def test_the_papers_preset_trains_a_step_at_512_pixels(dino_file, tmp_path, every_core):
    settings = make_training("paper-voc", optimisation={"batch": 2, "replicas": 2}, epochs=1)
    image, mask = torch.zeros(400, 500, 3, dtype=torch.uint8).numpy(), torch.ones(400, 500, dtype=torch.uint8).numpy()
    network = new_segmenter(settings.network, 21, 0)
    this = RoundSetup(1, 0, 255, tmp_path, "cpu")
    examples = Examples(["a", "b"], lambda _: (image, mask))
    _, state = train_round(network, examples, settings, this)
    assert state.step == 1 and 1.0 < state.history[0]["loss"] < 6.0  # ln 21 is 3.04


@pytest.mark.parametrize(
    ("preset", "changes", "words"),
    [
        ("gpu", {}, "preset 'gpu': choose one of cpu, paper-voc, paper-coco"),
        ("cpu", {"network.backbone": "vgg"}, "backbone 'vgg': choose one of"),
        ("cpu", {"optimisation.crop": 100}, "optimisation.crop 100: must be a multiple of 16"),
        ("cpu", {"optimisation": {"area_least": 0.9, "area_most": 0.5}}, "area_least 0.9, area_most 0.5: the least"),
        ("cpu", {"optimisation.batch": 1}, "optimisation.batch 1: must be at least 2"),
        ("cpu", {"optimisation.batch": 9, "optimisation.replicas": 2}, "replicas 2: must divide the batch of 9"),
        ("cpu", {"optimisation.ema": 1.0}, "optimisation.ema 1.0: must be less than 1"),
        ("cpu", {"labels.balance": 1.5}, "labels.balance 1.5: must be at most 1"),
        ("cpu", {"prediction.refine": "bilateral"}, "refine 'bilateral': choose one of none, guided, crf"),
        ("cpu", {"labels.surroundings": float("inf")}, "labels.surroundings inf: must be finite"),
        ("cpu", {"optimisation.mix": -0.1}, "optimisation.mix -0.1: must be at least 0"),
        ("cpu", {"network.output_stride": 4}, "network.output_stride 4: choose one of 8, 16"),
        ("cpu", {"prediction.object_share": 0.0}, "saliency decides what is object: object_share must be above 0 too"),
        (
            "cpu",
            {"prediction": {"object_share": 0.0, "saliency": 0.0}},
            "classifier_share names objects: object_share must be above 0 too",
        ),
        (
            "cpu",
            {"prediction": {"object_share": 0.0, "saliency": 0.0, "classifier_share": 0.0}},
            "labels.saliency decides what is object: prediction.object_share must be above 0 too",
        ),
        ("cpu", {"epoch": 3}, "unknown setting epoch: valid are"),
    ],
)
def test_wrong_settings_are_told_with_what_is_right(preset, changes, words):
    with pytest.raises(SettingsError) as told:
        make_training(preset, **changes)
    assert words in str(told.value)


def test_presets_are_valid():
    assert {make_training(name).rounds for name in TRAINING_PRESETS} == {1, 2}

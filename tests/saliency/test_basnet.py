import numpy as np
import pytest
import torch
import torch.nn.functional as F

from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.saliency.basnet import BasnetDetector, repair_stage_6
from comus_core.saliency.detectors import load_detector
from comus_core.weights.basnet_network import BASNet
from comus_core.weights.checks import check_file
from comus_core.weights.registry import REGISTRY
from tests.saliency import basnet_by_hand
from tests.saliency.basnet_keys import published

FILENAMES = {"basnet": "basnet_unsupervised.pth", "basnet-supervised": "basnet.pth"}


def light(shapes) -> dict[str, torch.Tensor]:
    """A state dict of these shapes in a file of kilobytes: every tensor repeats one number."""
    types = {name: torch.int64 if name.endswith("num_batches_tracked") else torch.float32 for name in shapes}
    return {name: torch.tensor(0.01, dtype=types[name]).expand(shape) for name, shape in shapes.items()}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Maps of 32 pixels are too small to share among threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def network() -> BASNet:
    """Random weights and batch statistics, as in eval mode after training."""
    torch.manual_seed(0)
    network = BASNet().eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 1.0, 2.0)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    return network


@pytest.fixture(scope="module")
def detector(network) -> BasnetDetector:
    return BasnetDetector("basnet", {}, network, "cpu", side=32)


def images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40 + 5 * i, 70 - 3 * i, 3)).astype(np.uint8) for i in range(count)]


def test_the_names_and_shapes_are_exactly_those_of_the_published_checkpoints():
    with torch.device("meta"):
        ours = {name: tuple(tensor.shape) for name, tensor in BASNet().state_dict().items()}
    assert ours == published()


def test_the_counts_are_those_of_the_protocol():
    shapes = published()
    counted = [n for n in shapes if n.endswith("num_batches_tracked")]
    assert (len(shapes), len(shapes) - len(counted), len(counted)) == (517, 439, 78)
    assert shapes["inconv.weight"] == (64, 3, 3, 3) and shapes["conv6d_1.weight"] == (512, 1024, 3, 3)
    assert shapes["outconv1.weight"] == (1, 64, 3, 3) and shapes["refunet.conv_d4.weight"] == (64, 128, 3, 3)
    with torch.device("meta"):
        parameters = sum(p.numel() for p in BASNet().parameters())
    assert round(parameters / 1e6, 2) == 87.06


def test_the_eight_outputs_equal_the_published_wiring_written_by_hand(network):
    x = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, expected = network(x), basnet_by_hand.forward(network.state_dict(), x)
    assert len(ours) == 8
    for mine, theirs in zip(ours, expected, strict=True):
        assert mine.shape == (1, 1, 32, 64) and mine.std() > 1e-4
        assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("size", [(64, 80), (250, 330)])
def test_sides_that_are_no_multiple_of_32_are_refused(network, size):
    with pytest.raises(ValueError, match=f"multiples of 32, not {size[0]}×{size[1]}"):
        network(torch.zeros(1, 3, *size))


def test_the_map_is_output_0_of_the_squashed_imagenet_normalised_image_unscaled(network, detector):
    [image] = images(1)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    squashed = F.interpolate(pixels, (32, 32), mode="bilinear", align_corners=False)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        outputs = [o[0, 0].numpy() for o in network((squashed - mean) / std)]
    [soft] = detector.soft_maps([image], ["a"])
    assert soft.shape == (32, 32) and soft.dtype == np.float32
    assert np.allclose(soft, outputs[0], atol=1e-5)
    assert all(np.abs(soft - other).max() > 1e-3 for other in outputs[1:])
    assert soft.min() > 0 and soft.max() < 1  # a min-max scaled map would reach both


def test_red_and_blue_are_not_swapped(detector):
    [image] = images(1)
    swapped = np.ascontiguousarray(image[..., ::-1])
    right, wrong = detector.soft_maps([image, swapped], ["a", "b"])
    assert np.abs(right - wrong).max() > 1e-3


def test_a_batch_of_eight_gives_the_same_bits_as_batches_of_one(detector):
    pictures = images(8)
    together = detector.soft_maps(pictures, [str(i) for i in range(8)])
    for i in (0, 3, 7):
        assert np.array_equal(detector.soft_maps([pictures[i]], [str(i)])[0], together[i])


@pytest.mark.parametrize(("name", "wrapper"), [("basnet", "net"), ("basnet-supervised", None)])
def test_a_checkpoint_as_published_loads_and_says_its_hash(name, wrapper, tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    state = light(published())
    torch.save({wrapper: state} if wrapper else state, tmp_path / FILENAMES[name])
    loaded = load_detector(SaliencySettings(detector=name))
    assert loaded.name == name and len(loaded.weights_sha256[name]) == 64
    assert loaded.side == 256 and not loaded.network.training
    assert all((t == state[k]).all() for k, t in loaded.network.state_dict().items())


WRAPPINGS = {
    "net": lambda s: {"net": s},
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "model": lambda s: {"model": s},
    "bare": lambda s: s,
    "module": lambda s: {"net": {f"module.{k}": v for k, v in s.items()}},
    "no counters": lambda s: {k: v for k, v in s.items() if not k.endswith("num_batches_tracked")},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_known_wrapping_of_a_checkpoint_is_accepted(wrapping, tmp_path):
    torch.save(WRAPPINGS[wrapping](light(published())), tmp_path / "a.pth")
    check_file(REGISTRY["basnet"], tmp_path / "a.pth", "a.pth")


def renamed(state):
    state["refunet.conv9.weight"] = state.pop("refunet.conv1.weight")


FAULTS = {
    "missing": (lambda s: s.pop("conv6d_m.bias"), "1 missing: conv6d_m.bias"),
    "unexpected": (lambda s: s.update(extra=torch.zeros(1)), "1 unexpected: extra"),
    "renamed": (renamed, "1 missing: refunet.conv1.weight; 1 unexpected: refunet.conv9.weight"),
    "shape": (lambda s: s.update({"outconv1.bias": torch.zeros(2)}), r"outconv1.bias is \(2,\), not \(1,\)"),
    "statistics": (lambda s: s.pop("bnbg_m.running_var"), "1 missing: bnbg_m.running_var"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkpoint_with_one_wrong_tensor_is_refused_by_name(fault, tmp_path):
    break_it, report = FAULTS[fault]
    state = light(published())
    break_it(state)
    torch.save({"net": state}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=report):
        check_file(REGISTRY["basnet"], tmp_path / "a.pth", "a.pth")


def test_a_file_that_would_run_code_when_read_is_refused(tmp_path):
    torch.save({"net": torch.nn.Conv2d(1, 1, 1)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError):
        check_file(REGISTRY["basnet"], tmp_path / "a.pth", "a.pth")


def test_a_checkpoint_from_before_the_fix_of_stage_6_gets_the_norm_it_was_trained_with(network):
    old = BASNet().eval().requires_grad_(False)
    old.load_state_dict(network.state_dict())
    old.get_submodule("bn6d_2").reset_running_stats()
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = basnet_by_hand.forward(old.state_dict(), x, stage_6_norm="bn5d_2")
        assert not torch.allclose(old(x)[6], expected[6], atol=1e-3)
        assert repair_stage_6(old)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(old(x), expected, strict=True))


def test_a_checkpoint_with_its_own_norm_of_stage_6_is_left_alone(network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    assert not repair_stage_6(network)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())

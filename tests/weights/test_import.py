import argparse

import pytest
import safetensors.torch
import torch
from torch import nn
from torchvision.models import resnet50

from comus_core.errors import WeightsError
from comus_core.weights.loading import load_network
from comus_core.weights.registry import REGISTRY
from comus_core.weights.state_dicts import read_state_dict as read
from comus_core.weights.store import file_sha256, import_weights, is_available, locate
from tests.weights.dino_keys import SHAPES, dino_shapes, dino_state
from tests.weights.onnx_bytes import identity_model


def save(content, file):
    torch.save(content, file)
    return file


@pytest.fixture(scope="module")
def published():
    """A DINO ViT-S/16 file's content, with the published names and shapes."""
    return dino_state("dino-vits16")


@pytest.mark.parametrize("name", SHAPES)
def test_each_transformer_has_exactly_dinos_150_tensors(name):
    with torch.device("meta"):
        ours = {key: tuple(value.shape) for key, value in REGISTRY[name].network().state_dict().items()}
    assert len(ours) == 150
    assert ours == dino_shapes(name)


def test_dinos_resnet_has_torchvisions_tensors_without_the_classifier():
    with torch.device("meta"):
        theirs = {k: v.shape for k, v in resnet50().state_dict().items() if not k.startswith("fc.")}
        ours = {k: v.shape for k, v in REGISTRY["dino-resnet50"].network().state_dict().items()}
    assert ours == theirs


def test_a_published_file_is_imported_and_loads_tensor_by_tensor(weights_here, tmp_path, published):
    file = save(published, tmp_path / "downloaded by hand.pth")
    assert import_weights("dino-vits16", file) == weights_here / "dino_deitsmall16_pretrain.pth"
    assert file_sha256(locate("dino-vits16")) == file_sha256(file)
    network = load_network("dino-vits16")
    assert not network.training
    loaded = network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in published.items())


@pytest.mark.parametrize("wrapper", ["state_dict", "teacher", "model", "net"])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "module.backbone."])
def test_wrappers_and_prefixes_are_taken_off(tmp_path, wrapper, prefix):
    content = {wrapper: {f"{prefix}cls_token": torch.ones(2)}, "epoch": 3}
    assert list(read(save(content, tmp_path / "w.pth"))) == ["cls_token"]


def test_a_full_training_checkpoint_gives_its_teacher_without_the_head(weights_here, tmp_path, published):
    teacher = {f"backbone.{k}": v for k, v in published.items()} | {"head.mlp.0.weight": torch.ones(3)}
    student = {f"module.backbone.{k}": v + 1 for k, v in published.items()}
    content = {"student": student, "teacher": teacher, "epoch": 7, "args": argparse.Namespace(arch="vit_small")}
    import_weights("dino-vits16", save(content, tmp_path / "checkpoint.pth"))
    assert torch.equal(load_network("dino-vits16").state_dict()["norm.bias"], published["norm.bias"])


def test_safetensors_load_like_pth(weights_here, tmp_path, published):
    safetensors.torch.save_file(published, tmp_path / "model.safetensors")
    assert import_weights("dino-vits16", tmp_path / "model.safetensors").suffix == ".safetensors"
    loaded = load_network("dino-vits16").state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in published.items())


def test_every_misfit_is_reported_by_name_and_nothing_is_kept(weights_here, tmp_path, published):
    broken = dict(published)
    del broken["blocks.3.norm1.bias"]
    broken["blocks.7.attn.key.weight"] = broken.pop("blocks.7.attn.qkv.weight")
    broken["pos_embed"] = torch.zeros(1, 785, 384)
    with pytest.raises(WeightsError) as caught:
        import_weights("dino-vits16", save(broken, tmp_path / "broken.pth"))
    message = str(caught.value)
    assert "broken.pth does not fit 'dino-vits16'" in message
    assert "2 missing: blocks.3.norm1.bias, blocks.7.attn.qkv.weight" in message
    assert "1 unexpected: blocks.7.attn.key.weight" in message
    assert "1 of another shape: pos_embed is (1, 785, 384), not (1, 197, 384)" in message
    assert not is_available("dino-vits16")
    assert list(weights_here.iterdir()) == []


def test_a_misplaced_file_in_the_weights_folder_is_refused_when_it_is_loaded(weights_here, published):
    weights_here.mkdir()
    save(published, weights_here / "dino_deitsmall8_pretrain.pth")
    with pytest.raises(WeightsError, match=r"2 of another shape: pos_embed .*patch_embed.proj.weight"):
        load_network("dino-vits8")


def test_batch_counters_may_be_absent_but_nothing_else(weights_here, tmp_path):
    state = resnet50().state_dict()
    state = {k: v for k, v in state.items() if not k.startswith("fc.") and not k.endswith("num_batches_tracked")}
    import_weights("dino-resnet50", save({f"module.{k}": v for k, v in state.items()}, tmp_path / "r.pth"))
    loaded = load_network("dino-resnet50").state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in state.items())
    del state["bn1.running_mean"]
    with pytest.raises(WeightsError, match=r"1 missing: bn1.running_mean$"):
        import_weights("dino-resnet50", save(state, tmp_path / "r.pth"))


class Intruder:
    def __reduce__(self):
        return (open, ("/dev/null",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read as weights"),
        (b"garbage", "cannot be read as weights"),
        (b"<!DOCTYPE html><html>Sign in</html>", "is a web page, not weights"),
    ],
)
def test_files_that_are_no_weights_are_refused_with_the_reason(weights_here, tmp_path, content, reason):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"w\.pth {reason}"):
        import_weights("dino-vits16", tmp_path / "w.pth")


def test_a_truncated_file_is_refused(weights_here, tmp_path, published):
    whole = save(published, tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"cut.pth cannot be read as weights"):
        import_weights("dino-vits16", tmp_path / "cut.pth")


def test_a_file_that_would_run_code_is_refused(weights_here, tmp_path):
    with pytest.raises(WeightsError, match=r"w.pth cannot be read as weights: it is no file of tensors") as told:
        import_weights("dino-vits16", save({"cls_token": Intruder()}, tmp_path / "w.pth"))
    assert "weights_only" not in str(told.value)  # torch advises to switch the protection off


def test_a_pickled_network_and_a_list_are_refused_as_no_state_dict(weights_here, tmp_path):
    with pytest.raises(WeightsError, match=r"no state dict.*list"):
        read(save([torch.ones(1)], tmp_path / "w.pth"))
    with pytest.raises(WeightsError, match=r"more than tensors by name: epoch"):
        read(save({"cls_token": torch.ones(1), "epoch": 3}, tmp_path / "w.pth"))
    with pytest.raises(WeightsError, match=r"cannot be read as weights"):
        read(save(nn.Linear(2, 2), tmp_path / "w.pth"))


def test_a_missing_file_and_an_unknown_name_are_named(weights_here, tmp_path):
    with pytest.raises(WeightsError, match=r"no such file .*absent.pth"):
        import_weights("dino-vits16", tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match=r"'vits16'"):
        import_weights("vits16", tmp_path / "absent.pth")


def test_lite0_is_renamed_in_order_and_its_shapes_are_checked(weights_here, tmp_path):
    published = torch.load(locate("efficientnet-lite0"), weights_only=True)
    plain = {k: v for k, v in published.items() if not k.endswith("num_batches_tracked")}
    assert len(plain) == 247
    loaded = {
        k: v
        for k, v in load_network("efficientnet-lite0").state_dict().items()
        if not k.endswith("num_batches_tracked")
    }
    assert all(torch.equal(a, b) for a, b in zip(loaded.values(), plain.values(), strict=True))
    swapped = dict(reversed(plain.items()))
    with pytest.raises(WeightsError, match=r"of another shape: conv_stem.weight"):
        import_weights("efficientnet-lite0", save(swapped, tmp_path / "swapped.pth"))
    del plain["_fc.bias"]
    with pytest.raises(WeightsError, match=r"246 tensors without batch counters, 247 are needed"):
        import_weights("efficientnet-lite0", save(plain, tmp_path / "short.pth"))


def test_an_onnx_model_must_have_u2nets_input_and_output(weights_here, tmp_path):
    (tmp_path / "small.onnx").write_bytes(identity_model((1, 3, 32, 32)))
    with pytest.raises(WeightsError, match=r"small.onnx does not fit 'u2netp'.*\(3, 32, 32\)"):
        import_weights("u2netp", tmp_path / "small.onnx")
    (tmp_path / "fits.onnx").write_bytes(identity_model((1, 3, 320, 320)))
    assert import_weights("u2netp", tmp_path / "fits.onnx") == weights_here / "u2netp.onnx"
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"junk.onnx cannot be read as an ONNX model"):
        import_weights("u2netp", tmp_path / "junk.onnx")

"""Models of timm as encoders, with random weights saved as timm saves them, against timm's own pipeline."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from click.testing import CliRunner
from PIL import Image

from comus_core.cli.main import cli
from comus_core.config import FeatureSettings, RunConfig, SaliencySettings
from comus_core.errors import SettingsError, WeightsError
from comus_core.features.encoders import ENCODERS, encoder_fingerprint, encoder_spec, full_name, load_encoder
from comus_core.features.timm_views import views
from comus_core.pipelines.model_selection import resolve, supervision_of
from comus_core.plugins import part_and_path, with_path
from comus_core.weights import timm_facts, timm_network
from comus_core.weights.registry import REGISTRY, UNKNOWN
from comus_core.weights.store import file_sha256, import_weights, is_available, locate

VIT, CNN = "timm:test_vit.r160_in1k", "timm:test_efficientnet.r160_in1k"
NAMES = (VIT, CNN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    (folder / "timm").mkdir()
    for seed, name in enumerate(NAMES):
        torch.manual_seed(seed)
        network = timm.create_model(name.removeprefix("timm:"), pretrained=False)
        for tensor in network.parameters():  # timm begins with many zeros, which would hide mistakes
            fan = tensor[0].numel() if tensor.ndim > 1 else 100
            torch.nn.init.normal_(tensor, float(tensor.ndim == 1), 1.4 / fan**0.5)
        safetensors.torch.save_file(network.state_dict(), folder / "timm" / f"{name.removeprefix('timm:')}.safetensors")
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(folder))


def theirs(folder, name):
    """The network as timm itself loads it from the file."""
    model = name.removeprefix("timm:")
    overlay = {"file": str(folder / "timm" / f"{model}.safetensors")}
    return timm.create_model(model, pretrained=True, pretrained_cfg_overlay=overlay).eval()


def pictures(count=3):
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (*rng.integers(60, 260, 2), 3), np.uint8) for _ in range(count)]


@pytest.mark.parametrize("name", NAMES)
def test_the_vectors_are_those_of_timms_own_pipeline(folder, name):
    network, crops = theirs(folder, name), pictures()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    batch = torch.stack([transform(Image.fromarray(crop)) for crop in crops])
    with torch.inference_mode():
        expected = network.forward_head(network.forward_features(batch), pre_logits=True).numpy()
    found = load_encoder(name).encode(crops)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)  # kernels round by where memory lies
    assert found.std(axis=0).max() > 1e-3  # the pictures do not all look alike to it


@torch.inference_mode()
def test_a_vision_transformer_gives_keys_tokens_and_attention_of_any_size(folder):
    network, encoder = theirs(folder, VIT), load_encoder(VIT)
    image = np.random.default_rng(2).integers(0, 256, (160, 160, 3), np.uint8)  # its own size: nothing is interpolated
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255 * 2 - 1
    seen = []
    last = network.blocks[-1].attn
    last.fused_attn = False
    last.qkv.register_forward_hook(lambda _, __, out: seen.append(out))
    last.attn_drop.register_forward_hook(lambda _, __, out: seen.append(out))
    tokens = network.forward_features(pixels)
    keys = seen[0][0].reshape(101, 3, 64)[1:, 1].reshape(10, 10, 64)
    attention = seen[1][0, :, 0, 1:].reshape(2, 10, 10)
    np.testing.assert_allclose(encoder.dense([image], 160)[0], keys, atol=1e-4)
    np.testing.assert_allclose(encoder.dense([image], 160, "tokens")[0], tokens[0, 1:].reshape(10, 10, 64), atol=1e-4)
    np.testing.assert_allclose(encoder.attention([image], 160)[0], attention, atol=1e-5)
    wide = np.random.default_rng(3).integers(0, 256, (60, 200, 3), np.uint8)
    shapes = encoder.dense([wide], 320)[0].shape, encoder.attention([wide], 320)[0].shape
    assert shapes == ((6, 20, 64), (2, 6, 20))


@torch.inference_mode()
def test_a_convolutional_network_gives_its_last_map_and_no_attention(folder):
    network, encoder = theirs(folder, CNN), load_encoder(CNN)
    image = np.random.default_rng(4).integers(0, 256, (64, 128, 3), np.uint8)
    pixels = (torch.from_numpy(image).permute(2, 0, 1) / 255 - torch.tensor(encoder.spec.mean)[:, None, None]) / (
        torch.tensor(encoder.spec.std)[:, None, None]
    )
    expected = network.forward_features(pixels[None])[0].permute(1, 2, 0)
    for kind in ("keys", "tokens"):
        found = encoder.dense([image], 128, kind)[0]
        assert found.shape == (2, 4, 256)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(SettingsError, match=r"'timm:test_efficientnet\.r160_in1k' has no class token"):
        encoder.attention([image], 128)


def test_facts_are_those_of_timms_configuration():
    spec, config = encoder_spec("timm:vit_small_patch14_dinov2"), timm.get_pretrained_cfg("vit_small_patch14_dinov2")
    assert (
        spec.name
        == spec.weights
        == "timm:vit_small_patch14_dinov2.lvd142m"
        == full_name("timm:vit_small_patch14_dinov2")
    )
    assert (spec.crop_size, spec.mean, spec.std) == (config.input_size[1], config.mean, config.std)
    assert (spec.dim, spec.patch, spec.heads, spec.has_attention, spec.pooling) == (384, 14, 6, True, "token")
    assert not spec.keys_for_cuts and spec.resizing == "bicubic, center 1"
    file = REGISTRY[spec.weights]
    assert (
        str(file.source)
        == "https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m/resolve/main/model.safetensors"
    )
    assert (file.licence, file.supervision.direct, file.non_commercial) == ("apache-2.0", "none", False)
    assert REGISTRY["timm:vit_base_patch16_224.mae"].non_commercial
    assert REGISTRY["timm:resnet50.bamboo"].supervision == UNKNOWN


@pytest.mark.parametrize(
    ("model", "features", "keys", "attention", "any_size"),
    [
        ("vit_small_patch16_dinov3.lvd1689m", "tokens", True, True, True),
        ("vit_base_patch16_siglip_224.webli", "tokens", True, False, True),  # no class token
        ("swin_tiny_patch4_window7_224.ms_in1k", "nhwc", False, False, True),
        ("beit_base_patch16_224.in22k_ft_in22k", "tokens", False, False, False),
        ("xcit_nano_12_p16_224.fb_dist_in1k", "tokens", False, False, True),  # it attends among channels
        ("resnet10t.c3_in1k", "nchw", False, False, True),
    ],
)
def test_what_a_model_has_is_found_out_without_its_weights(model, features, keys, attention, any_size):
    facts = timm_facts.timm_facts(model)
    assert (facts.features, facts.keys, facts.attention, facts.any_size) == (features, keys, attention, any_size)


def test_an_unknown_model_is_refused_with_names_that_are_near():
    with pytest.raises(
        SettingsError, match=r"'timm:resnet5': timm .* has no model of that name with weights, such as resn"
    ):
        encoder_spec("timm:resnet5")
    with pytest.raises(WeightsError, match="no model of that name"):
        locate("timm:resnet5")
    for name in ("timm:hf-hub:a/b", "timm:../x", "timm:a b"):
        with pytest.raises(SettingsError, match="give the name of a model of timm"):
            encoder_spec(name)
    for name in ("timm", "timm:", "timm: "):
        with pytest.raises(SettingsError, match="name the model too, as in timm:NAME"):
            encoder_spec(name)
    assert "timm:resnet5" not in REGISTRY and "timm:resnet50.a1_in1k" in REGISTRY


def test_a_name_is_no_path():
    assert part_and_path(ENCODERS, VIT) == (ENCODERS["timm"], None)
    assert with_path(ENCODERS, VIT, lambda path: path / "other") == VIT


def test_a_run_names_the_tag_and_owes_what_the_tag_owes():
    chosen = resolve(RunConfig("demo", SaliencySettings("tokencut"), FeatureSettings("timm:test_vit")))
    assert chosen.features.encoder == VIT == chosen.saliency.ncut_encoder
    owed = supervision_of(chosen)
    assert owed["supervision"] == {"direct": "image labels", "inherited": "none"}
    assert owed["weights"]["encoder"] == {"name": VIT, "sha256": file_sha256(locate(VIT))}
    settings, digests = encoder_fingerprint("timm:test_vit")
    assert settings == {
        "encoder": VIT, "crop_size": 160, "mean": [0.5] * 3, "std": [0.5] * 3, "layer": "the last features",
        "pooling": "token", "positions": "timm's, to the size of the image", "resizing": "bicubic, center 0.95",
    }  # fmt: skip
    assert digests == {VIT: file_sha256(locate(VIT))}


def test_a_file_is_imported_only_if_every_tensor_fits(tmp_path, folder, monkeypatch):
    file = folder / "timm" / "test_vit.r160_in1k.safetensors"
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "weights"))
    with pytest.raises(WeightsError, match=r"comus weights download timm:test_vit\.r160_in1k"):
        load_encoder(VIT)
    state = safetensors.torch.load_file(file)
    torch.save({"state_dict": state}, tmp_path / "mine.pt")
    assert import_weights("timm:test_vit", tmp_path / "mine.pt").name == "test_vit.r160_in1k.pth"
    picture = pictures(1)
    found = load_encoder(VIT).encode(picture)
    assert import_weights(VIT, file).name == "test_vit.r160_in1k.safetensors"
    np.testing.assert_array_equal(load_encoder(VIT).encode(picture), found)
    assert [path.name for path in (tmp_path / "weights" / "timm").iterdir()] == ["test_vit.r160_in1k.safetensors"]
    listed = CliRunner().invoke(cli, ["weights", "list"]).output
    assert "timm:NAME: any model of timm" in listed and "test_vit.r160_in1k.safetensors" in listed
    del state["norm.bias"]
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(WeightsError, match=r"broken\.pth does not fit .* 1 missing: norm\.bias"):
        import_weights(VIT, tmp_path / "broken.pth")
    assert is_available(VIT) and not is_available(CNN)


def test_a_network_of_fixed_size_says_that_it_has_no_map(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    facts = timm_facts.timm_facts("test_vit.r160_in1k")
    fixed = views(replace(facts, any_size=False, keys=False, attention=False))
    with pytest.raises(SettingsError, match="takes squares of 160 pixels alone"):
        fixed.keys(None, torch.zeros(1, 3, 32, 32))


def test_the_interface_asks_without_loading_torch(here, folder):
    program = (
        "import sys; from comus_core.features.encoders import encoder_spec; from comus_core.weights.registry import "
        "REGISTRY; print(encoder_spec('timm:test_vit') ); print([m for m in ('torch', 'timm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    spec, loaded = done.stdout.splitlines()
    assert loaded == "[]" and str(encoder_spec("timm:test_vit")).partition(" load=")[0] in spec
    assert timm_network.measure("test_vit")["gflop"] > 0

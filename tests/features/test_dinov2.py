"""DINOv2's transformer with random weights of the published shapes, against the equations of its paper."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, gelu, interpolate, layer_norm, linear

from comus_core.config import FeatureSettings, RunConfig, SaliencySettings
from comus_core.features.crops import preprocess
from comus_core.features.encoders import ENCODERS, encoder_fingerprint, load_encoder
from comus_core.pipelines.model_selection import ranked, resolve, supervision_of
from comus_core.weights.registry import REGISTRY
from tests.weights.dinov2_keys import published_shapes, random_state
from tests.weights.test_dinov2_file import expecting, sha256

NAME = "dinov2-vits14"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.save(random_state(published_shapes(NAME), seed=3), folder / "dinov2_vits14_pretrain.pth")
    return folder


@pytest.fixture
def encoder(folder, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(folder))
    expecting(monkeypatch, NAME, sha256(folder / "dinov2_vits14_pretrain.pth"))
    return load_encoder(NAME)


def picture(seed, height=150, width=90):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@torch.inference_mode()
def by_hand(w, image):
    """Tokens before the last block's attention, its queries, keys and weights, and the final tokens, in float64."""
    w = {name: value.double() for name, value in w.items()}
    x = conv2d(image.double(), w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=14)
    rows, columns = x.shape[2:]
    grid = w["pos_embed"][:, 1:].reshape(1, 37, 37, -1).permute(0, 3, 1, 2)
    factors = ((rows + 0.1) / 37, (columns + 0.1) / 37)
    grid = interpolate(grid, scale_factor=factors, mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)
    x = torch.cat([w["cls_token"] + w["pos_embed"][:, :1], x.flatten(2).transpose(1, 2) + grid], 1)
    for b in range(12):
        block = {name.removeprefix(f"blocks.{b}."): v for name, v in w.items() if name.startswith(f"blocks.{b}.")}
        inside = layer_norm(x, (384,), block["norm1.weight"], block["norm1.bias"], 1e-6)
        qkv = linear(inside, block["attn.qkv.weight"], block["attn.qkv.bias"])
        q, k, v = qkv.reshape(-1, 3, 6, 64).permute(1, 2, 0, 3)  # (heads, tokens, 64)
        shares = (q @ k.transpose(1, 2) / math.sqrt(64)).softmax(-1)
        mixed = (shares @ v).transpose(0, 1).reshape(1, -1, 384)
        x = x + block["ls1.gamma"] * linear(mixed, block["attn.proj.weight"], block["attn.proj.bias"])
        inside = layer_norm(x, (384,), block["norm2.weight"], block["norm2.bias"], 1e-6)
        inside = gelu(linear(inside, block["mlp.fc1.weight"], block["mlp.fc1.bias"]))
        x = x + block["ls2.gamma"] * linear(inside, block["mlp.fc2.weight"], block["mlp.fc2.bias"])
    tokens = layer_norm(x, (384,), w["norm.weight"], w["norm.bias"], 1e-6)[0]
    keys = k.transpose(0, 1).reshape(-1, 384)[1:].reshape(rows, columns, 384)
    return tokens[0], tokens[1:].reshape(rows, columns, 384), keys, shares[:, 0, 1:].reshape(6, rows, columns)


def test_vectors_and_maps_are_those_of_the_papers_equations(encoder, folder):
    weights = torch.load(folder / "dinov2_vits14_pretrain.pth")
    crop, image = picture(0), picture(1, 112, 70)
    vector, *_ = by_hand(weights, torch.from_numpy(preprocess(crop, 224, MEAN, STD))[None])
    np.testing.assert_allclose(encoder.encode([crop])[0], vector.numpy(), atol=2e-4)
    pixels = torch.from_numpy(np.array(image, np.float32).transpose(2, 0, 1) / 255)
    pixels = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]  # of its own size already
    _, tokens, keys, attention = by_hand(weights, pixels[None])
    assert keys.shape == (8, 5, 384)
    np.testing.assert_allclose(encoder.dense([image], 112)[0], keys.numpy(), atol=2e-4)
    np.testing.assert_allclose(encoder.dense([image], 112, "tokens")[0], tokens.numpy(), atol=2e-4)
    np.testing.assert_allclose(encoder.attention([image], 112)[0], attention.numpy(), atol=1e-5)


def test_several_crops_give_the_vectors_of_each_alone(encoder):
    crops = [picture(seed) for seed in range(3)]
    together = encoder.encode(crops)
    assert together.shape == (3, 384) and together.dtype == np.float32
    np.testing.assert_allclose(together, np.concatenate([encoder.encode([crop]) for crop in crops]), atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_a_run_records_how_its_vectors_are_read(encoder, folder):
    settings, digests = encoder_fingerprint(NAME)
    assert digests == {NAME: sha256(folder / "dinov2_vits14_pretrain.pth")} == {NAME: encoder.weights_sha256}
    assert settings["crop_size"] == 224 and settings["pooling"] == "class token"
    assert settings["layer"] == "the last block, after the final norm" and "(cells + 0.1)" in settings["positions"]


def test_auto_prefers_dinov2_then_dino_then_what_is_supervised():
    assert ranked(ENCODERS) == [
        "dinov2-vits14", "dino-vits8", "dino-vits16", "dino-vitb8", "dino-vitb16", "dinov2-vitb14",
        "efficientnet-lite0",
    ]  # fmt: skip


def test_a_run_with_it_owes_nothing_to_labels_and_a_cut_takes_an_encoder_whose_keys_can_be_cut(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    (tmp_path / REGISTRY[NAME].filename).touch()
    chosen = resolve(RunConfig("demo", SaliencySettings("tokencut"), FeatureSettings("auto")))
    assert (chosen.features.encoder, chosen.saliency.ncut_encoder) == (NAME, NAME)  # by its tokens: Lite0 adds labels
    (tmp_path / REGISTRY["dino-vits16"].filename).touch()
    chosen = resolve(RunConfig("demo", SaliencySettings("tokencut"), FeatureSettings(NAME)))
    assert (chosen.features.encoder, chosen.saliency.ncut_encoder) == (NAME, "dino-vits16")
    assert supervision_of(chosen)["supervision"] == {"direct": "none", "inherited": "none"}
    named = resolve(RunConfig("demo", SaliencySettings("tokencut", ncut_encoder=NAME), FeatureSettings(NAME)))
    assert named.saliency.ncut_encoder == NAME

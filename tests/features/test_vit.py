"""DINO's transformers with random weights under the published names: small batches, exact oracles."""

import numpy as np
import pytest
import timm
import torch

from comus_core.errors import SettingsError, WeightsError
from comus_core.features.crops import preprocess
from comus_core.features.encoders import encoder_fingerprint, load_encoder
from comus_core.features.vit import class_attention, final_cls, final_tokens, last_keys, resize_positions
from comus_core.weights.loading import load_network
from comus_core.weights.store import file_sha256, locate
from tests.weights.dino_keys import dino_state

pytestmark = pytest.mark.thorough

NAME = "dino-vits16"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.save(dino_state(NAME), folder / "dino_deitsmall16_pretrain.pth")
    return folder


@pytest.fixture
def encoder(weights, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(weights))
    return load_encoder(NAME)


@pytest.fixture
def network(weights, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(weights))
    return load_network(NAME)


def crops(count, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*rng.integers(20, 90, 2), 3), np.uint8) for _ in range(count)]


def bicubic(t, a=-0.75):
    """Keys' kernel with PyTorch's constant."""
    t = abs(t)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def dino_rule(square, cells):
    """One axis of DINO's interpolation as a (cells, side) matrix: scale factor (cells + 0.1) / side, clamped border."""
    side = square.shape[0]
    matrix = np.zeros((cells, side))
    for out in range(cells):
        position = (out + 0.5) * side / (cells + 0.1) - 0.5
        first = int(np.floor(position))
        for tap in range(first - 1, first + 3):
            matrix[out, min(max(tap, 0), side - 1)] += bicubic(position - tap)
    return matrix


@pytest.mark.parametrize(("side", "grid_hw"), [(28, (32, 32)), (14, (16, 16)), (14, (9, 30))])
def test_position_embeddings_are_carried_over_by_dinos_rule(side, grid_hw):
    positions = torch.randn(1, 1 + side * side, 5, generator=torch.Generator().manual_seed(0))
    square = positions[0, 1:].reshape(side, side, 5).double().numpy()
    rows, columns = (dino_rule(square, cells) for cells in grid_hw)
    expected = np.einsum("yi,xj,ijd->yxd", rows, columns, square)
    found = resize_positions(positions, grid_hw)
    assert torch.equal(found[:, 0], positions[:, 0])
    np.testing.assert_allclose(found[0, 1:].numpy(), expected.reshape(-1, 5), atol=2e-5)


def test_dinos_rule_is_not_the_plain_resize():
    positions = torch.randn(1, 785, 3, generator=torch.Generator().manual_seed(0))
    square = positions[:, 1:].reshape(1, 28, 28, 3).permute(0, 3, 1, 2)
    plain = torch.nn.functional.interpolate(square, size=(32, 32), mode="bicubic").flatten(2).transpose(1, 2)
    assert (resize_positions(positions, (32, 32))[:, 1:] - plain).abs().max() > 0.05


def test_at_the_size_of_training_position_embeddings_stay_as_they_are():
    positions = torch.randn(1, 197, 3)
    assert resize_positions(positions, (14, 14)) is positions


@torch.inference_mode()
def test_the_vector_is_the_class_token_after_the_final_norm(network):
    theirs = timm.create_model("vit_small_patch16_224", num_classes=0).eval()
    theirs.load_state_dict(dino_state(NAME))
    batch = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    tokens = theirs.forward_features(batch)
    found = final_cls(network, batch)
    torch.testing.assert_close(found, tokens[:, 0], atol=1e-5, rtol=1e-5)
    assert (found - tokens[:, 1:].mean(dim=1)).abs().max() > 0.1  # nor the mean of the patches
    assert found.std() > 0 and (found.norm(dim=1) - 1).abs().min() > 0.1  # raw, not of length one


@torch.inference_mode()
def test_at_256_pixels_only_the_position_embeddings_differ_from_timm(network):
    theirs = timm.create_model("vit_small_patch16_224", num_classes=0, img_size=256).eval()
    state = dino_state(NAME)
    state["pos_embed"] = resize_positions(state["pos_embed"], (16, 16))
    theirs.load_state_dict(state)
    batch = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(final_cls(network, batch), theirs.forward_features(batch)[:, 0], atol=1e-5, rtol=1e-5)


def test_one_crop_and_eight_give_the_same_vectors(encoder):
    eight = crops(8)
    together = encoder.encode(eight)
    assert together.shape == (8, 384) and together.dtype == np.float32
    one_by_one = np.concatenate([encoder.encode([crop]) for crop in eight[:3]])
    np.testing.assert_allclose(together[:3], one_by_one, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_encoding_is_preprocessing_then_the_network_and_repeats_to_the_byte(encoder, network):
    crop = crops(1, seed=5)[0]
    pixels = preprocess(crop, 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.inference_mode():
        expected = final_cls(network, torch.from_numpy(pixels)[None]).numpy()
    np.testing.assert_array_equal(encoder.encode([crop]), expected)
    np.testing.assert_array_equal(encoder.encode([crop]), encoder.encode([crop]))


def test_no_crops_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_the_dense_map_keeps_the_aspect_ratio_in_whole_patches(encoder):
    wide, tall = np.zeros((50, 100, 3), np.uint8), np.zeros((300, 30, 3), np.uint8)
    maps = encoder.dense([wide, tall], longer_side=160)
    assert [m.shape for m in maps] == [(5, 10, 384), (10, 1, 384)]


@torch.inference_mode()
def test_the_dense_map_holds_the_keys_that_the_last_block_attends_with(network):
    seen = []
    hook = network.blocks[-1].attn.qkv.register_forward_hook(lambda _, __, out: seen.append(out))
    batch = torch.randn(1, 3, 48, 80, generator=torch.Generator().manual_seed(2))
    final_cls(network, batch)
    hook.remove()
    keys = seen[0].reshape(1, 16, 3, 6, 64)[0, 1:, 1].reshape(3, 5, 384)  # token 0 is the class's; 6 heads of 64
    torch.testing.assert_close(last_keys(network, batch), keys, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_the_tokens_are_the_patches_after_the_final_norm(network):
    theirs = timm.create_model("vit_small_patch16_224", num_classes=0).eval()
    theirs.load_state_dict(dino_state(NAME))
    batch = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(3))
    tokens = theirs.forward_features(batch)[0, 1:].reshape(14, 14, 384)
    torch.testing.assert_close(final_tokens(network, batch), tokens, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_the_attention_is_the_row_of_the_class_token_in_timms_own_matrix(network):
    seen = []
    attention = network.blocks[-1].attn
    attention.fused_attn = False  # the matrix is then made, and goes through the drop-out
    hook = attention.attn_drop.register_forward_hook(lambda _, __, out: seen.append(out))
    batch = torch.randn(1, 3, 48, 80, generator=torch.Generator().manual_seed(4))
    final_cls(network, batch)
    hook.remove()
    found = class_attention(network, batch)
    torch.testing.assert_close(found, seen[0][0, :, 0, 1:].reshape(6, 3, 5), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.sum(dim=(1, 2)) + seen[0][0, :, 0, 0], torch.ones(6))


def test_keys_tokens_and_attention_have_the_same_cells(encoder):
    image = crops(1, seed=6)[0]
    keys, tokens, attention = (
        encoder.dense([image], 160)[0],
        encoder.dense([image], 160, "tokens")[0],
        encoder.attention([image], 160)[0],
    )
    assert keys.shape == tokens.shape == (*attention.shape[1:], 384) and attention.shape[0] == 6
    assert np.abs(keys - tokens).max() > 0.1 and attention.dtype == np.float32


def test_an_encoder_states_its_name_sizes_and_weights(encoder):
    assert (encoder.name, encoder.dim, encoder.crop_size) == (NAME, 384, 256)
    assert encoder.weights_sha256 == file_sha256(locate(NAME))
    settings, digests = encoder_fingerprint(NAME)
    assert digests == {NAME: encoder.weights_sha256}
    assert settings["encoder"] == NAME and settings["crop_size"] == 256


def test_half_precision_weights_are_computed_in_single_precision(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    half = {key: value.half() for key, value in dino_state(NAME).items()}
    torch.save(half, tmp_path / "dino_deitsmall16_pretrain.pth")
    assert {p.dtype for p in load_network(NAME).parameters()} == {torch.float32}


def test_missing_weights_and_unknown_encoders_are_told_apart(weights_here):
    with pytest.raises(WeightsError, match="comus weights download dino-vitb8"):
        load_encoder("dino-vitb8")
    with pytest.raises(SettingsError, match=r"'resnet18': choose one of dinov2-vits14, .*file:PATH"):
        load_encoder("resnet18")

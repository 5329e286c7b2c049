"""DINOv2's files: names, the proof of what a file holds, and its check wherever one comes from."""

import hashlib
from dataclasses import replace

import pytest
import safetensors.torch
import timm
import torch

from comus_core.errors import WeightsError
from comus_core.weights import dinov2_file
from comus_core.weights.download import download_weights
from comus_core.weights.loading import load_network
from comus_core.weights.registry import REGISTRY
from comus_core.weights.sources import UrlSource
from comus_core.weights.state_dicts import read_state_dict
from comus_core.weights.store import import_weights, is_available
from tests.weights.dinov2_keys import WIDTHS, hugging_face_shapes, published_shapes, random_state

S, B = "dinov2-vits14", "dinov2-vitb14"


@pytest.fixture(scope="module")
def state():
    """A ViT-S/14 file's content, random, with the published names and shapes."""
    return random_state(published_shapes(S))


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    """The same as the authors would publish it."""
    path = tmp_path_factory.mktemp("published") / "dinov2_vits14_pretrain.pth"
    torch.save(state, path)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def expecting(monkeypatch, name, sha256, of_hugging_face=None, **facts):
    """The registry with the digests of random weights in place of the published ones, which cannot be had here."""
    check = dinov2_file.published(sha256, of_hugging_face)
    entry = replace(REGISTRY[name], sha256=sha256, check=check, **{"n_bytes": None} | facts)
    monkeypatch.setitem(REGISTRY._builtin, name, entry)


@pytest.mark.parametrize("name", WIDTHS)
def test_the_network_has_exactly_the_published_tensors_but_the_mask_token(name):
    with torch.device("meta"):
        ours = {key: tuple(value.shape) for key, value in REGISTRY[name].network().state_dict().items()}
    expected = published_shapes(name)
    assert expected.pop("mask_token") == (1, WIDTHS[name]) and len(ours) == 174
    assert ours == expected


def test_the_facts_are_those_of_the_authors_and_of_timm():
    for name, models in {S: "vit_small_patch14_dinov2.lvd142m", B: "vit_base_patch14_dinov2.lvd142m"}.items():
        said, file = timm.get_pretrained_cfg(models), REGISTRY[name]
        assert file.source == UrlSource(said.url) and said.license == file.licence.lower()
        assert (file.supervision.direct, file.supervision.inherited) == ("none", "none")
    assert REGISTRY[S].n_bytes == 88_283_115
    assert REGISTRY[S].sha256 == "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"
    assert REGISTRY[B].sha256 == "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"


def test_names_go_to_hugging_face_and_back_without_a_change(state):
    theirs = dinov2_file.to_hugging_face(state)
    assert {name: tuple(tensor.shape) for name, tensor in theirs.items()} == hugging_face_shapes(S)
    assert not theirs["embeddings.mask_token"].any()
    width = 384
    for row, part in enumerate(("query", "key", "value")):
        third = state["blocks.3.attn.qkv.weight"][row * width : (row + 1) * width]
        assert torch.equal(theirs[f"encoder.layer.3.attention.attention.{part}.weight"], third)
    assert torch.equal(theirs["encoder.layer.11.layer_scale2.lambda1"], state["blocks.11.ls2.gamma"])
    back = dinov2_file.to_published(theirs, {}, "a file")
    assert back.keys() == state.keys() - {"mask_token"}
    assert all(torch.equal(back[name], state[name]) for name in back)


def test_what_hugging_face_would_save_has_its_bytes_whatever_the_container(state, file, tmp_path):
    content = dinov2_file.hugging_face_bytes(state)
    assert len(content) == 88_249_960  # of facebook/dinov2-small
    header = int.from_bytes(content[:8], "little")
    assert b'"__metadata__":{"format":"pt"}' in content[8 : 8 + header]
    safetensors.torch.save_file(dict(reversed(state.items())), tmp_path / "timm.safetensors")
    torch.save({"teacher": {f"module.backbone.{k}": v for k, v in state.items()}}, tmp_path / "wrapped.pth")
    (tmp_path / "theirs.safetensors").write_bytes(content)
    proof = hashlib.sha256(content).hexdigest()
    for path in (file, tmp_path / "timm.safetensors", tmp_path / "wrapped.pth", tmp_path / "theirs.safetensors"):
        tensors = dinov2_file.to_published(read_state_dict(path), {}, path.name)
        assert dinov2_file.hugging_face_sha256(tensors) == proof
    other = state | {"norm.bias": state["norm.bias"] + 1e-6}
    assert dinov2_file.hugging_face_sha256(other) != proof
    with pytest.raises(WeightsError, match="tensor register_tokens is none of DINOv2"):
        dinov2_file.hugging_face_sha256(state | {"register_tokens": torch.zeros(1, 4, 384)})


def test_random_weights_of_the_true_shapes_are_refused_wherever_they_lie(weights_here, file, state, tmp_path):
    with pytest.raises(WeightsError, match=r"dinov2_vits14_pretrain\.pth does not hold the published tensors"):
        import_weights(S, file)
    assert not is_available(S)
    weights_here.mkdir(exist_ok=True)
    (weights_here / file.name).hardlink_to(file)  # laid there by hand
    with pytest.raises(WeightsError, match=r"not b938bf1b.*not ae1e99fc"):
        load_network(S)
    with pytest.raises(WeightsError, match=r"is not the published file: its SHA-256 is .*, not 0b8b82f8"):
        import_weights(B, file)


def test_the_published_file_and_hugging_faces_give_the_same_network(weights_here, file, state, tmp_path, monkeypatch):
    content = dinov2_file.hugging_face_bytes(state)
    expecting(monkeypatch, S, sha256(file), hashlib.sha256(content).hexdigest())
    assert import_weights(S, file).name == "dinov2_vits14_pretrain.pth"
    first = load_network(S).state_dict()
    (tmp_path / "model.safetensors").write_bytes(content)
    assert import_weights(S, tmp_path / "model.safetensors").name == "dinov2_vits14_pretrain.safetensors"
    second = load_network(S).state_dict()
    assert first.keys() == second.keys() == state.keys() - {"mask_token"}
    assert all(torch.equal(first[k], second[k]) and torch.equal(first[k], state[k]) for k in first)


def test_a_download_is_checked_by_its_bytes_and_its_hash(weights_here, file, monkeypatch):
    there = UrlSource(file.as_uri())
    expecting(monkeypatch, S, sha256(file), source=there, n_bytes=file.stat().st_size)
    assert download_weights(S).read_bytes() == file.read_bytes()
    expecting(monkeypatch, S, "0" * 64, source=there)
    with pytest.raises(WeightsError, match=f"SHA-256 is {sha256(file)}, not the published 0000"):
        download_weights(S)
    expecting(monkeypatch, S, sha256(file), source=there, n_bytes=88_283_115)
    with pytest.raises(WeightsError, match=r"bytes came, not the published 88,283,115"):
        download_weights(S)


def test_a_layer_without_its_keys_is_refused_by_name(state):
    theirs = dinov2_file.to_hugging_face(state)
    del theirs["encoder.layer.2.attention.attention.key.bias"]
    with pytest.raises(
        WeightsError, match=r"model does not fit: encoder\.layer\.2\.attention\.attention\.key\.bias missing"
    ):
        dinov2_file.to_published(theirs, {}, "model")

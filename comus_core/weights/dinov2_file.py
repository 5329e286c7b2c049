"""DINOv2's files: two namings of the same tensors, and the proof that a file holds the published ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from comus_core.errors import WeightsError
from comus_core.files.atomic import sha256_of
from comus_core.weights.architectures import State

if TYPE_CHECKING:
    from torch import Tensor

MASK = "mask_token"  # used in training alone: it takes the place of patches that are hidden
_HF_MASK = "embeddings.mask_token"
_OUTER = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
    "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
    "norm.weight": "layernorm.weight",
    "norm.bias": "layernorm.bias",
}
_INNER = {  # of a block; what is not named here is called alike
    "attn.proj": "attention.output.dense",
    "ls1.gamma": "layer_scale1.lambda1",
    "ls2.gamma": "layer_scale2.lambda1",
}
_QKV = "attn.qkv"
_PARTS = tuple(f"attention.attention.{part}" for part in ("query", "key", "value"))
_OF_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_OF_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)")


def to_hugging_face(state: State) -> dict[str, Tensor]:
    """The tensors under Hugging Face's names: queries, keys and values apart, and a `mask_token` of zeros.

    Args:
        state: under the authors' names, which are timm's too; with or without `mask_token`.

    Raises:
        WeightsError: a tensor that DINOv2 without registers does not have.
    """
    import torch

    named: dict[str, Tensor] = {_HF_MASK: torch.zeros(1, state["cls_token"].shape[-1])} if "cls_token" in state else {}
    for name, tensor in state.items():
        if found := _OF_BLOCK.fullmatch(name):
            named |= _layer(f"encoder.layer.{found[1]}", found[2], tensor)
        elif name in _OUTER:
            named[_OUTER[name]] = tensor
        elif name != MASK:
            raise WeightsError(f"tensor {name} is none of DINOv2 without registers")
    return named


def to_published(state: State, expected: State, called: str) -> State:
    """The tensors under the authors' names, which are timm's too, without `mask_token`; Hugging Face's are renamed.

    Raises:
        WeightsError: queries, keys and values of a layer are not all there.
    """
    if _OUTER["cls_token"] not in state:
        return {name: tensor for name, tensor in state.items() if name != MASK}
    outer = {theirs: ours for ours, theirs in _OUTER.items()}
    named: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if found := _OF_LAYER.fullmatch(name):
            named |= _block(f"blocks.{found[1]}", f"encoder.layer.{found[1]}", found[2], state, called)
        elif name != _HF_MASK:
            named[outer.get(name, name)] = tensor
    return named


def hugging_face_sha256(state: State) -> str:
    """SHA-256 of the safetensors file that Hugging Face would publish of these tensors, whatever they came in.

    `safetensors` orders tensors itself, so that the same tensors always give the same bytes.

    Raises:
        WeightsError: a tensor that DINOv2 without registers does not have.
    """
    return hashlib.sha256(hugging_face_bytes(state)).hexdigest()


def hugging_face_bytes(state: State) -> bytes:
    """That file's bytes; raises as `hugging_face_sha256`."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in to_hugging_face(state).items()}
    return save(tensors, metadata={"format": "pt"})


def published(sha256: str, of_hugging_face: str | None) -> Callable[[Path, str], None]:
    """A check that a file is the authors' own, or holds the very tensors that Hugging Face publishes.

    Args:
        sha256: of the authors' file.
        of_hugging_face: of Hugging Face's `model.safetensors`; None where it is not known, so that only the authors'
            file passes.
    """

    def check(file: Path, called: str) -> None:
        from comus_core.weights.state_dicts import read_state_dict

        known = [digest for digest in (sha256, of_hugging_face) if digest is not None]
        found = sha256_of(file)
        if found in known:
            return
        if of_hugging_face is None:
            raise WeightsError(
                f"{called} is not the published file: its SHA-256 is {found}, not {sha256}; fetch that file again"
            )
        tensors = hugging_face_sha256(to_published(read_state_dict(file, called), {}, called))
        if tensors != of_hugging_face:
            raise WeightsError(
                f"{called} does not hold the published tensors: its SHA-256 is {found}, not {sha256}, and saved as "
                f"Hugging Face does it would be {tensors}, not {of_hugging_face}; fetch the published file"
            )

    return check


def _layer(layer: str, name: str, tensor: Tensor) -> dict[str, Tensor]:
    part, _, kind = name.rpartition(".")
    if part == _QKV:
        thirds = tensor.chunk(3, dim=0)
        return {f"{layer}.{third}.{kind}": value for third, value in zip(_PARTS, thirds, strict=True)}
    if name in _INNER:
        return {f"{layer}.{_INNER[name]}": tensor}
    return {f"{layer}.{_INNER.get(part, part)}.{kind}": tensor}


def _block(block: str, layer: str, name: str, state: State, called: str) -> Mapping[str, Tensor]:
    import torch

    inner = {theirs: ours for ours, theirs in _INNER.items()}
    part, _, kind = name.rpartition(".")
    if part in _PARTS:
        names = [f"{layer}.{third}.{kind}" for third in _PARTS]
        if absent := [third for third in names if third not in state]:
            raise WeightsError(f"{called} does not fit: {', '.join(absent)} missing beside {layer}.{name}")
        return {f"{block}.{_QKV}.{kind}": torch.cat([state[third] for third in names])}
    if name in inner:
        return {f"{block}.{inner[name]}": state[f"{layer}.{name}"]}
    return {f"{block}.{inner.get(part, part)}.{kind}": state[f"{layer}.{name}"]}

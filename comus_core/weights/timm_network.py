"""A model of timm looked into, and built for its weights. `python -m` prints its facts as JSON."""

from __future__ import annotations

import difflib
import json
import math
import sys
from typing import TYPE_CHECKING, Any

import timm
import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from comus_core.errors import WeightsError

if TYPE_CHECKING:
    from comus_core.weights.architectures import State

HUB = "https://huggingface.co/{}/resolve/main/{}"


def build(name: str, device: str = "cpu") -> Any:
    """The untrained model with its classifier, in eval mode, open to images of any size where timm offers that.

    On "meta" it is without memory; `torch.device` around the call changes nothing, for buffers that are not in the file
    of the weights must be made here.
    """
    with torch.device(device):
        try:
            network = timm.create_model(name, pretrained=False, dynamic_img_size=True)
        except TypeError:  # a model that knows no such option
            network = timm.create_model(name, pretrained=False)
    return network.eval()


def renamed(name: str, state: State, expected: State, called: str) -> State:
    """A file's tensors under the model's names: as they are, or as timm itself would rename another code's.

    Raises:
        WeightsError: timm cannot.
    """
    if state.keys() == expected.keys():
        return state
    network = build(name, "meta")
    rename = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    try:
        return dict(rename(dict(state), network)) if rename is not None else state
    except Exception as error:  # whatever a foreign file makes timm's functions raise
        raise WeightsError(f"{called} does not fit '{name}': {type(error).__name__}: {error}") from None


def measure(name: str) -> dict[str, Any]:
    """The fields of `TimmFacts`, or `error`: why there are none. Nothing is computed but shapes."""
    known = timm.list_models(pretrained=True)
    if not timm.is_model(name) or not any(name in (full, full.partition(".")[0]) for full in known):
        near = difflib.get_close_matches(name, known, 3, 0.5)
        hint = f", such as {', '.join(near)}" if near else ""
        return {"error": f"timm {timm.__version__} has no model of that name with weights{hint}"}
    try:
        return _measured(build(name, "meta"))
    except Exception as error:  # of a network that no one here has seen
        return {"error": f"its vectors cannot be read: {type(error).__name__}: {error}".splitlines()[0]}


def _measured(network: Any) -> dict[str, Any]:
    said, config = network.pretrained_cfg, resolve_model_data_config(network)
    channels, height, width = config["input_size"]
    if channels != 3 or height != width:
        return {"error": f"it takes images of {width} x {height} with {channels} channels, not RGB squares"}
    with FlopCounterMode(display=False) as counter:
        features = network.forward_features(torch.empty(1, 3, height, width, device="meta"))
        vectors = network.forward_head(features, pre_logits=True)
    if vectors.ndim != 2:
        return {"error": f"it gives {tuple(vectors.shape)} for an image, not one vector"}
    cells = _cells(network, features, height)
    patch = cells["patch"]
    any_size = bool(cells["features"]) and _takes(network, height + 2 * patch, height + patch)
    tokens = features.shape[1] if any_size and cells["features"] == "tokens" else 0
    return {
        "name": ".".join(part for part in (said["architecture"], said.get("tag")) if part),
        "url": HUB.format(said["hf_hub_id"], said.get("hf_hub_filename") or "model.safetensors")
        if said.get("hf_hub_id")
        else said["url"],
        "licence": said.get("license") or "",
        "size": height,
        **{key: config[key] for key in ("mean", "std", "interpolation", "crop_mode", "crop_pct")},
        "dim": vectors.shape[1],
        "pooling": _pooling(network),
        **cells,
        "any_size": any_size,
        **_attention(network, height, tokens),
        "gflop": counter.get_total_flops() / 1e9,
    }


def last_attention(network: Any) -> Any:
    """The attention of the last block; None where there is none."""
    blocks = getattr(network, "blocks", None)
    return getattr(blocks[-1], "attn", None) if isinstance(blocks, nn.Sequential | nn.ModuleList) and blocks else None


def last_qkv(network: Any, batch: Tensor) -> Tensor | None:
    """Queries, keys and values of the last block side by side, (n, tokens, 3 d); None where no one layer makes them."""
    attention, seen = last_attention(network), []
    qkv = getattr(attention, "qkv", None)
    if not isinstance(qkv, nn.Linear) or getattr(attention, "q_bias", None) is not None:  # a bias added elsewhere
        return None
    hook = qkv.register_forward_hook(lambda _, __, triple: seen.append(triple))
    try:
        network.forward_features(batch)
    finally:
        hook.remove()
    return seen[0] if seen and seen[0].ndim == 3 and seen[0].shape[2] % 3 == 0 else None


def attention_matrix(network: Any, batch: Tensor) -> Tensor | None:
    """The last block's attention, (n, heads, tokens, tokens); None where it cannot be read.

    Without its fused kernel timm makes the matrix, and sends it through the drop-out, which does nothing here.
    """
    attention, seen = last_attention(network), []
    if not hasattr(attention, "fused_attn") or not isinstance(getattr(attention, "attn_drop", None), nn.Module):
        return None
    fused, attention.fused_attn = attention.fused_attn, False
    hook = attention.attn_drop.register_forward_hook(lambda _, __, matrix: seen.append(matrix))
    try:
        network.forward_features(batch)
    finally:
        hook.remove()
        attention.fused_attn = fused
    return seen[0] if seen and seen[0].ndim == 4 else None


def _cells(network: Any, features: Any, size: int) -> dict[str, Any]:
    none = {"features": "", "patch": 1, "prefix": 0}
    if not isinstance(features, Tensor):
        return none
    if features.ndim == 4:
        last = str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC")
        return {"features": "nhwc" if last else "nchw", "patch": _stride(network, size, features, last), "prefix": 0}
    prefix = getattr(network, "num_prefix_tokens", 0)
    cells = features.shape[1] - prefix if features.ndim == 3 else 0
    side = math.isqrt(max(0, cells))
    return {"features": "tokens", "patch": size // side, "prefix": prefix} if side and side * side == cells else none


def _stride(network: Any, size: int, features: Tensor, last: bool) -> int:
    """Pixels under a cell: the stride that timm states, which 176 pixels and 6 cells do not give."""
    side = features.shape[1 if last else 2]
    info = getattr(network, "feature_info", None)
    stated = info[-1].get("reduction", 0) if isinstance(info, list) and info else 0
    return stated if stated and math.ceil(size / stated) == side else size // side


def _takes(network: Any, height: int, width: int) -> bool:
    try:
        network.forward_features(torch.empty(1, 3, height, width, device="meta"))
    except Exception:  # each network refuses other sizes in its own way
        return False
    return True


def _attention(network: Any, size: int, tokens: int) -> dict[str, Any]:
    """What can be read of the last block, where it attends from each of the final tokens to each."""
    batch, heads = torch.empty(1, 3, size, size, device="meta"), getattr(last_attention(network), "num_heads", 0)
    qkv = last_qkv(network, batch) if tokens else None
    keys = qkv is not None and qkv.shape[1] == tokens
    has_class = tokens and getattr(network, "cls_token", None) is not None
    matrix = attention_matrix(network, batch) if has_class else None
    attention = matrix is not None and tuple(matrix.shape[1:]) == (heads, tokens, tokens)
    return {"keys": keys, "attention": attention, "heads": heads if keys or attention else 0}


def _pooling(network: Any) -> str:
    pool = getattr(network, "global_pool", None) or getattr(getattr(network, "head", None), "global_pool", None)
    kind = getattr(pool, "pool_type", pool)
    return kind if isinstance(kind, str) else "timm's own"


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))

"""DINO's vision transformers as encoders (Caron et al., ICCV 2021): the paper's is ViT-S/8."""

from __future__ import annotations

from typing import Final

from comus_core.features.spec import Encoder, EncoderSpec, Read

READ: Final[Read] = {
    "layer": "the last block, after the final norm",
    "pooling": "class token",
    "positions": "bicubic by the factor (cells + 0.1) / cells of the training",
}


def load(spec: EncoderSpec, device: str) -> Encoder:
    """The class token of the last block for a crop, the last block's keys or tokens for a dense map.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    from comus_core.features import vit
    from comus_core.features.network_encoder import Views, load_network_encoder

    views = Views(vit.final_cls, vit.last_keys, vit.final_tokens, vit.class_attention)
    return load_network_encoder(spec, device, views)


def _vit(size: str, patch: int, dim: int, rank: int, gflop: float, note: str = "") -> EncoderSpec:
    name, batch_size = f"dino-vit{size.lower()}{patch}", 8 if (size, patch) != ("S", 16) else 16
    return EncoderSpec(
        name,
        f"DINO ViT-{size}/{patch}{note}",
        load,
        dim,
        crop_size=256,
        patch=patch,
        has_attention=True,
        heads=dim // 64,
        batch_size=batch_size,
        weights=name,
        rank=rank,
        gflop=gflop,
        **READ,
    )


VITS8 = _vit("S", 8, 384, 10, 63.0, ", 800 epochs, as in the paper")
VITS16 = _vit("S", 16, 384, 20, 12.0, ", 800 epochs")
VITB8 = _vit("B", 8, 768, 30, 213.0)
VITB16 = _vit("B", 16, 768, 40, 47.0)

"""DINO's vision transformers as encoders (Caron et al., ICCV 2021): the paper's is ViT-S/8."""

from __future__ import annotations

from comus_core.features.spec import Encoder, EncoderSpec


def load(spec: EncoderSpec, device: str) -> Encoder:
    """The class token of the last block for a crop, the last keys for a dense map.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    from comus_core.features import vit
    from comus_core.features.network_encoder import load_network_encoder

    return load_network_encoder(spec, device, vit.final_cls, vit.last_keys)


def _vit(size: str, patch: int, dim: int, rank: int, gflop: float, note: str = "") -> EncoderSpec:
    name, batch_size = f"dino-vit{size.lower()}{patch}", 8 if (size, patch) != ("S", 16) else 16
    return EncoderSpec(
        name,
        f"DINO ViT-{size}/{patch}{note}",
        load,
        dim,
        crop_size=256,
        patch=patch,
        dense_dim=dim,
        batch_size=batch_size,
        weights=name,
        rank=rank,
        gflop=gflop,
    )


VITS8 = _vit("S", 8, 384, 10, 63.0, ", 800 epochs, as in the paper")
VITS16 = _vit("S", 16, 384, 20, 12.0, ", 800 epochs")
VITB8 = _vit("B", 8, 768, 30, 213.0)
VITB16 = _vit("B", 16, 768, 40, 47.0)

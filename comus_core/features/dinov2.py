"""DINOv2's vision transformers as encoders (Oquab et al., TMLR 2024), trained without any label."""

from __future__ import annotations

from comus_core.features import dino
from comus_core.features.spec import EncoderSpec


def _vit(size: str, dim: int, rank: int, gflop: float) -> EncoderSpec:
    name = f"dinov2-vit{size.lower()}14"
    return EncoderSpec(
        name,
        f"DINOv2 ViT-{size}/14",
        dino.load,  # LayerScale is in its blocks; all else is read as from DINO, position embeddings included
        dim,
        crop_size=224,
        patch=14,
        has_attention=True,
        heads=dim // 64,
        batch_size=16,
        weights=name,
        rank=rank,
        gflop=gflop,
        keys_for_cuts=False,
        **dino.READ,
    )


VITS14 = _vit("S", 384, 5, 12.2)
VITB14 = _vit("B", 768, 45, 46.3)

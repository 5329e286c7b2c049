"""DINO's published tensor names and shapes, written out from its description, not read from our network."""

import torch

SHAPES = {  # name: (width, patch in pixels, position tokens)
    "dino-vits8": (384, 8, 785),
    "dino-vits16": (384, 16, 197),
    "dino-vitb8": (768, 8, 785),
    "dino-vitb16": (768, 16, 197),
}


def dino_shapes(name):
    width, patch, tokens = SHAPES[name]
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, tokens, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
    }
    for block in range(12):
        layers = {
            "norm1": (width,),
            "attn.qkv": (3 * width, width),
            "attn.proj": (width, width),
            "norm2": (width,),
            "mlp.fc1": (4 * width, width),
            "mlp.fc2": (width, 4 * width),
        }
        for layer, shape in layers.items():
            shapes[f"blocks.{block}.{layer}.weight"] = shape
            shapes[f"blocks.{block}.{layer}.bias"] = shape[:1]
    return shapes | {"norm.weight": (width,), "norm.bias": (width,)}


def dino_state(name, seed=0):
    """Random weights large enough that every layer leaves its trace in the result."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in dino_shapes(name).items():
        value = torch.randn(shape, generator=generator)
        is_norm_scale = "norm" in key and key.endswith("weight")
        state[key] = 1 + 0.1 * value if is_norm_scale else value * (0.05 if len(shape) > 1 else 0.02)
    return state

"""DINOv2's published tensor names and shapes, and Hugging Face's, written out, not read from our network."""

import torch

WIDTHS = {"dinov2-vits14": 384, "dinov2-vitb14": 768}
POSITIONS = 1 + 37 * 37  # at 518 pixels
LAYERS = {  # of a block: authors' name -> (Hugging Face's, shape of the weight in widths)
    "norm1": ("norm1", (1,)),
    "attn.proj": ("attention.output.dense", (1, 1)),
    "norm2": ("norm2", (1,)),
    "mlp.fc1": ("mlp.fc1", (4, 1)),
    "mlp.fc2": ("mlp.fc2", (1, 4)),
}


def published_shapes(name):
    """The authors' file, `mask_token` included."""
    width = WIDTHS[name]
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, POSITIONS, width),
        "mask_token": (1, width),
        "patch_embed.proj.weight": (width, 3, 14, 14),
        "patch_embed.proj.bias": (width,),
    }
    for block in range(12):
        for layer, (_, times) in {**LAYERS, "attn.qkv": ("", (3, 1))}.items():
            shapes[f"blocks.{block}.{layer}.weight"] = tuple(width * t for t in times)
            shapes[f"blocks.{block}.{layer}.bias"] = (width * times[0],)
        shapes |= {f"blocks.{block}.ls{n}.gamma": (width,) for n in (1, 2)}
    return shapes | {"norm.weight": (width,), "norm.bias": (width,)}


def hugging_face_shapes(name):
    """The `model.safetensors` of `facebook/dinov2-*`."""
    width = WIDTHS[name]
    shapes = {
        "embeddings.cls_token": (1, 1, width),
        "embeddings.mask_token": (1, width),
        "embeddings.position_embeddings": (1, POSITIONS, width),
        "embeddings.patch_embeddings.projection.weight": (width, 3, 14, 14),
        "embeddings.patch_embeddings.projection.bias": (width,),
    }
    for layer in range(12):
        before = f"encoder.layer.{layer}"
        for theirs, times in LAYERS.values():
            shapes[f"{before}.{theirs}.weight"] = tuple(width * t for t in times)
            shapes[f"{before}.{theirs}.bias"] = (width * times[0],)
        for part in ("query", "key", "value"):
            shapes[f"{before}.attention.attention.{part}.weight"] = (width, width)
            shapes[f"{before}.attention.attention.{part}.bias"] = (width,)
        shapes |= {f"{before}.layer_scale{n}.lambda1": (width,) for n in (1, 2)}
    return shapes | {"layernorm.weight": (width,), "layernorm.bias": (width,)}


def random_state(shapes, seed=0):
    """Random weights large enough that every layer leaves its trace in the result."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in shapes.items():
        value = torch.randn(shape, generator=generator)
        scale = 0.05 if len(shape) > 1 else 0.02
        state[key] = 1 + 0.1 * value if "norm" in key and key.endswith("weight") else value * scale
        if "gamma" in key or "lambda1" in key:
            state[key] = 0.5 + 0.1 * value
    return state

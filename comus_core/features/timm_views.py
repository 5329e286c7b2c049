"""What is read from a model of timm, whatever it is built of."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from timm.data import create_transform
from torch import Tensor

from comus_core.errors import SettingsError
from comus_core.features.network_encoder import View, Views
from comus_core.features.spec import EncoderSpec
from comus_core.types import FloatArray, RgbImage
from comus_core.weights.timm_facts import PREFIX, TimmFacts
from comus_core.weights.timm_network import attention_matrix, last_qkv


def views(facts: TimmFacts) -> Views:
    """The model's own input and pooling; keys, tokens and attention where it has them."""
    transform: Any = create_transform(
        input_size=(3, facts.size, facts.size),
        interpolation=facts.interpolation,
        mean=facts.mean,
        std=facts.std,
        crop_pct=facts.crop_pct,
        crop_mode=facts.crop_mode,
        is_training=False,
    )

    def pixels(spec: EncoderSpec, crop: RgbImage) -> FloatArray:
        prepared: FloatArray = np.asarray(transform(Image.fromarray(crop)), np.float32)
        return prepared

    last = _last(facts)
    keys = _keys(facts) if facts.keys else last
    return Views(pooled, keys, last, _attention(facts) if facts.attention else None, pixels)


def pooled(network: Any, batch: Tensor) -> Tensor:
    """What the model's classifier would read, (n, 3, s, s) -> (n, dim)."""
    vectors: Tensor = network.forward_head(network.forward_features(batch), pre_logits=True)
    return vectors


def _last(facts: TimmFacts) -> View:
    def read(network: Any, batch: Tensor) -> Tensor:
        if not facts.any_size:
            raise SettingsError(
                f"encoder '{PREFIX}{facts.name}' has no map of an image: it takes squares of {facts.size} pixels "
                "alone; choose a convolutional network or another vision transformer, such as dino-vits16"
            )
        features: Tensor = network.forward_features(batch)[0]
        if facts.features == "tokens":
            return _in_cells(facts, batch, features[facts.prefix :])
        return features.permute(1, 2, 0) if facts.features == "nchw" else features

    return read


def _keys(facts: TimmFacts) -> View:
    def read(network: Any, batch: Tensor) -> Tensor:
        triple = last_qkv(network, batch)
        assert triple is not None, f"the facts say that {facts.name} has keys"
        return _in_cells(facts, batch, triple[0].chunk(3, dim=-1)[1][facts.prefix :])

    return read


def _attention(facts: TimmFacts) -> View:
    def read(network: Any, batch: Tensor) -> Tensor:
        matrix = attention_matrix(network, batch)
        assert matrix is not None, f"the facts say that {facts.name} has attention"
        return _in_cells(facts, batch, matrix[0, :, 0, facts.prefix :].T).permute(2, 0, 1)

    return read


def _in_cells(facts: TimmFacts, batch: Tensor, rows: Tensor) -> Tensor:
    """(h * w, d) as (h, w, d)."""
    return rows.reshape(batch.shape[2] // facts.patch, batch.shape[3] // facts.patch, -1)

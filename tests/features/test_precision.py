"""bfloat16: nearly the same vectors, told in the fingerprint, and refused where they would be others."""

import numpy as np
import pytest

from comus_core.config import FeatureSettings
from comus_core.errors import SettingsError
from comus_core.features import network_encoder
from comus_core.features.encoders import load_encoder, vectors_fingerprint
from comus_core.features.network_encoder import FAITHFUL, least_cosine

LITE0 = "efficientnet-lite0"


def crops():
    random = np.random.default_rng(1)
    return [np.kron(random.integers(0, 256, (9, 9, 3), np.uint8), np.ones((12, 12, 1), np.uint8)) for _ in range(3)]


def test_it_is_in_the_fingerprint_only_where_it_is_asked_for():
    plain, fast = (vectors_fingerprint(FeatureSettings(LITE0, precision=p))[0] for p in ("float32", "bfloat16"))
    assert "precision" not in plain and fast == plain | {"precision": "bfloat16"}


def test_vectors_are_nearly_the_same_or_it_is_refused(monkeypatch):
    exact = load_encoder(LITE0)
    monkeypatch.setattr(network_encoder, "FAITHFUL", 0.9)
    fast = load_encoder(LITE0, "cpu", "bfloat16")
    one, two = exact.encode(crops()), fast.encode(crops())
    assert one.dtype == two.dtype == np.float32 and not np.array_equal(one, two)
    assert least_cosine(one, two) > 0.99
    monkeypatch.setattr(network_encoder, "FAITHFUL", 1.1)
    with pytest.raises(SettingsError, match=r"cosine 0\.9\d+ to those of float32, less than 1.1: use float32"):
        load_encoder(LITE0, "cpu", "bfloat16")
    assert FAITHFUL == 0.999


def test_pixels_ahead_give_the_same_bytes():
    encoder = load_encoder(LITE0)
    assert np.array_equal(encoder.encode_pixels(encoder.pixels(crops())), encoder.encode(crops()))

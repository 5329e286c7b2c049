"""bfloat16: nearly the same vectors, told in the fingerprint, and refused where they would be others."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from comus_core.config import FeatureSettings
from comus_core.errors import SettingsError
from comus_core.features import precision
from comus_core.features.encoders import load_encoder, vectors_fingerprint
from comus_core.features.network_encoder import NetworkEncoder, Views, bytes_of_a_crop
from comus_core.features.precision import FAITHFUL, least_cosine
from comus_core.features.spec import EncoderSpec

LITE0 = "efficientnet-lite0"


def crops():
    random = np.random.default_rng(1)
    return [np.kron(random.integers(0, 256, (9, 9, 3), np.uint8), np.ones((12, 12, 1), np.uint8)) for _ in range(3)]


def test_it_is_in_the_fingerprint_only_where_it_is_asked_for():
    plain, fast = (vectors_fingerprint(FeatureSettings(LITE0, precision=p))[0] for p in ("float32", "bfloat16"))
    assert "precision" not in plain and fast == plain | {"precision": "bfloat16"}


def test_vectors_are_nearly_the_same_or_it_is_refused(monkeypatch):
    exact = load_encoder(LITE0)
    monkeypatch.setattr(precision, "FAITHFUL", 0.9)
    fast = load_encoder(LITE0, "cpu", "bfloat16")
    one, two = exact.encode(crops()), fast.encode(crops())
    assert one.dtype == two.dtype == np.float32 and not np.array_equal(one, two)
    assert least_cosine(one, two) > 0.99
    monkeypatch.setattr(precision, "FAITHFUL", 1.1)
    with pytest.raises(SettingsError, match=r"cosine 0\.9\d+ to those of float32, less than 1.1: use float32"):
        load_encoder(LITE0, "cpu", "bfloat16")
    assert FAITHFUL == 0.999


def test_pixels_ahead_give_the_same_bytes():
    encoder = load_encoder(LITE0)
    assert np.array_equal(encoder.encode_pixels(encoder.pixels(crops())), encoder.encode(crops()))


def small_encoder(**changes):
    """An encoder of one convolution that keeps 8 pixels square, and the mean of its output."""
    torch.manual_seed(0)
    spec = EncoderSpec("small", "", load=None, dim=4, crop_size=8, batch_size=4)
    views = Views(lambda network, batch: network(batch).mean((2, 3)), None, None)
    return replace(NetworkEncoder(spec, torch.nn.Conv2d(3, 4, 1).eval(), "cpu", "", views), **changes)


def test_what_a_crop_takes_is_measured_on_its_largest_layer():
    assert bytes_of_a_crop(small_encoder()) == 3 * (3 * 64 + 4 * 64) * 4


def test_batches_have_the_size_that_fits():
    sizes = []
    encoder = small_encoder(batch=2)
    views = replace(encoder.views, vectors=lambda network, batch: (sizes.append(len(batch)), batch.mean((2, 3)))[1])
    replace(encoder, views=views, spec=replace(encoder.spec, dim=3)).encode(crops() * 2)
    assert encoder.batch_size == 2 and sizes == [2, 2, 2]


def test_only_full_batches_are_compiled(monkeypatch):
    full = []

    def compiled(encoder):
        return lambda network, batch: (full.append(len(batch)), encoder.views.vectors(network, batch))[1]

    monkeypatch.setattr(precision, "_compiled", compiled)
    plain, fast = small_encoder(), precision.computing_in(small_encoder(), "float32-compiled")
    full.clear()
    assert np.array_equal(fast.encode(crops() * 2), plain.encode(crops() * 2)) and full == [4]  # of six crops


def test_a_fault_of_the_compiler_is_told(monkeypatch):
    def broken(network, batch):
        raise RuntimeError("no C++ compiler\nand more")

    monkeypatch.setattr(precision, "_compiled", lambda encoder: broken)
    with pytest.raises(SettingsError, match=r"torch cannot compile here \(no C\+\+ compiler\): use bfloat16"):
        precision.computing_in(small_encoder(), "bfloat16-compiled")


@pytest.mark.slow
def test_torch_compiles_full_batches():
    plain, fast = small_encoder(), precision.computing_in(small_encoder(), "float32-compiled")
    assert fast.compiled is not None and least_cosine(plain.encode(crops()), fast.encode(crops())) > 0.9999

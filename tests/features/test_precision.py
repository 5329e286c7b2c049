"""bfloat16: nearly the same vectors, told in the fingerprint, and refused where they would be others."""

from dataclasses import replace
from itertools import cycle, islice

import numpy as np
import pytest
import torch

from comus_core.config import FeatureSettings
from comus_core.datasets import reading
from comus_core.errors import CompilationError, SettingsError
from comus_core.features import precision
from comus_core.features.encoders import load_encoder, vectors_fingerprint
from comus_core.features.network_encoder import NetworkEncoder, Views, bytes_of_a_crop
from comus_core.features.precision import FAITHFUL, least_cosine
from comus_core.features.spec import EncoderSpec
from comus_core.machine import batch_size
from comus_core.machine.batch_size import batch_on
from comus_core.stages.vectors import encoded
from comus_core.workspace.shards import SHARD_SIZE

LITE0 = "efficientnet-lite0"


def crops():
    random = np.random.default_rng(1)
    return [np.kron(random.integers(0, 256, (9, 9, 3), np.uint8), np.ones((12, 12, 1), np.uint8)) for _ in range(3)]


def repeated(images, count):
    return islice(cycle(images), count)


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


def test_a_compiler_that_refuses_this_python_is_told(monkeypatch):
    def refuses(*_, **__):
        raise RuntimeError("torch.compile is not supported on Python 3.99+")

    monkeypatch.setattr(torch, "compile", refuses)
    with pytest.raises(CompilationError, match=r"cannot compile here \(torch.compile is not supported.*use float32"):
        precision.computing_in(small_encoder(), "float32-compiled")


def test_a_unit_of_images_of_one_proposal_each_is_compiled_as_a_whole_on_a_gpu(monkeypatch):
    monkeypatch.setattr(batch_size, "gpu_memory", lambda device: 80 * 2**30)
    seen, compiled = [], lambda network, batch: (seen.append(len(batch)), network(batch).mean((2, 3)))[1]
    encoder = small_encoder(batch=batch_on("cuda:0", 4, lambda: 2**20))
    fast, plain = replace(encoder, compiled=compiled), replace(encoder, batch=4)
    for count, sizes in ((SHARD_SIZE, [64]), (64 + 50, [64, 64]), (64 + 40, [64])):  # 50 are filled up, 40 are not
        seen.clear()
        found = encoded(fast, repeated(crops(), count), lambda _: None)
        assert seen == sizes and found.shape == (count, 4)
        np.testing.assert_allclose(found, encoded(plain, repeated(crops(), count), lambda _: None), rtol=1e-5)


def test_batches_are_full_however_large_the_crops(monkeypatch):
    monkeypatch.setattr(reading, "BATCH_PIXELS", 20_000)  # less than two of these crops
    seen = []
    views = Views(lambda network, batch: (seen.append(len(batch)), network(batch).mean((2, 3)))[1], None, None)
    encoded(small_encoder(views=views), repeated(crops(), 10), lambda _: None)
    assert seen == [4, 4, 2]


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_any_number_of_threads_gives_the_same_bytes(name, monkeypatch):
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(64, 32, 3),
        torch.nn.Flatten(),
        torch.nn.Linear(512, 4),
    ).eval()
    random, before, found = np.random.default_rng(2), torch.get_num_threads(), []
    images = [random.integers(0, 256, (9, 9, 3), np.uint8) for _ in range(23)]
    try:
        for threads in (1, 2, 8):
            torch.set_num_threads(threads)
            seen = []
            views = Views(lambda network, batch, seen=seen: (seen.append(len(batch)), network(batch))[1], None, None)
            batch = batch_on("cpu", 16, lambda: 2**20, threads)
            encoder = small_encoder(network=network, views=views, precision=name, batch=batch)
            found.append(encoded(encoder, iter(images), lambda _: None))
            assert sorted(seen) == [3, 4, 4, 4, 4, 4]  # also where there are more threads than groups
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(found[0], each) for each in found[1:])


def test_what_is_compiled_has_its_shape_whatever_memory_is_free(monkeypatch):
    monkeypatch.setattr(precision, "_compiled", lambda encoder: encoder.views.vectors)
    short = small_encoder(spec=replace(small_encoder().spec, batch_size=16, crop_size=56), batch=4)
    assert precision.computing_in(short, "float32-compiled").batch_size == 16


@pytest.mark.slow
def test_torch_compiles_full_batches():
    plain, fast = small_encoder(), precision.computing_in(small_encoder(), "float32-compiled")
    assert fast.compiled is not None and least_cosine(plain.encode(crops()), fast.encode(crops())) > 0.9999

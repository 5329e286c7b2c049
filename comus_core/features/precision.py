"""What an encoder computes in, and how: other ways than float32, kept only where the vectors stay what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle, islice
from typing import TypeVar

import numpy as np

from comus_core.config import Precision
from comus_core.errors import CompilationError
from comus_core.features.network_encoder import NetworkEncoder, View
from comus_core.features.spec import Encoder
from comus_core.settings import require
from comus_core.types import RgbImage, Vectors

T = TypeVar("T")
FAITHFUL = 0.999  # least cosine to the vectors of float32 that a faster way must keep
COMPILED = "-compiled"


def computing_in(encoder: Encoder, precision: Precision) -> Encoder:
    """The same encoder computing in another precision, or compiled, where its vectors stay what they are.

    Raises:
        CompilationError: torch cannot compile it here.
        SettingsError: it is no network of this program's kind, or drawn crops have other vectors: the cosine is told.
    """
    if precision == "float32":
        return encoder
    require(precision != "fastest", "features.precision fastest: a run resolves it first; name a precision here")
    require(isinstance(encoder, NetworkEncoder), f"encoder '{encoder.name}' computes in float32 alone")
    assert isinstance(encoder, NetworkEncoder)
    faster, drawn = replace(encoder, precision=precision), _drawn_crops(encoder.crop_size)
    if precision.endswith(COMPILED):
        faster = replace(faster, batch=compiled_batch(encoder))
        drawn = list(islice(cycle(drawn), faster.batch_size))  # full, or it would not be compiled
        faster = _compiling(faster, lambda: replace(faster, compiled=_compiled(encoder)))
        found = _compiling(faster, lambda: faster.encode(drawn))
    else:
        found = faster.encode(drawn)
    cosine = least_cosine(encoder.encode(drawn), found)
    require(
        cosine >= FAITHFUL,
        f"features.precision {precision}: vectors of encoder '{encoder.name}' have cosine {cosine:.4f} to those of "
        f"float32, less than {FAITHFUL}: use float32",
    )
    return faster


def compiled_batch(encoder: Encoder) -> int:
    """The crops of a batch for which an encoder is compiled: on the CPU its own number, whatever threads and memory."""
    if isinstance(encoder, NetworkEncoder) and encoder.device == "cpu":
        return encoder.spec.batch_size
    return encoder.batch_size


def least_cosine(one: Vectors, other: Vectors) -> float:
    """The least cosine of two vectors in the same row."""
    a, b = (v.astype(np.float64) for v in (one, other))
    return float(((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))).min())


def _compiled(encoder: NetworkEncoder) -> View:
    import torch
    import torch._inductor.config as inductor

    inductor.compile_threads = 1  # no processes of its own
    compiled: View = torch.compile(encoder.views.vectors, dynamic=False)
    return compiled


def _compiling(encoder: NetworkEncoder, work: Callable[[], T]) -> T:
    """What `work` gives; what a compiler raises is told in words."""
    try:
        return work()
    except (RuntimeError, ImportError, OSError) as error:  # RuntimeError: torch's own errors of compiling are such
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        eager = encoder.precision.removesuffix(COMPILED)
        raise CompilationError(
            f"features.precision {encoder.precision}: torch cannot compile here ({reason}): use {eager}"
        ) from error


def _drawn_crops(side: int) -> list[RgbImage]:
    """Crops to compare two precisions on: blocks of colour from coarse to fine, always the same."""
    random = np.random.default_rng(0)
    cells = [random.integers(0, 256, (n, n, 3), np.uint8) for n in (2, 3, 5, 8, 13, 21, 34, 55)]
    return [np.kron(c, np.ones((side // len(c), side // len(c), 1), np.uint8)) for c in cells]

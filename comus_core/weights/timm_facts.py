"""What timm says of one of its models, read without loading torch into this process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from comus_core.errors import SettingsError

PREFIX = "timm:"
_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")
_SECONDS = 120.0
_FOUND: dict[str, TimmFacts | str] = {}  # by name, with and without the tag; what is not known takes seconds


@dataclass(frozen=True)
class TimmFacts:
    """One model of timm.

    Attributes:
        name: with its tag, such as `vit_small_patch14_dinov2.lvd142m`.
        url: of its weights.
        licence: as timm states it; "" where it states none.
        size: side of its square input, pixels.
        mean, std: of RGB in [0, 1].
        interpolation, crop_mode: how an image gets to that size, in timm's words.
        crop_pct: the size over that to which an image is resized before it is cropped.
        dim: length of a vector.
        pooling: what makes one vector of the last features, in timm's words.
        features: its last features: "nchw" and "nhwc" maps, "tokens", or "" for anything else.
        patch: pixels of an image under one cell of them.
        prefix: tokens before those of the cells.
        any_size: whether it takes images of other sizes.
        keys: whether the last block's keys can be read, of images of any size.
        attention: the same of the class token's attention.
        heads: of the last block; 0 has none.
        gflop: floating-point operations an image, in billions.
    """

    name: str
    url: str
    licence: str
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_mode: str
    crop_pct: float
    dim: int
    pooling: str
    features: str
    patch: int
    prefix: int
    any_size: bool
    keys: bool
    attention: bool
    heads: int
    gflop: float

    @property
    def tag(self) -> str:
        """What its weights were trained on, in timm's words."""
        return self.name.partition(".")[2]


def timm_facts(name: str) -> TimmFacts:
    """The facts of a model, with or without its tag; timm's own choice of a tag without.

    The interface asks too, which must not load torch: unless this process has done so, another one looks them up.

    Raises:
        SettingsError: there is no such model, or it gives no vector.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(f"encoder '{PREFIX}{name}': give the name of a model of timm, such as resnet50.a1_in1k")
    found = _FOUND.get(name) or _facts(name)
    if isinstance(found, str):
        _FOUND[name] = found
        raise SettingsError(f"encoder '{PREFIX}{name}': {found}")
    _FOUND[name] = _FOUND[found.name] = found
    return found


def _facts(name: str) -> TimmFacts | str:
    """The facts, or why there are none; raises `SettingsError` where nothing was found out."""
    if "torch" in sys.modules:
        from comus_core.weights.timm_network import measure

        measured = measure(name)
    else:
        measured = _from_another_process(name)
    if error := measured.get("error"):
        return str(error)
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in measured.items()}
    return TimmFacts(**fields)


def _from_another_process(name: str) -> dict[str, Any]:
    command, stderr = [sys.executable, "-m", "comus_core.weights.timm_network", name], ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        stderr = done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        reason = "".join(stderr.splitlines()[-1:]) or f"{type(error).__name__}: {error}"
        raise SettingsError(f"encoder '{PREFIX}{name}': timm gave no answer: {reason}; try again") from None
    return found

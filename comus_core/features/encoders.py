"""The encoders there are, by name. Readable without torch: a network is imported when one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core.errors import SettingsError
from comus_core.features import dino, features_file, lite0
from comus_core.features.spec import Encoder, EncoderSpec
from comus_core.plugins import Registry, part_and_path, split
from comus_core.weights import file_sha256, locate

_OWN = (
    dino.VITS8,
    dino.VITS16,
    dino.VITB8,
    dino.VITB16,
    lite0.SPEC,
    features_file.SPEC,
)

ENCODERS: Registry[EncoderSpec] = Registry("encoder", "comus_explorer.encoders", EncoderSpec, _OWN)


def encoder_spec(name: str) -> EncoderSpec:
    """The encoder of a setting such as "dino-vits8" or "file:PATH".

    Raises:
        SettingsError: there is none; lists the names there are. Or its name wants a path that is not given.
    """
    return part_and_path(ENCODERS, name)[0]


def own_vectors(name: str) -> Path | None:
    """The file of vectors of the user's own that a setting names: nobody can make such of another crop; else None."""
    return part_and_path(ENCODERS, name)[1] if split(name)[0] in ENCODERS else None


def load_encoder(name: str, device: str = "cpu") -> Encoder:
    """The encoder `name` with its weights from this machine, ready on `device`.

    Raises:
        SettingsError: no such encoder.
        WeightsError: its weights are missing, damaged or do not fit.
    """
    spec = encoder_spec(name)
    return spec.load(spec, device)


def encoder_fingerprint(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What decides the vectors of `name`, without loading it: settings, and the sha256 of its weights by name.

    Args:
        name: a key of `ENCODERS`, or `file:PATH`; a file counts by content, wherever it lies.

    Raises:
        SettingsError: unknown encoder, or no such file.
        WeightsError: the weights are not on this machine.
    """
    spec, path = part_and_path(ENCODERS, name)
    if path is not None:
        if not path.is_file():
            raise SettingsError(f"features file {path}: there is no such file")
        return {"encoder": spec.name, "sha256": file_sha256(path)}, {}
    settings = {"encoder": name, "crop_size": spec.crop_size, "mean": list(spec.mean), "std": list(spec.std)}
    settings |= {"version": spec.version} if spec.version else {}
    return settings, {spec.weights: file_sha256(locate(spec.weights))} if spec.weights else {}

"""The encoders there are, by name. Readable without torch: a network is imported when one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core.config import FeatureSettings, Precision
from comus_core.errors import SettingsError
from comus_core.features import dino, dinov2, features_file, lite0, timm_encoder
from comus_core.features.spec import Encoder, EncoderSpec
from comus_core.plugins import Registry, part_and_path, split
from comus_core.settings import require
from comus_core.weights.store import file_sha256, locate

_OWN = (
    dinov2.VITS14,
    dinov2.VITB14,
    dino.VITS8,
    dino.VITS16,
    dino.VITB8,
    dino.VITB16,
    lite0.SPEC,
    timm_encoder.SPEC,
    features_file.SPEC,
)

ENCODERS: Registry[EncoderSpec] = Registry("encoder", "comus_explorer.encoders", EncoderSpec, _OWN)

RECORDED = ("layer", "pooling", "positions", "resizing", "version")


def encoder_spec(name: str) -> EncoderSpec:
    """The encoder of a setting such as "dino-vits8", "file:PATH" or "timm:NAME".

    Raises:
        SettingsError: there is none; lists the names there are. Or its name wants a path that is not given.
    """
    spec = part_and_path(ENCODERS, name)[0]
    return spec.of_model(split(name)[1].strip()) if spec.of_model else spec


def full_name(name: str) -> str:
    """The same setting with the name of a model written out, as `timm:resnet50.a1_in1k` for `timm:resnet50`.

    Raises:
        SettingsError: as `encoder_spec`.
    """
    return encoder_spec(name).name if part_and_path(ENCODERS, name)[0].of_model else name


def own_vectors(name: str) -> Path | None:
    """The file of vectors of the user's own that a setting names: nobody can make such of another crop; else None."""
    return part_and_path(ENCODERS, name)[1] if split(name)[0] in ENCODERS else None


def load_encoder(name: str, device: str = "cpu", precision: Precision = "float32") -> Encoder:
    """The encoder `name` with its weights from this machine, ready on `device`.

    Raises:
        SettingsError: no such encoder, or one whose vectors are others in that precision.
        WeightsError: its weights are missing, damaged or do not fit.
    """
    spec = encoder_spec(name)
    encoder = spec.load(spec, device)
    if precision == "float32":
        return encoder
    from comus_core.features.precision import computing_in

    return computing_in(encoder, precision)


def encoder_fingerprint(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What decides the vectors of `name`, without loading it: settings, and the sha256 of its weights by name.

    A file of one's own counts by content, wherever it lies.

    Raises:
        SettingsError: unknown encoder, or no such file.
        WeightsError: the weights are not on this machine.
    """
    spec, path = encoder_spec(name), own_vectors(name)
    if path is not None:
        if not path.is_file():
            raise SettingsError(f"features file {path}: there is no such file")
        return {"encoder": spec.name, "sha256": file_sha256(path)}, {}
    settings: dict[str, Any] = {
        "encoder": spec.name,
        "crop_size": spec.crop_size,
        "mean": list(spec.mean),
        "std": list(spec.std),
    }
    settings |= {key: value for key in RECORDED if (value := getattr(spec, key))}
    return settings, {spec.weights: file_sha256(locate(spec.weights))} if spec.weights else {}


def vectors_fingerprint(how: FeatureSettings) -> tuple[dict[str, Any], dict[str, str]]:
    """What decides the vectors of proposals: that of the encoder, and how a proposal is pooled, if by its mask.

    Raises:
        SettingsError: as `encoder_fingerprint`, or the encoder has no map of an image to pool from.
        WeightsError: the weights are not on this machine.
    """
    require(how.precision != "fastest", "features.precision fastest: a run resolves it first; name a precision here")
    settings, weights = encoder_fingerprint(how.encoder)
    settings |= {"precision": how.precision} if how.precision != "float32" else {}
    if how.pool == "crop":
        return settings, weights
    spec = encoder_spec(how.encoder)
    with_map = ", ".join(name for name, each in ENCODERS.items() if each.dense)
    require(
        spec.dense,
        f"features.pool mask: encoder '{how.encoder}' gives no map of an image; use `--set features.pool=crop`, or an "
        f"encoder that does: {with_map}",
    )
    return settings | {"pool": how.pool, "longer_side": how.longer_side, "patch": spec.patch}, weights

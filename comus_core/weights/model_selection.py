"""Names chosen for a run: `auto` resolved by what is on this machine, and what each choice owes to supervision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from comus_core.config import RunConfig
from comus_core.errors import WeightsError
from comus_core.weights import REGISTRY, Supervision, file_sha256, is_available, locate, strongest

# Best first: the paper's own, then what needs no request to a model host.
DETECTOR_ORDER = ("basnet", "u2netp")
ENCODER_ORDER = ("dino-vits8", "dino-vits16", "dino-vitb8", "dino-vitb16", "efficientnet-lite0")
USERS_OWN = ("masks:", "file:")  # not in the registry: counted as the strongest supervision, since unknown


def resolve(config: RunConfig) -> RunConfig:
    """The settings with every `auto` replaced by the best choice whose weights are on this machine.

    Raises:
        WeightsError: no encoder's weights are here.
    """
    encoder = config.features.encoder
    if encoder == "auto":
        encoder = _first_available(ENCODER_ORDER) or ""
        if not encoder:
            raise WeightsError(
                "no encoder's weights are on this machine: `comus weights download efficientnet-lite0` gets the "
                "smallest, `comus weights list` shows all"
            )
    saliency = replace(config.saliency, detector=_absolute(config.saliency.detector))
    encoder = _absolute(encoder)
    cut = saliency.ncut_encoder if saliency.ncut_encoder != "auto" else _cut_encoder(encoder)
    detector = saliency.detector if saliency.detector != "auto" else _first_available(DETECTOR_ORDER) or "ncut"
    return replace(
        config,
        features=replace(config.features, encoder=encoder),
        saliency=replace(saliency, detector=detector, ncut_encoder=cut if detector == "ncut" else "auto"),
    )


def weights_of(config: RunConfig) -> dict[str, str]:
    """Role (`saliency`, `encoder`) -> name of the weights it uses; what the user brings himself is left out."""
    detector = config.saliency.detector
    roles = {
        "saliency": config.saliency.ncut_encoder if detector == "ncut" else detector,
        "encoder": config.features.encoder,
    }
    return {role: name for role, name in roles.items() if not name.startswith(USERS_OWN)}


def supervision_of(config: RunConfig) -> dict[str, Any]:
    """Supervision of a run (the strongest of its parts), its weights' hashes, and the licences to be named.

    Works, without hashes, for weights that are not here yet, so that a page can show the badge beforehand.
    """
    weights = weights_of(config)
    parts = [REGISTRY[name].supervision for name in weights.values() if name in REGISTRY]
    parts += [
        Supervision("masks", "none")
        for name in (config.saliency.detector, config.features.encoder)
        if name.startswith(USERS_OWN)
    ]
    whole = strongest(parts)
    here = {name for name in weights.values() if name in REGISTRY and is_available(name)}
    return {
        "supervision": {"direct": whole.direct, "inherited": whole.inherited},
        "weights": {
            role: {"name": n, "sha256": file_sha256(locate(n)) if n in here else None} for role, n in weights.items()
        },
        "non_commercial": sorted({n for n in weights.values() if n in REGISTRY and REGISTRY[n].non_commercial}),
    }


def badge(supervision: dict[str, str], non_commercial: list[str] | tuple[str, ...] = ()) -> str:
    """The supervision badge in words."""
    direct, inherited = supervision["direct"], supervision["inherited"]
    words = "no supervision" if direct == "none" else f"supervised: {direct}"
    if inherited != "none":
        words += f" (inherited: {inherited})"
    return words + "".join(f" · {name}: non-commercial licence" for name in non_commercial)


def _cut_encoder(encoder: str) -> str:
    return _first_available(ENCODER_ORDER) or "efficientnet-lite0" if encoder.startswith(USERS_OWN) else encoder


def _absolute(name: str) -> str:
    """A name that holds the user's own path, made to mean the same from any folder."""
    kind, _, path = name.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if name.startswith(USERS_OWN) else name


def _first_available(names: tuple[str, ...]) -> str | None:
    return next((name for name in names if is_available(name)), None)

"""Names chosen for a run: `auto` resolved by what is on this machine, and what each choice owes to supervision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from comus_core.config import RunConfig
from comus_core.errors import WeightsError
from comus_core.features.encoders import ENCODERS, encoder_spec
from comus_core.saliency.detectors import choose_detector, detector_spec
from comus_core.weights import REGISTRY, Supervision, file_sha256, is_available, locate, strongest
from comus_core.weights.ranking import best_here

USERS_OWN = ("masks:", "file:")  # not in the registry: counted as the strongest supervision, since unknown
UNKNOWN = Supervision("masks", "none")


def resolve(config: RunConfig) -> RunConfig:
    """The settings with every `auto` replaced by the best choice whose weights are on this machine.

    Raises:
        WeightsError: no encoder's weights are here.
    """
    encoder = config.features.encoder
    if encoder == "auto":
        encoder = best_here(ENCODERS.values()) or ""
        if not encoder:
            raise WeightsError(
                "no encoder's weights are on this machine: `comus weights download efficientnet-lite0` gets the "
                "smallest, `comus weights list` shows all"
            )
    saliency = replace(config.saliency, detector=_absolute(config.saliency.detector))
    encoder = _absolute(encoder)
    cut = saliency.ncut_encoder if saliency.ncut_encoder != "auto" else _cut_encoder(encoder)
    detector = choose_detector(replace(saliency, ncut_encoder=cut)).detector
    cuts = detector_spec(detector).needs is not None
    return replace(
        config,
        features=replace(config.features, encoder=encoder),
        saliency=replace(saliency, detector=detector, ncut_encoder=cut if cuts else "auto"),
    )


def weights_of(config: RunConfig) -> dict[str, str]:
    """Role (`saliency`, `encoder`) -> name of the weights it uses; what needs none, or the user's own, is left out."""
    roles = {
        "saliency": detector_spec(config.saliency.detector).weights_for(config.saliency),
        "encoder": None if _is_own(config.features.encoder) else encoder_spec(config.features.encoder).weights,
    }
    return {role: name for role, name in roles.items() if name is not None}


def supervision_of(config: RunConfig) -> dict[str, Any]:
    """Supervision of a run (the strongest of its parts), its weights' hashes, and the licences to be named.

    Works, without hashes, for weights that are not here yet, so that a page can show the badge beforehand.
    """
    weights = weights_of(config)
    whole = strongest(_parts(config, weights))
    here = {name for name in weights.values() if name in REGISTRY and is_available(name)}
    return {
        "supervision": {"direct": whole.direct, "inherited": whole.inherited},
        "weights": {
            role: {"name": n, "sha256": file_sha256(locate(n)) if n in here else None} for role, n in weights.items()
        },
        "non_commercial": sorted({n for n in weights.values() if n in REGISTRY and REGISTRY[n].non_commercial}),
    }


def _parts(config: RunConfig, weights: dict[str, str]) -> list[Supervision]:
    """Of detector and encoder, each: that of its weights, else what it says of itself, else unknown."""
    own = _is_own(config.features.encoder)
    said = {
        "saliency": detector_spec(config.saliency.detector).supervision,
        "encoder": None if own else encoder_spec(config.features.encoder).supervision,
    }
    return [
        REGISTRY[weights[role]].supervision if weights.get(role) in REGISTRY else said[role] or UNKNOWN for role in said
    ]


def badge(supervision: dict[str, str], non_commercial: list[str] | tuple[str, ...] = ()) -> str:
    """The supervision badge in words."""
    direct, inherited = supervision["direct"], supervision["inherited"]
    words = "no supervision" if direct == "none" else f"supervised: {direct}"
    if inherited != "none":
        words += f" (inherited: {inherited})"
    return words + "".join(f" · {name}: non-commercial licence" for name in non_commercial)


def _is_own(name: str) -> bool:
    return name.startswith(USERS_OWN)


def _cut_encoder(encoder: str) -> str:
    return best_here(ENCODERS.values()) or "efficientnet-lite0" if _is_own(encoder) else encoder


def _absolute(name: str) -> str:
    """A name that holds the user's own path, made to mean the same from any folder."""
    kind, _, path = name.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if _is_own(name) else name

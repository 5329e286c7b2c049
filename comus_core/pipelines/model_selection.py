"""Names chosen for a run: `auto` resolved by what is on this machine, and what each choice owes to supervision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from comus_core.config import ClusteringMethod, RunConfig
from comus_core.errors import WeightsError
from comus_core.features.encoders import ENCODERS, encoder_spec, own_vectors
from comus_core.features.spec import EncoderSpec
from comus_core.plugins import Registry, with_path
from comus_core.saliency.detectors import DETECTORS, detector_spec
from comus_core.saliency.spec import DetectorSpec
from comus_core.weights import REGISTRY, Supervision, file_sha256, is_available, locate, strongest

NUMBER_FREE: tuple[ClusteringMethod, ...] = ("hdbscan",)  # methods that find themselves how many clusters there are
UNKNOWN = Supervision("masks", "none")  # of what nobody states: the strongest


Parts = Registry[DetectorSpec] | Registry[EncoderSpec]


def ranked(parts: Parts) -> list[str]:
    """Names of those that `auto` chooses from, the best first."""
    return [name for _, name in sorted((spec.rank, name) for name, spec in parts.items() if spec.rank is not None)]


def best_here(parts: Parts) -> str | None:
    """Name of the best whose weights are on this machine, or None."""
    needed = ((name, parts[name].weights) for name in ranked(parts))
    return next((name for name, weights in needed if weights is None or is_available(weights)), None)


def resolve(config: RunConfig) -> RunConfig:
    """The settings with every `auto` that names a part replaced by the best one whose weights are on this machine.

    Raises:
        WeightsError: no encoder's weights are here.
        SettingsError: an unknown detector or encoder; lists those there are.
    """
    best = best_here(ENCODERS)
    easiest = ranked(ENCODERS)[-1]  # to have
    encoder = with_path(ENCODERS, config.features.encoder, Path.resolve) if config.features.encoder != "auto" else best
    if encoder is None:
        raise WeightsError(
            f"no encoder's weights are on this machine: `comus weights download {easiest}` gets the smallest, "
            "`comus weights list` shows all"
        )
    chosen = config.saliency.detector if config.saliency.detector != "auto" else best_here(DETECTORS)
    detector, cut = with_path(DETECTORS, chosen or "auto", Path.resolve), config.saliency.ncut_encoder
    if not detector_spec(detector).cuts:
        cut = "auto"
    elif cut == "auto":
        cut = encoder if own_vectors(encoder) is None else best or easiest
    return replace(
        config,
        features=replace(config.features, encoder=encoder),
        saliency=replace(config.saliency, detector=detector, ncut_encoder=cut),
    )


def is_estimated(clusters: int | str | None, labelled: bool, method: ClusteringMethod = "spectral") -> bool:
    """Whether stability chooses the number of clusters: wanted, or because neither a person nor labels say how many."""
    return method not in NUMBER_FREE and (clusters == "auto" or (clusters is None and not labelled))


def cluster_number(config: RunConfig, estimate: int | None, foreground: int | None, proposals: int) -> int:
    """K: the number that was asked for or estimated, else that of the foreground classes.

    Args:
        config: of the run.
        estimate: the most stable number, where `is_estimated`.
        foreground: classes without background; None without ground truth.
        proposals: there cannot be more clusters than these.
    """
    wanted = config.clustering.clusters
    if estimate is not None:
        return estimate
    if isinstance(wanted, int):
        return wanted
    return min(foreground, proposals) if foreground is not None and wanted is None else 1


def weights_of(config: RunConfig) -> dict[str, str]:
    """Role (`saliency`, `encoder`) -> name of the weights it uses; what needs none, or the user's own, is left out."""
    roles = {
        "saliency": detector_spec(config.saliency.detector).weights_for(config.saliency),
        "encoder": encoder_spec(config.features.encoder).weights,
    }
    return {role: name for role, name in roles.items() if name is not None}


def short_names(config: RunConfig) -> tuple[str, str]:
    """Detector and encoder for people: of the user's own files only the last part of the path."""
    detector = with_path(DETECTORS, config.saliency.detector, lambda path: path.name)
    return detector, with_path(ENCODERS, config.features.encoder, lambda path: path.name)


def supervision_of(config: RunConfig) -> dict[str, Any]:
    """Supervision of a run (the strongest of its parts), its weights' hashes, and the licences to be named.

    Works, without hashes, for weights that are not here yet, so that a page can show the badge beforehand.
    """
    weights = weights_of(config)
    owed = strongest(_parts(config, weights))
    here = {name for name in weights.values() if name in REGISTRY and is_available(name)}
    return {
        "supervision": {"direct": owed.direct, "inherited": owed.inherited},
        "weights": {
            role: {"name": n, "sha256": file_sha256(locate(n)) if n in here else None} for role, n in weights.items()
        },
        "non_commercial": sorted({n for n in weights.values() if n in REGISTRY and REGISTRY[n].non_commercial}),
    }


def _parts(config: RunConfig, weights: dict[str, str]) -> list[Supervision]:
    """Of detector and encoder, each: that of its weights, else what it says of itself, else unknown."""
    stated = {
        "saliency": detector_spec(config.saliency.detector).supervision,
        "encoder": encoder_spec(config.features.encoder).supervision,
    }
    return [
        REGISTRY[weights[role]].supervision if weights.get(role) in REGISTRY else stated[role] or UNKNOWN
        for role in stated
    ]


def badge(supervision: dict[str, str], non_commercial: list[str] | tuple[str, ...] = ()) -> str:
    """The supervision badge in words."""
    direct, inherited = supervision["direct"], supervision["inherited"]
    words = "no supervision" if direct == "none" else f"supervised: {direct}"
    if inherited != "none":
        words += f" (inherited: {inherited})"
    return words + "".join(f" · {name}: non-commercial licence" for name in non_commercial)

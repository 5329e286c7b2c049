"""Names chosen for a run: `auto` resolved by what is on this machine, and what each choice owes to supervision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from comus_core.config import ClusteringMethod, RunConfig, SaliencySettings
from comus_core.errors import WeightsError
from comus_core.features.encoders import ENCODERS, encoder_spec, full_name, own_vectors
from comus_core.features.spec import EncoderSpec
from comus_core.plugins import Registry, with_path
from comus_core.saliency.detectors import DETECTORS, detector_spec
from comus_core.saliency.spec import DetectorSpec
from comus_core.weights.registry import REGISTRY, UNKNOWN, UNSUPERVISED, Supervision, strongest
from comus_core.weights.store import file_sha256, is_available, locate

NUMBER_FREE: tuple[ClusteringMethod, ...] = (
    "hdbscan",
    "evoc",
)  # methods that find themselves how many clusters there are


Parts = Registry[DetectorSpec] | Registry[EncoderSpec]


def ranked(parts: Parts) -> list[str]:
    """Names of those that `auto` chooses from, the best first."""
    return [name for _, name in sorted((spec.rank, name) for name, spec in parts.items() if spec.rank is not None)]


def best_here(parts: Parts, among: Sequence[str] | None = None) -> str | None:
    """Name of the first of `among` (of all, the best first) that this machine has, or None.

    It has what needs no weights, or whose weights are here; a detector that works on an encoder's features needs those
    of one that owes nothing to annotation.
    """
    return next((name for name in (ranked(parts) if among is None else among) if _is_here(parts[name])), None)


def _is_here(spec: DetectorSpec | EncoderSpec) -> bool:
    if isinstance(spec, DetectorSpec) and spec.cuts:
        return best_here(ENCODERS, _label_free_to_cut()) is not None
    return spec.weights is None or is_available(spec.weights)


def _label_free_to_cut() -> list[str]:
    """Encoders whose features can be cut and that owe nothing to annotation, the best first."""
    cuttable = [name for name in ranked(ENCODERS) if ENCODERS[name].keys_for_cuts]
    return [name for name in cuttable if _of(ENCODERS[name].weights, ENCODERS[name].supervision) == UNSUPERVISED]


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
    encoder = full_name(encoder)
    saliency = resolve_saliency(config.saliency, encoder)
    return replace(config, features=replace(config.features, encoder=encoder), saliency=saliency)


def resolve_saliency(settings: SaliencySettings, encoder: str | None = None) -> SaliencySettings:
    """The settings with the detector, and the encoder whose features it cuts, named.

    `encoder` is the run's, which is preferred for the cut; None where there is none.

    Raises:
        SettingsError: an unknown detector; lists those there are.
    """
    automatic = settings.detector == "auto"
    chosen = best_here(DETECTORS) if automatic else settings.detector
    detector, cut = with_path(DETECTORS, chosen or "auto", Path.resolve), settings.ncut_encoder
    if not detector_spec(detector).cuts:
        cut = "auto"
    elif cut == "auto":
        free = _label_free_to_cut()
        cut = _encoder_to_cut(encoder if not automatic or encoder in free else None)
    else:
        cut = full_name(cut)
    return replace(settings, detector=detector, ncut_encoder=cut)


def _encoder_to_cut(encoder: str | None) -> str:
    """The run's encoder where its keys can be cut, else one here that can be and adds no label, else the run's."""
    own = encoder if encoder is not None and own_vectors(encoder) is None else None
    if own is not None and encoder_spec(own).keys_for_cuts:
        return own
    cuttable = [name for name in ranked(ENCODERS) if ENCODERS[name].keys_for_cuts]
    found = best_here(ENCODERS, _label_free_to_cut()) or own or best_here(ENCODERS, cuttable) or best_here(ENCODERS)
    return found or ranked(ENCODERS)[-1]


def is_estimated(clusters: int | str | None, labelled: bool, method: ClusteringMethod = "spectral") -> bool:
    """Whether stability chooses the number of clusters: wanted, or because neither a person nor labels say how many."""
    return method not in NUMBER_FREE and (clusters == "auto" or (clusters is None and not labelled))


def cluster_number(config: RunConfig, estimate: int | None, foreground: int | None, proposals: int) -> int:
    """K: the number that was asked for or estimated, else that of the foreground classes.

    `estimate` is the most stable number where `is_estimated`; `foreground` is None without ground truth. There cannot
    be more clusters than proposals.
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
    here = {name for name in weights.values() if name in REGISTRY and is_available(name)}
    return {
        "supervision": asdict(strongest(_parts(config))),
        "weights": {
            role: {"name": n, "sha256": file_sha256(locate(n)) if n in here else None} for role, n in weights.items()
        },
        "non_commercial": sorted({n for n in weights.values() if n in REGISTRY and REGISTRY[n].non_commercial}),
    }


def _parts(config: RunConfig) -> list[Supervision]:
    """Of detector and encoder, each: that of its weights, else what it says of itself, else unknown."""
    return [detector_supervision(config.saliency), encoder_supervision(config.features.encoder)]


def detector_supervision(settings: SaliencySettings) -> Supervision:
    """That of the weights of a detector alone, else what it says of itself, else unknown."""
    spec = detector_spec(settings.detector)
    return spec.owes(settings) if spec.owes is not None else _of(spec.weights_for(settings), spec.supervision)


def non_commercial_of(settings: SaliencySettings) -> list[str]:
    """Names of the weights of a detector alone whose licence forbids commercial use."""
    name = detector_spec(settings.detector).weights_for(settings)
    return [name] if name is not None and name in REGISTRY and REGISTRY[name].non_commercial else []


def encoder_supervision(name: str) -> Supervision:
    """That of the weights of an encoder alone, else what it says of itself, else unknown."""
    spec = encoder_spec(name)
    return _of(spec.weights, spec.supervision)


def encoder_licences(name: str) -> list[str]:
    """Names of the weights of an encoder alone whose licence forbids commercial use."""
    weights = encoder_spec(name).weights
    return [weights] if weights is not None and weights in REGISTRY and REGISTRY[weights].non_commercial else []


def _of(weights: str | None, stated: Supervision | None) -> Supervision:
    return REGISTRY[weights].supervision if weights is not None and weights in REGISTRY else stated or UNKNOWN


def badge(supervision: dict[str, str], non_commercial: list[str] | tuple[str, ...] = ()) -> str:
    """The supervision badge in words."""
    direct, inherited = supervision["direct"], supervision["inherited"]
    words = "no supervision" if direct == "none" else f"supervised: {direct}"
    if inherited != "none":
        words += f" (inherited: {inherited})"
    return words + "".join(f" · {name}: non-commercial licence" for name in non_commercial)

"""What the Discover page decides: a form's values, the settings they amount to, what those would cost. No Streamlit."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from platform import machine
from typing import Any

from app.forms.verb_form import submit_verb
from comus_core.cli.command_line import command_line
from comus_core.config import PRESETS, RunConfig, make_config
from comus_core.datasets.allowed_folders import allowed_own
from comus_core.datasets.format import DatasetSummary
from comus_core.features.encoders import ENCODERS
from comus_core.jobs import Job
from comus_core.jobs.devices import gpu_names
from comus_core.pipelines.estimate import Estimate, estimate, free_disk
from comus_core.pipelines.model_selection import best_here, is_estimated, resolve, supervision_of, weights_of
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.plugins import Registry, split
from comus_core.saliency.detectors import DETECTORS
from comus_core.settings import flat, merge, nested, to_dict
from comus_core.text import counted
from comus_core.types import STAGES
from comus_core.verbs import STAGE_WORDS
from comus_core.weights.registry import REGISTRY, WeightFile
from comus_core.weights.store import is_available
from comus_core.workspace import Workspace

Values = dict[str, Any]  # dotted names of settings, such as `saliency.detector`

PARTS: dict[str, Registry[Any]] = {"saliency.detector": DETECTORS, "features.encoder": ENCODERS}
UNSAID = ("dataset", "exclude", "only")  # not part of the form's values: the images are chosen elsewhere
CLUSTERS_OF_VOC = 20
MOST_NAMED, SETTINGS_FILE = 20, "settings.json"  # images in the equivalent command; else they are in the file


@dataclass(frozen=True)
class Preview:
    """What a run would be, before it starts.

    Attributes:
        config: as submitted, `auto` still in it.
        chosen: with every `auto` resolved.
        supervision: see `choices.supervision_of`.
        missing: weights that are not on this machine; a run would fail for them.
        cost: if nothing is reused.
        free_bytes: on the workspace's disk.
        command: the equivalent command line.
    """

    config: RunConfig
    chosen: RunConfig
    supervision: dict[str, Any]
    missing: tuple[WeightFile, ...]
    cost: Estimate
    free_bytes: int
    command: str


def preset_values(preset: str | None) -> Values:
    """The form's values of a preset, None for the ones of this program."""
    return _without_dataset(to_dict(make_config(preset, dataset="-")))


def values_of(config: RunConfig) -> Values:
    """The form's values of a run that was made before."""
    return _without_dataset(to_dict(config))


def preset_of(values: Mapping[str, Any]) -> str | None:
    """The preset that has exactly these values; '' for this program's own, None if they are nobody's."""
    return next((name or "" for name in (None, *PRESETS) if preset_values(name) == dict(values)), None)


def result_of(values: Mapping[str, Any]) -> str | None:
    """The kind of result that these values give, whatever the number of clusters and the device; None if neither's."""
    free = {"clustering.clusters"}
    given = {name: value for name, value in values.items() if name not in free}
    for name in (None, *PRESETS):
        if {k: v for k, v in preset_values(name).items() if k not in free} == given:
            return "paper" if name else "best"
    return None


def preset_of_result(kind: str, seen: DatasetSummary | None) -> str | None:
    """The preset of a kind of result; the paper has one for data sets of more classes than those of VOC."""
    if kind == "best":
        return None
    return "paper-coco" if seen is not None and (seen.classes or 0) > CLUSTERS_OF_VOC else "paper-voc"


def config_of(
    dataset: str,
    values: Mapping[str, Any],
    roots: tuple[Path, ...],
    exclude: Sequence[str] = (),
    only: Sequence[str] = (),
) -> RunConfig:
    """The settings of a form, and of the images chosen.

    Raises:
        ComusError: a value out of range, or a path of the user's own that may not be read.
    """
    own = {name: allowed_own(parts, str(values[name]), roots) for name, parts in PARTS.items()}
    images = {"dataset": dataset, "exclude": list(exclude), "only": list(only)}
    return make_config(**merge(images, nested({**values, **own})))


def preview(
    workspace: Workspace, config: RunConfig, seen: DatasetSummary, device: str, compute: str = "local"
) -> Preview:
    """What a run of `config` would be.

    Raises:
        WeightsError: `auto` finds no encoder on this machine.
    """
    chosen = resolve(config)
    needed = (REGISTRY[name] for name in dict.fromkeys(weights_of(chosen).values()) if name in REGISTRY)
    return Preview(
        config,
        chosen,
        supervision_of(chosen),
        tuple(file for file in needed if not is_available(file.name)),
        estimate(chosen, seen.images, workspace, given_device(device), seen.largest),
        free_disk(workspace.root),
        command(config, device, workspace, compute),
    )


def settings_file(config: RunConfig) -> str:
    """The settings as `comus run --config` reads them."""
    return json.dumps(to_dict(config), indent=2, ensure_ascii=False) + "\n"


def needs_file(config: RunConfig) -> bool:
    """Whether so many images are named that a command line would be too long to read."""
    return len(config.exclude) + len(config.only) > MOST_NAMED


def images_words(config: RunConfig) -> str:
    """How many images the settings choose; '' for all."""
    only = f"Only {counted(len(config.only), 'selected image')}" if config.only else ""
    excluded = f"{counted(len(config.exclude), 'image')} excluded" if config.exclude else ""
    return ", ".join(filter(None, (only, excluded)))


def command(config: RunConfig, device: str, workspace: Workspace, compute: str = "local") -> str:
    """The equivalent command; one that names many images reads them from the settings' file."""
    if needs_file(config):
        words = ["--device", device] if device != "auto" else []
        words += ["--compute", compute] if compute != "local" else []
        return shlex.join(["comus", "run", "--config", SETTINGS_FILE, *words, "--workspace", str(workspace.root)])
    return command_line(config, device=device, compute=compute, workspace=workspace.root)


def stage_costs(cost: Estimate) -> list[tuple[str, float]]:
    """Every stage in words with its seconds, in the order in which they are done."""
    return [(STAGE_WORDS[stage], cost.seconds[stage]) for stage in STAGES if stage in cost.seconds]


def start(workspace: Workspace, config: RunConfig, device: str, compute: str = "local") -> Job:
    """Queue the run, or give the job that is at the very same already.

    Raises:
        ComusError: settings that cannot work, or the supervisor does not start.
    """
    return submit_verb(workspace, "discover", config, DiscoverSettings(), device, compute)


def detector_words() -> dict[str, str]:
    """Detectors to choose from, each with its line."""
    return _part_words(DETECTORS)


def encoder_words() -> dict[str, str]:
    """Encoders to choose from, each with its line."""
    return _part_words(ENCODERS)


def cuts_features(values: Mapping[str, Any]) -> bool:
    """Whether the detector chosen works on an encoder's features, which are then to be chosen too."""
    chosen = str(values["saliency.detector"])
    return chosen in DETECTORS and DETECTORS[chosen].cuts


def is_auto(asked: int | str | None, seen: DatasetSummary | None) -> bool:
    """Whether stability chooses the number of clusters: asked for, or because no labels say how many."""
    return is_estimated(asked, labelled=seen is None or seen.labelled)


def number_instead(auto: bool, seen: DatasetSummary | None) -> int | str | None:
    """What the number of clusters is once stability chooses, or no longer: from labels, else the paper's for VOC."""
    if auto:
        return "auto"
    return None if seen is None or seen.labelled else CLUSTERS_OF_VOC


def own_number(seen: DatasetSummary | None) -> int:
    """The number to begin with where a person gives it: that of the labels, else the paper's for VOC."""
    return max(2, seen.classes or 0) if seen is not None and seen.classes else CLUSTERS_OF_VOC


def cluster_words(seen: DatasetSummary | None, *, by_stability: bool = False) -> str:
    """How many clusters there will be where nobody says."""
    if by_stability:
        return "auto: the most stable number"
    if seen is None:
        return "from labels, else auto"
    if seen.labelled:
        return f"{seen.classes}, from labels" if seen.classes else "from labels"
    return "auto: the most stable number"


def device_words() -> dict[str, str]:
    """Devices to choose from; asks the system, not torch."""
    names = devices()
    return {"auto": f"best: {names[0]}", **{name: name for name in names}}


def devices() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    apple = ("mps",) if sys.platform == "darwin" and machine() == "arm64" else ()
    return (*gpu_names(), *apple, "cpu")


def given_device(asked: str) -> str:
    """What `auto` or `cuda` will be."""
    return next((name for name in devices() if asked == "auto" or name.startswith(asked)), asked)


def how_to_get(file: WeightFile) -> tuple[str, ...]:
    """The commands that bring weights onto this machine: fetched, or copied from elsewhere."""
    return (f"comus weights download {file.name}", f"comus weights import {file.name} {file.filename}")


def parse_own(name: str, value: str) -> tuple[str, str]:
    """The choice and the path behind a value such as `masks:/here`; the path is empty for all others."""
    kind, path = split(value)
    return (f"{kind}:", path) if kind in PARTS[name] and PARTS[name][kind].path_kind else (value, "")


def _part_words(parts: Registry[Any]) -> dict[str, str]:
    best = best_here(parts)
    own = {f"{name}:": spec.what for name, spec in parts.items() if spec.path_kind}
    named = {name: _words(name, spec.what, spec.weights) for name, spec in parts.items() if not spec.path_kind}
    return {"auto": f"best on this machine: {best or 'none is here yet'}", **named, **own}


def _words(name: str, what: str, weights: str | None) -> str:
    here = weights is None or is_available(weights)
    return f"{name}: {what}" + ("" if here else " (not on this machine)")


def _without_dataset(settings: Mapping[str, Any]) -> Values:
    return {name: value for name, value in flat(settings).items() if name not in UNSAID}

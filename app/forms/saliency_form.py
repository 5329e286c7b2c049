"""Detectors to choose from on the Images page, and the jobs that compare, train and apply them. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.forms import verb_form
from app.forms.verb_form import submit_verb
from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.jobs import Job
from comus_core.pipelines.model_selection import best_here
from comus_core.pipelines.saliency_folders import kept_detectors, new_detector, new_maps
from comus_core.pipelines.saliency_settings import (
    SaliencyCompareSettings,
    SaliencyPredictSettings,
    SaliencyTrainSettings,
)
from comus_core.plugins import split
from comus_core.saliency.detectors import DETECTORS, detector_spec
from comus_core.saliency.trained.detector import NAME as TRAINED
from comus_core.saliency.trained.network_file import network_facts
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import changed, flat, to_dict
from comus_core.text import counted, size
from comus_core.weights.store import is_available
from comus_core.workspace import Workspace

FIRST = (
    "rbd",
    "mbd",
)  # compared with the best one here, where a person has not chosen yet: they are fast and label-free
COMPARED = 100  # images, at first
EPOCHS = "epochs"  # of every network of a recipe


def detector_words(workspace: Workspace) -> dict[str, str]:
    """Detectors to choose from, each with its line: the ones trained on the pages, and those with a name."""
    named = {name: spec.what for name, spec in DETECTORS.items() if not spec.path_kind}
    return own_detectors(workspace) | named


def labelled_words(workspace: Workspace) -> dict[str, str]:
    """The same, each line with the name before it."""
    return {name: f"{label(name)}: {line}" for name, line in detector_words(workspace).items()}


def own_detectors(workspace: Workspace) -> dict[str, str]:
    """The detectors that were trained on the pages, the newest first: the setting that names each, and its facts."""
    return {f"{TRAINED}:{path}": _facts(path) for path in kept_detectors(workspace)}


def short_name(detector: str) -> str:
    """A detector for a narrow column: of a path the file's name alone."""
    name, path = split(detector)
    return path.replace("\\", "/").rpartition("/")[2].removesuffix(".safetensors") if path else name


def label(detector: str) -> str:
    """The same with what it lacks, in a list of those to choose from."""
    weights = detector_spec(detector).weights
    here = weights is None or is_available(weights)
    return short_name(detector) + ("" if here else " (not on this machine)")


def first_detectors(offered: Sequence[str]) -> list[str]:
    """What is chosen for a comparison at first: the best one here, and fast ones without labels."""
    best = best_here(DETECTORS)
    return [name for name in dict.fromkeys((best or FIRST[0], *FIRST)) if name in offered]


def compare_settings(detectors: Sequence[str], images: int) -> SaliencyCompareSettings:
    """The settings of a comparison.

    Raises:
        SettingsError: no detector is chosen.
    """
    return SaliencyCompareSettings(tuple(detectors), images)


def start_comparison(workspace: Workspace, spec: str, settings: SaliencyCompareSettings) -> Job:
    """Queue a comparison, or give the job that is at the very same already.

    Raises:
        ComusError: settings that cannot work, or the supervisor does not start.
    """
    return submit_verb(workspace, "saliency-compare", spec, settings)


def start_training(workspace: Workspace, spec: str, choices: Mapping[str, Any]) -> Job:
    """Queue the training of a detector into a new file of the workspace; `choices` are dotted settings of its recipe.

    Raises:
        ComusError: settings that cannot work, nothing can be written, or the supervisor does not start.
    """
    settings = SaliencyTrainSettings(str(new_detector(workspace, spec)), recipe_of(choices))
    return submit_verb(workspace, "saliency-train", spec, settings)


def start_maps(workspace: Workspace, spec: str, saliency: SaliencySettings) -> Job:
    """Queue the writing of soft maps into a new folder of the workspace.

    Raises:
        ComusError: settings that cannot work, nothing can be written, or the supervisor does not start.
    """
    return submit_verb(
        workspace, "saliency-predict", spec, SaliencyPredictSettings(str(new_maps(workspace, spec)), saliency)
    )


def last_job(workspace: Workspace, verb: str, spec: str) -> Job | None:
    """The newest job of a verb on this data set, or None."""
    return verb_form.last_job(workspace, verb, spec)


def compare_command(workspace: Workspace, spec: str, settings: SaliencyCompareSettings) -> str:
    """The command that compares them."""
    return verb_form.command(workspace, "saliency-compare", spec, settings)


def train_command(workspace: Workspace, spec: str, choices: Mapping[str, Any]) -> str:
    """The command that trains a detector into a file of the person's choice."""
    settings = SaliencyTrainSettings("detector.safetensors", recipe_of(choices))
    return verb_form.command(workspace, "saliency-train", spec, settings)


def maps_command(workspace: Workspace, spec: str, saliency: SaliencySettings) -> str:
    """The command that writes soft maps into a folder of the person's choice."""
    return verb_form.command(workspace, "saliency-predict", spec, SaliencyPredictSettings("maps", saliency))


def recipe_of(choices: Mapping[str, Any]) -> SaliencyRecipe:
    """The recipe with some of its settings changed, by their dotted names; `EPOCHS` is that of all its networks.

    Raises:
        SettingsError: a value out of range.
    """
    recipe = changed(SaliencyRecipe(), {name: value for name, value in choices.items() if name != EPOCHS})
    if EPOCHS not in choices:
        return recipe
    return replace(recipe, networks=tuple(replace(one, epochs=choices[EPOCHS]) for one in recipe.networks))


def recipe_values() -> dict[str, Any]:
    """The settings of a recipe by dotted names, as they are where nobody changes them."""
    recipe = SaliencyRecipe()
    return flat(to_dict(recipe)) | {EPOCHS: recipe.networks[0].epochs}


def run_values(saliency: SaliencySettings) -> dict[str, Any]:
    """What the Discover form holds of these settings, by dotted names."""
    return flat({"saliency": to_dict(saliency)})


def _facts(path: Path) -> str:
    try:
        facts = network_facts(path)
    except WeightsError:
        return "this file cannot be read"
    return f"trained on {counted(facts['images'], 'image')}, {size(path.stat().st_size)}"

"""Encoders to choose from, and the job that compares them. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

from app.forms import verb_form
from comus_core.features.encoders import ENCODERS, encoder_spec
from comus_core.jobs import Job
from comus_core.pipelines.encoder_comparison import short_name
from comus_core.pipelines.encoder_settings import EncoderCompareSettings
from comus_core.pipelines.model_selection import ranked
from comus_core.weights.store import is_available
from comus_core.workspace import Run, Workspace

VERB = "encoders-compare"
FIRST = 2  # encoders compared where a person has not chosen yet


def encoder_words(run: Run | None) -> dict[str, str]:
    """Encoders to choose from, each with its line: the run's own, and those with a name."""
    named = {name: spec.what for name, spec in ENCODERS.items() if not spec.path_kind and not spec.of_model}
    own = {} if run is None else {run.config.features.encoder: "the encoder of this run"}
    return own | named


def label(encoder: str) -> str:
    """An encoder in a list of those to choose from, with what it lacks."""
    weights = encoder_spec(encoder).weights
    return short_name(encoder) + ("" if weights is None or is_available(weights) else " (not on this machine)")


def first_encoders(run: Run | None) -> list[str]:
    """What is chosen at first: the run's own encoder, and the best ones here."""
    own = [] if run is None else [run.config.features.encoder]
    here = [name for name in ranked(ENCODERS) if (w := ENCODERS[name].weights) is None or is_available(w)]
    return list(dict.fromkeys([*own, *here]))[:FIRST]


def settings_of(encoders: Sequence[str]) -> EncoderCompareSettings:
    """The settings of a comparison.

    Raises:
        SettingsError: no encoder is chosen.
    """
    return EncoderCompareSettings(tuple(encoders))


def start(workspace: Workspace, subject: Run | str, settings: EncoderCompareSettings) -> Job:
    """Queue a comparison on a run or a data set, or give the job that is at the very same already.

    Raises:
        ComusError: settings that cannot work, or the supervisor does not start.
    """
    return verb_form.submit_verb(workspace, VERB, subject, settings)


def last_job(workspace: Workspace, subject: Run | str) -> Job | None:
    """The newest comparison on a run or a data set, or None."""
    return verb_form.last_job(workspace, VERB, subject)


def command(workspace: Workspace, subject: Run | str, settings: EncoderCompareSettings) -> str:
    """The command that does the same."""
    return verb_form.command(workspace, VERB, subject, settings)

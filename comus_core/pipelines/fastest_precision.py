"""`features.precision` fastest, resolved once for a run, before anything has a name that depends on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from comus_core.compute import current
from comus_core.config import FeatureSettings, RunConfig
from comus_core.datasets.records import Dataset
from comus_core.errors import CompilationError, ImageError
from comus_core.features.encoders import encoder_fingerprint, encoder_spec, own_vectors
from comus_core.machine.device import device_model
from comus_core.machine.threads import thread_count
from comus_core.types import OnProgress, Progress, RgbImage, no_progress
from comus_core.workspace import Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.shards import write_here

IMAGES = 16  # of the run, spread over it, that the ways are timed on
LONG, LONG_ON_GPU = 200_000.0, 10_000_000.0  # GFLOP of a run that take some 20 minutes: worth a compilation
STAGE = "images timed for the fastest precision"  # begins as the first stage of a run is called, to which it counts


@dataclass(frozen=True)
class Resolved:
    """Settings of a run whose precision says what it is.

    Attributes:
        config: the settings.
        measured: what the run records of how it was chosen; empty where another was asked for.
        question: what the answer is kept under; empty where nothing was asked.
    """

    config: RunConfig
    measured: dict[str, Any] = field(default_factory=dict)
    question: str = ""

    @contextmanager
    def computing(self, workspace: Workspace) -> Iterator[None]:
        """Where what was chosen cannot be compiled any more within the block, it is forgotten, and the error says so.

        Raises:
            CompilationError: that.
        """
        try:
            yield
        except CompilationError as error:
            if not self.question:
                raise
            workspace.probes.forget(self.question)
            raise CompilationError(
                f"{error}; or run again with `fastest`: what was chosen earlier is forgotten, and it chooses anew"
            ) from error


def with_precision(
    config: RunConfig, dataset: Dataset, workspace: Workspace, device: str, on_progress: OnProgress = no_progress
) -> Resolved:
    """The settings with a precision that says what it is, and what was measured; nothing where another was asked for.

    The answer is kept in the workspace for this processor or GPU, number of threads, version of torch and encoder: the
    same run begun again has the same precision, and so the same name.

    Raises:
        SettingsError: unknown encoder.
        WeightsError: its weights are not on this machine.
    """
    how = config.features
    if how.precision != "fastest":
        return Resolved(config)
    if own_vectors(how.encoder) is not None:  # nothing is computed
        return Resolved(_in(config, "float32"))
    settings, weights = encoder_fingerprint(how.encoder)
    where = [device.split(":")[0], device_model(device), thread_count(), version("torch")]
    not_compiled = _not_compiled(how, len(dataset.files), device)
    question = digest([settings, weights, how.pool, how.longer_side, where, bool(not_compiled)])
    measured = workspace.probes.find(question)
    if measured is None:
        from comus_core.features.probe import probe, probe_line

        def wait() -> None:
            on_progress(Progress(STAGE, 0, 1))

        images = []
        for image in _images(dataset, how):
            wait()
            images.append(image)
        if not images:  # the check of the images will say what is wrong with them
            return Resolved(_in(config, "float32"))
        found = probe(how, device, images, not_compiled=not_compiled, on_wait=wait)
        measured = workspace.probes.keep(question, found)
        on_progress(Progress(STAGE, 1, 1))
        print(probe_line(measured), file=sys.stderr, flush=True)
    return Resolved(_in(config, measured["precision"]), {"precision": measured}, question)


def _not_compiled(how: FeatureSettings, images: int, device: str) -> str:
    """Why a compilation is not even tried; empty where it is."""
    if current() is not write_here:
        return "the run computes in other processes, each of which would compile for itself"
    long = encoder_spec(how.encoder).gflop * images >= (LONG if device == "cpu" else LONG_ON_GPU)
    return "" if long else "the run is too short to be worth it"


def _in(config: RunConfig, precision: Any) -> RunConfig:
    return replace(config, features=replace(config.features, precision=precision))


def _images(dataset: Dataset, how: FeatureSettings) -> Iterator[RgbImage]:
    """Readable ones, spread evenly over the data set, no larger than the encoder needs them."""
    at_least = how.longer_side if how.pool == "mask" else encoder_spec(how.encoder).crop_size
    ids = [file.image_id for file in dataset.files]
    for image_id in ids[:: max(1, len(ids) // IMAGES)][:IMAGES]:
        try:
            yield dataset.read(image_id, at_least)
        except ImageError:
            continue

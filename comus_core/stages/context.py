"""What every stage needs, and the one way in which a stage makes its artifact."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comus_core.compute import current
from comus_core.config import RunConfig
from comus_core.datasets.records import Dataset
from comus_core.datasets.truth_report import TruthReport
from comus_core.machine.peak_memory import PeakMemory
from comus_core.runs.artifact_readers import skipped_files
from comus_core.runs.run_truth import truth_fingerprint
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Artifact, ArtifactKey, Workspace
from comus_core.workspace.artifacts import Finish
from comus_core.workspace.shards import SHARD_SIZE, Instead, write_here

if TYPE_CHECKING:
    from comus_core.training.team import Team

# Raise a stage's number when its result changes for the same settings.
VERSIONS = {
    "images": 2,
    "health": 2,
    "truth": 2,
    "saliency_examples": 1,
    "saliency_network": 1,
    "learned_detector": 1,
    "soft_maps": 2,
    "proposals": 1,
    "saliency_measures": 1,
    "saliency_agreement": 1,
    "features": 1,
    "surroundings": 1,
    "clustering": 2,
    "regrouping": 1,
    "how_many": 1,
    "silhouettes": 1,
    "assignment": 2,
    "projection": 2,
    "pseudo_masks": 1,
    "counts": 2,
    "network": 1,
    "classifier": 3,
    "predictions": 2,
    "round_counts": 2,
}


def _nobody(_: Artifact) -> None:
    """Tell nobody of an artifact."""


@dataclass
class StageContext:
    """What every stage of one run on one data set needs.

    Attributes:
        config: settings with `auto` resolved.
        seconds: stage -> seconds spent in this invocation.
        memory: stage -> bytes of main memory at its peak, of the stages of which something was computed.
        memory_at_most: whether such a peak may be from before its stage, see `PeakMemory`.
        computed: kinds of artifact that were not there before, in order.
        without_mask: images for which the user's own masks hold none.
        notes: {path, note} of what is not used of a file that gives the masks.
        team: the processes that train together; None outside of training.
        on_artifact: called with each artifact as soon as it is there, before an observer of progress can stop the work.
        set_aside: images that a stage had to set aside, with the reason; those that could not be read are in the table
            of the images.
        seconds_per_item: kind -> speed, where the whole artifact was computed in this invocation.
        pace: kind -> seconds that an item will take about, where that is known: it decides the size of shards.
        learned: what the detector of the run that is applied to these images learned from its own.
        truth_report: what reading the masks found; until then, what opening the data set did.
    """

    workspace: Workspace
    dataset: Dataset
    config: RunConfig
    device: str
    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    memory_at_most: bool = False
    computed: list[str] = field(default_factory=list)
    team: Team | None = None
    without_mask: list[str] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    set_aside: dict[str, str] = field(default_factory=dict)
    seconds_per_item: dict[str, float] = field(default_factory=dict)
    pace: Mapping[str, float] = field(default_factory=dict)
    on_artifact: Callable[[Artifact], None] = _nobody
    learned: Artifact | None = None
    truth_report: TruthReport | None = None

    def __post_init__(self) -> None:
        self.truth_report = self.truth_report or self.dataset.truth_report

    def __getstate__(self) -> dict[str, Any]:
        """For a worker in another process: without the observers and the database, which are this process's alone."""
        own = {name: value for name, value in self.__dict__.items() if name != "image_hashes"}
        return own | {"workspace": None, "on_progress": no_progress, "on_artifact": _nobody, "team": None}

    def key(
        self, kind: str, settings: dict[str, Any], weights: dict[str, str] | None = None, **inputs: Any
    ) -> ArtifactKey:
        """The key of an artifact; inputs are artifacts or fingerprints. What an input had to set aside is in it too."""
        missing = {name: sorted(i.set_aside()) for name, i in inputs.items() if isinstance(i, Artifact)}
        missing = {name: ids for name, ids in missing.items() if ids}
        settings = settings | {"set_aside": missing} if missing else settings
        prints = {name: i.fingerprint if isinstance(i, Artifact) else str(i) for name, i in inputs.items()}
        return ArtifactKey(kind, VERSIONS[kind], settings, prints, weights or {})

    def skipped_files(self, images: Artifact) -> list[dict[str, str]]:
        """{path, reason} of every file that is not used: known before, found on looking at it, or given up later."""
        given_up = [{"path": self.dataset.file(i).relative, "reason": why} for i, why in self.set_aside.items()]
        known = [{"path": s.path, "reason": s.reason} for s in self.dataset.skipped]
        return known + skipped_files(images) + given_up

    def truth_fingerprint(self) -> str:
        """See `run_truth.truth_fingerprint`."""
        return truth_fingerprint(self.workspace, self.dataset, self.config.truth)

    @cached_property
    def image_hashes(self) -> dict[Path, tuple[int, str]]:
        """Bytes and SHA-256 of each image file."""
        return self.workspace.hash_files(file.path for file in self.dataset.files)

    def make(
        self,
        stage: str,
        key: ArtifactKey,
        ids: Sequence[str] | None,
        work: Any,
        *,
        announce: bool = True,
        finish: Finish | None = None,
        instead: Instead | None = None,
        unit: int = SHARD_SIZE,
    ) -> Artifact:
        """The key's artifact, its time and memory under its stage; `ids` None means all at once.

        `announce` False leaves it to such work to report its progress; `finish`, `instead` and `unit`, the shard size,
        are those of `ArtifactStore.make_sharded`.
        """
        start = time.perf_counter()
        artifacts = self.workspace.artifacts
        begun, there = artifacts.is_begun(key), artifacts.find(key.kind, key.fingerprint) is not None
        if not there:
            self.computed.append(key.kind)
        with PeakMemory() as peak:
            if ids is None:
                if announce:
                    self.on_progress(Progress(stage, 0, 1))
                artifact = artifacts.make(key, work)
                self.on_artifact(artifact)
                if announce:
                    self.on_progress(Progress(stage, 1, 1))
            else:
                spread = current()
                # Long shards lose less time between two of them, but would leave workers without one.
                pace = self.pace.get(key.kind) if spread is write_here else None
                artifact = artifacts.make_sharded(
                    *(key, ids, work),
                    stage=stage,
                    on_progress=self.on_progress,
                    finish=finish,
                    instead=instead,
                    shard_size=unit,
                    seconds_per_id=pace,
                    spread=spread,
                )
                self.on_artifact(artifact)
        if key.kind != "images":
            self.set_aside |= artifact.set_aside()
        if not there:
            self.memory[stage] = max(self.memory.get(stage, 0), peak.bytes)
            self.memory_at_most |= peak.at_most
        spent = time.perf_counter() - start
        self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
        if ids and not begun:
            self.seconds_per_item[key.kind] = spent / len(ids)
        return artifact

"""What this server holds open: the workspace and a few runs, shared by the pages and the HTTP routes. No Streamlit."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from threading import Lock
from typing import Generic, TypeVar

from app.data.memory import give_back
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.records import GroundTruth
from comus_core.runs.run_truth import truth_of_run
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.scoring.round_view import RoundView, open_round_view
from comus_core.workspace import Run, Workspace, open_workspace
from comus_core.workspace.trainings import Training

MOST_RUNS = 6  # views held at a time; one of 100,000 proposals takes some tens of megabytes

V = TypeVar("V")


class Held(Generic[V]):
    """The few values used last, each made once even if several threads ask for it at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `key`, from `make()` if it is not held."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            while len(self._values) > self.most:
                self._values.popitem(last=False)
            return self._values[key]


_runs: Held[Run] = Held(16)
_views: Held[RunView] = Held(MOST_RUNS)
_rounds: Held[RoundView] = Held(3)
_truths: Held[GroundTruth | None] = Held(2)


def workspace() -> Workspace:
    """The workspace of this server: COMUS_WORKSPACE, else ./workspace."""
    return _workspace(os.environ.get("COMUS_WORKSPACE", ""))


def run_of(run_id: str) -> Run:
    """The run of that id as it is now: pictures come by the hundred, so a row is read again only after a change.

    Raises:
        WorkspaceError: there is none.
    """
    place = workspace()
    moment = int(time.monotonic())  # two changes within one tick of the disk's clock are seen a second later
    key = (str(place.root), run_id, place.database.stamp(), moment)
    return _runs.get(key, lambda: place.runs.get(run_id))


def view_of(run: Run) -> RunView:
    """The run opened for looking at; opened anew when its artifacts have changed, or where its images lie.

    Raises:
        WorkspaceError: the run is not so far yet, or an artifact is gone.
    """
    place = workspace()
    lies = (run.config.dataset, run.provenance.get("root"))
    key = (str(place.root), run.id, lies, tuple(sorted(run.artifacts.items())))
    return _views.get(key, lambda: _open(place, run))


def truth_of(view: RunView) -> GroundTruth | None:
    """The ground truth of the run's data set, or None; reads annotations on first use.

    Raises:
        DatasetError: the data set is no longer where it was.
    """
    return truth_at(view, view.run.config.dataset)


def truth_at(view: RunView, spec: str) -> GroundTruth | None:
    """The same of another data set that a round of the run is scored on."""
    place = view.workspace
    run = view.run
    key = (str(place.root), spec, run.id, run.artifacts["images"])
    if spec == run.config.dataset:
        return _truths.get(key, lambda: truth_of_run(place, run))
    return _truths.get(key, lambda: open_dataset(spec, place.drawings, run.config.truth).truth)


def rounds_of(training: Training) -> RoundView:
    """The rounds of a training opened for looking at; opened anew when there is another.

    Raises:
        WorkspaceError: an artifact is gone.
        DatasetError: the data set that it is scored on is no longer where it was.
    """
    place = workspace()
    run = place.runs.get(training.run)
    excluded = frozenset(place.decisions_of(run).layout.excluded)  # they are in no score
    key = (str(place.root), training.id, run.config.dataset, tuple(sorted(training.artifacts.items())), excluded)
    return _rounds.get(key, lambda: open_round_view(place, training))


def _open(place: Workspace, run: Run) -> RunView:
    """Open a run, and give back what reading its tables took."""
    view = open_run_view(place, run)
    give_back()
    return view


@lru_cache(maxsize=4)
def _workspace(folder: str) -> Workspace:
    return open_workspace(folder or None)

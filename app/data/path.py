"""The path of a run from its images to what leaves the program: each step with its state, and the next one.

Everything comes from rows of the database (the run, its decisions, its trainings): no artifact is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from comus_core.runs.categories import label_map
from comus_core.scoring.round_gain import RoundGain, gain_of
from comus_core.text import counted
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.trainings import Training

DATA_SET = (("of", "run"),)  # the images page chooses the data set of the run


@dataclass(frozen=True)
class RunFacts:
    """What the path needs to know of a run.

    Attributes:
        state: of the run.
        read: whether its images were read.
        images: usable ones that are not excluded; 0 until the run has ended.
        skipped: files that could not be read.
        excluded: images that a person excluded, before the run or from it.
        found: whether it has clusters.
        categories: after all decisions.
        named: categories that a person named.
        rejected: categories that a person rejected.
        percents: the least and the largest filter percentage of the categories.
        filtered: whether a person saved a filter.
        training: whether a training is running.
        gain: of the training last touched that has a round, None before the first one.
        read_only: nothing can be decided.
        trainable: whether its data set is here, which is not so if it came in a bundle.
    """

    state: str = "done"
    read: bool = True
    images: int = 0
    skipped: int = 0
    excluded: int = 0
    found: bool = True
    categories: int = 0
    named: int = 0
    rejected: int = 0
    percents: tuple[float, float] = (0.0, 0.0)
    filtered: bool = False
    training: bool = False
    gain: RoundGain | None = None
    read_only: bool = False
    trainable: bool = True


@dataclass(frozen=True)
class PathStep:
    """A step of the path.

    Attributes:
        title: its name.
        page: where it is done, a key of `navigation.PAGES`.
        state: how far it is, in a few words.
        done: whether it is behind.
        action: what to do there, said where it is the next one.
        is_next: whether it comes next; at most one step does.
        possible: whether it can be done in this run.
        parameters: of the page's address, besides the run.
    """

    title: str
    page: str
    state: str
    done: bool
    action: str
    is_next: bool = False
    possible: bool = True
    parameters: tuple[tuple[str, str], ...] = ()


def facts_of(run: Run, decided: Decisions, trainings: list[Training]) -> RunFacts:
    """What the path needs of a run, its decisions and its trainings, the one last touched first."""
    result, found = run.result, "clustering" in run.artifacts
    labels = label_map(decided, int(result.get("clusters") or 0)) if found else None
    ids = labels.ids if labels is not None else ()
    percents = sorted(decided.percent_of(ids).values()) or [decided.filter_percent]
    gains = [gain for training in trainings if (gain := gain_of(training.result)) is not None]
    own = (run.config.filter_percent, run.config.filter_by)
    usable = int(result.get("images") or 0) - int(result.get("skipped") or 0)
    return RunFacts(
        state=run.state,
        read="images" in run.artifacts,
        images=max(usable - len(decided.layout.excluded), 0),
        skipped=int(result.get("skipped") or 0),
        excluded=int(result.get("excluded") or 0) + len(decided.layout.excluded),
        found=found,
        categories=len(ids),
        named=sum(k in decided.names for k in ids),
        rejected=len(decided.layout.rejected),
        percents=(percents[0], percents[-1]),
        filtered=found
        and decided.version > 0
        and ((decided.filter_percent, decided.filter_by) != own or bool(decided.cluster_percent)),
        training=any(training.state == "running" for training in trainings),
        gain=gains[0] if gains else None,
        read_only=run.read_only,
        trainable=not run.from_bundle,
    )


def read_facts(workspace: Workspace, run: Run) -> RunFacts:
    """The same of a stored run."""
    return facts_of(run, workspace.decisions_of(run), workspace.trainings.of_run(run.id))


def path_of(workspace: Workspace, run: Run) -> list[PathStep]:
    """The path of a stored run."""
    return steps(read_facts(workspace, run))


def steps(facts: RunFacts) -> list[PathStep]:
    """The six steps in order; the first one that is not behind comes next."""
    has_gain = facts.gain is not None
    every = [
        _images(facts),
        _discover(facts),
        PathStep("Name and clean", "name", _named(facts), _is_named(facts), "Name the clusters"),
        PathStep("Filter", "filter", _filter(facts), facts.filtered or has_gain, "Choose the filter"),
        PathStep("Train", "training", _train(facts), has_gain, "Train on the masks", possible=facts.trainable),
        PathStep("Export", "export", "COCO, YOLO, VOC …", False, "Export it", possible=facts.found),
    ]
    if facts.read_only:  # nothing to decide and nothing to train: what is left is to look
        return every
    behind = 0 if facts.found else 1  # a run that stopped early is resumed, wherever it stopped
    first = next((n for n, step in enumerate(every) if n >= behind and step.possible and not step.done), None)
    if first is not None:
        every[first] = _as_next(every[first])
    return every


def next_step(every: list[PathStep]) -> PathStep | None:
    """The step that comes next, None where nothing can be done."""
    return next((step for step in every if step.is_next), None)


def _as_next(step: PathStep) -> PathStep:
    return replace(step, is_next=True)


def _images(facts: RunFacts) -> PathStep:
    skipped = f", {facts.skipped:,} skipped" if facts.skipped else ""
    excluded = f", {facts.excluded:,} excluded" if facts.excluded else ""
    unknown = "read" if facts.read else "being read" if facts.state == "running" else "not read"
    state = f"{counted(facts.images, 'image')}{skipped}{excluded}" if facts.images else unknown
    done, action = facts.read, "Check the images"
    if facts.trainable:
        return PathStep("Images", "images", state, done, action, parameters=DATA_SET)
    return PathStep("Images", "image", state, done, action)  # the data set itself is not here


def _discover(facts: RunFacts) -> PathStep:
    if facts.found:
        return PathStep("Discover", "explore", counted(facts.categories, "cluster"), True, "Open the map")
    state, action = ("running", "Show the progress") if facts.state == "running" else ("stopped", "Resume the run")
    return PathStep("Discover", "jobs", state, False, action)


def _is_named(facts: RunFacts) -> bool:
    return facts.found and facts.named == facts.categories


def _named(facts: RunFacts) -> str:
    rejected = f", {facts.rejected:,} rejected" if facts.rejected else ""
    return f"{facts.named:,} of {facts.categories:,} named{rejected}" if facts.found else "after Discover"


def _filter(facts: RunFacts) -> str:
    least, most = facts.percents
    if not facts.found:
        return "after Discover"
    if most == 0:
        return "nothing left out"
    return f"{least:g} % left out" if least == most else f"{least:g} to {most:g} % left out"


def _train(facts: RunFacts) -> str:
    if not facts.trainable:
        return "on your own images"
    if facts.training:
        return "training now"
    if facts.gain is None:
        return "not trained"
    figures = f": {facts.gain.figures}" if facts.gain.figures else ""
    return f"round {facts.gain.round} trained{figures}"

"""What an ablation compares: the switches of the paper's Table 5, and those of the labels beyond the paper.

A row is a question to `discover` or `train`; everything that two rows have in common is computed once. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from comus_core.config import ClusteringMethod
from comus_core.settings import Percent, Seed, changed, flat, require, settings, to_dict
from comus_core.training.settings import TrainingSettings, TrainSettings


@dataclass(frozen=True)
class Switch:
    """A setting of a training that an ablation turns on where it is off, and off where it is on.

    Attributes:
        setting: its dotted name in `TrainingSettings`.
        on: its value where it is turned on; off is the type's nothing: False, 0 or "none".
        words: what it is, in words that follow "with" and "without".
        later: whether it acts on rounds after the first alone, so that round 2 shows it.
        of: settings without which it means nothing and has no row: one of them must be on.
        needs: the setting without which it means nothing: it goes on with this one, and this one off with it.
    """

    setting: str
    on: bool | float | str
    words: str
    later: bool = False
    needs: str | None = None
    of: tuple[str, ...] = ()

    @property
    def off(self) -> bool | float | str:
        """The value that turns it off."""
        return "none" if isinstance(self.on, str) else type(self.on)()


OBJECTS = "prediction.object_share"
SWITCHES = (
    Switch("labels.regroup", True, "clusters regrouped in smaller neighbourhoods"),
    Switch(
        "labels.surroundings",
        1.2,
        "the surroundings of objects, to group and to classify them",
        of=("labels.regroup", "prediction.classifier_share"),
    ),
    Switch("labels.confidence", 0.8, "a least confidence of the teacher's pixels", later=True),
    Switch("prediction.flip", True, "predictions averaged with the mirrored image"),
    Switch("prediction.scales", True, "predictions averaged over three image sizes"),
    Switch(OBJECTS, 0.5, "one category per connected object"),
    Switch("prediction.saliency", 0.5, "saliency to decide what is object in predictions", needs=OBJECTS),
    Switch(
        "labels.saliency", 0.5, "saliency to decide what is object in a teacher's labels", later=True, needs=OBJECTS
    ),
    Switch("prediction.classifier_share", 0.8, "a classifier of the run's features to name objects", needs=OBJECTS),
    Switch("prediction.refine", "guided", "mask borders that follow the edges of the image"),
    Switch("labels.balance", 0.8, "the most confident pixels of each category alone", later=True),
    Switch("labels.soft", True, "the teacher's shares of all categories as labels", later=True),
    Switch("optimisation.mix", 0.5, "objects of another crop pasted in"),
    Switch("optimisation.ema", 0.99, "a moving average of the weights (mean teacher)"),
    Switch("optimisation.jitter", 0.3, "colour jitter"),
)

# Clusters that are compared with spectral ones: the method, what it is, and the package without which it has no row.
OTHER_CLUSTERS: tuple[tuple[ClusteringMethod, str, str | None], ...] = (
    ("consensus", "consensus of many cheap clusterings, and a classifier of it", None),
    ("umap", "k-means clusters after UMAP", None),
    ("evoc", "clusters of EVōC; what it leaves as noise is background", "evoc"),
)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: what it is chosen by.
        words: what it is.
        round: which round's score it shows; 0 is the clusters' own.
        settings: of the training up to that round; None for round 0.
        against: the row that its difference is taken to; None for the first.
        changes: what it changes, by dotted name.
        method: how the run is clustered; None is as it was.
        percent: of the filter for the first round; None is as in the settings of the ablation.
    """

    name: str
    words: str
    round: int
    settings: TrainingSettings | None = None
    against: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    method: ClusteringMethod | None = None
    percent: float | None = None


@settings
class AblationSettings:
    """Compare the steps of the method and the switches of the training, each turned the other way."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    """The training whose settings the rows change; the rows say how many rounds they need."""
    images: str | None = None
    """The data set that rounds after the first learn from; default: the run's own."""
    scored_on: str | None = None
    """The data set that every row is scored on; default: the run's own."""
    filter_percent: Percent | None = None
    """Percent of each cluster left out of the first round; default: as decided in the run."""
    seeds: tuple[Seed, ...] = (0,)
    """Seeds of the trainings; scores are means over them."""
    rows: tuple[str, ...] = ()
    """Names of the rows; default: all."""

    def __post_init__(self) -> None:
        require(bool(self.seeds), "no seed: an ablation needs at least one")
        require(len(set(self.seeds)) == len(self.seeds), f"a seed is given twice: {', '.join(map(str, self.seeds))}")
        names = [row.name for row in plan(self.training)]
        unknown = [name for name in self.rows if name not in names]
        require(not unknown, f"row '{', '.join(unknown)}': choose from {'; '.join(names)}")

    @property
    def chosen(self) -> tuple[Row, ...]:
        """The rows, in the order of the plan."""
        return tuple(row for row in plan(self.training) if not self.rows or row.name in self.rows)

    def seeds_of(self, row: Row) -> tuple[int, ...]:
        """The seeds that a row is trained with; the clusters' own score has none, and counts as the first."""
        return self.seeds if row.settings is not None else self.seeds[:1]

    def question(self, row: Row, seed: int) -> TrainSettings:
        """The settings with which `train` answers a trained row."""
        assert row.settings is not None, f"row {row.name} trains nothing"
        percent = self.filter_percent if row.percent is None else row.percent
        images = self.images if row.settings.rounds > 1 else None  # one round learns from the run's own alone
        return TrainSettings(row.settings, images, self.scored_on, percent, seed)


def plan(base: TrainingSettings) -> tuple[Row, ...]:
    """All rows over base settings: first Table 5, then other clusters of the same features, then the switches.

    A switch is shown at the cheapest round that shows it: one that changes predictions alone trains nothing at all.
    """
    first, second, values = replace(base, rounds=1), replace(base, rounds=2), flat(to_dict(base))
    rows = [
        Row("k-means", "k-means clusters of the features", 0, changes={"method": "kmeans"}, method="kmeans"),
        Row("spectral", "spectral clusters of the features", 0, None, "k-means", {"method": "spectral"}, "spectral"),
        Row("round 1, no filter", "teacher of all pseudo-masks", 1, first, "spectral", {"filter": 0.0}, percent=0.0),
        Row("round 1", "teacher of the core's pseudo-masks", 1, first, "round 1, no filter"),
        Row("round 2", "student of the teacher's masks", 2, second, "round 1"),
    ]
    others = [
        Row(name, words, 0, None, "spectral", {"method": name}, name)
        for name, words, package in OTHER_CLUSTERS
        if package is None or find_spec(package) is not None
    ]
    meaningful = [switch for switch in SWITCHES if not switch.of or any(values[name] for name in switch.of)]
    return (*rows, *others, *(_switched(base, values, switch) for switch in meaningful))


def in_order(ablation: AblationSettings) -> Sequence[tuple[Row, int]]:
    """Every row with every seed, in the order of the work."""
    return [(row, seed) for row in ablation.chosen for seed in ablation.seeds_of(row)]


def _switched(base: TrainingSettings, values: Mapping[str, Any], switch: Switch) -> Row:
    """The row of a switch turned the other way; `values` are those of `base` by dotted name."""
    number = 2 if switch.later else 1
    turned_on = values[switch.setting] == switch.off
    if turned_on:
        name, words = switch.setting, f"with {switch.words}"
        others = [s for s in SWITCHES if s.setting == switch.needs and values[s.setting] == s.off]
    else:
        name, words = f"no {switch.setting}", f"without {switch.words}"
        others = [s for s in SWITCHES if s.needs == switch.setting and values[s.setting] != s.off]
    changes = {s.setting: s.on if turned_on else s.off for s in (switch, *others)}
    return Row(name, words, number, changed(base, {"rounds": number, **changes}), f"round {number}", changes)

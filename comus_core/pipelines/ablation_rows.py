"""What an ablation compares: the switches of the paper's Table 5, and those of the labels beyond the paper.

A row is a question to `discover` or `train`; everything that two rows have in common is computed once. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import mean, stdev
from typing import Any

from comus_core.config import ClusteringMethod
from comus_core.settings import require, to_dict
from comus_core.training.settings import AblationSettings, TrainingRequest, TrainingSettings, asked, what_was_asked


@dataclass(frozen=True)
class Switch:
    """A field of `TrainingSettings` that an ablation turns on where it is off, and off where it is on.

    Attributes:
        field: its name.
        on: its value where it is turned on; off is the type's nothing: False, 0 or "none".
        words: what it does when it is on.
        later: whether it acts on rounds after the first alone, so that round 2 shows it.
        of: fields without which it means nothing and has no row: one of them must be on.
        needs: the field without which it means nothing: it goes on with this one, and this one off with it.
    """

    field: str
    on: bool | float | str
    words: str
    later: bool = False
    needs: str | None = None
    of: tuple[str, ...] = ()

    @property
    def off(self) -> bool | float | str:
        """The value that turns it off."""
        return "none" if isinstance(self.on, str) else type(self.on)()


SWITCHES = (
    Switch("regroup", True, "learnt are clusters in smaller neighbourhoods"),
    Switch(
        "surroundings",
        1.2,
        "what is around an object helps to group and to name it",
        of=("regroup", "classifier_share"),
    ),
    Switch("confidence", 0.8, "pixels that the teacher is unsure of are ignored", later=True),
    Switch("predict_flip", True, "predictions are averaged with those of the mirrored image"),
    Switch("predict_scales", True, "predictions are averaged over three sizes"),
    Switch("object_share", 0.5, "each connected object has one category"),
    Switch("predict_saliency", 0.5, "the run's saliency helps to decide what is object", needs="object_share"),
    Switch("label_saliency", 0.5, "the same in a teacher's labels", later=True, needs="object_share"),
    Switch("classifier_share", 0.8, "a classifier of the run's features helps to name objects", needs="object_share"),
    Switch("refine", "guided", "borders of the masks follow the photograph's edges"),
    Switch("balance", 0.8, "the surest pixels of each category are learnt", later=True),
    Switch("soft", True, "the teacher's shares of all categories are learnt", later=True),
    Switch("mix", 0.5, "objects of another crop are pasted in"),
    Switch("ema", 0.99, "a moving average of the weights is kept (mean teacher)"),
    Switch("jitter", 0.3, "brightness, contrast and saturation of crops change"),
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
        changes: what it changes.
        method: how the run is clustered; None is as it was.
        percent: of the filter for the first round; None is as asked.
    """

    name: str
    words: str
    round: int
    settings: TrainingSettings | None = None
    against: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    method: ClusteringMethod | None = None
    percent: float | None = None


@dataclass(frozen=True)
class Ablation:
    """What a person asks for.

    Attributes:
        settings: the base; its rounds do not matter, since the rows say how many they need.
        request: data sets and filter; its seed does not matter.
        seeds: of the trainings.
        rows: names of the rows wanted; none means all.
    """

    settings: TrainingSettings
    request: TrainingRequest = field(default_factory=TrainingRequest)
    seeds: tuple[int, ...] = (0,)
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.seeds), "no seed: an ablation needs at least one")
        require(len(set(self.seeds)) == len(self.seeds), f"a seed is given twice: {', '.join(map(str, self.seeds))}")
        for seed in self.seeds:
            replace(self.request, seed=seed)  # out of range is told here
        names = [row.name for row in plan(self.settings)]
        unknown = [name for name in self.rows if name not in names]
        require(not unknown, f"row '{', '.join(unknown)}': choose from {'; '.join(names)}")

    @property
    def chosen(self) -> tuple[Row, ...]:
        """The rows wanted, in the order of the plan."""
        return tuple(row for row in plan(self.settings) if not self.rows or row.name in self.rows)

    def seeds_of(self, row: Row) -> tuple[int, ...]:
        """The seeds that a row is trained with; the clusters' own score has none, and counts as the first."""
        return self.seeds if row.settings is not None else self.seeds[:1]

    def question(self, row: Row, seed: int) -> tuple[TrainingSettings, TrainingRequest]:
        """What `train` is asked for a trained row."""
        assert row.settings is not None, f"row {row.name} trains nothing"
        percent = self.request.filter_percent if row.percent is None else row.percent
        return row.settings, replace(self.request, seed=seed, filter_percent=percent)


def plan(base: TrainingSettings) -> tuple[Row, ...]:
    """All rows over base settings: first Table 5, then one for each switch.

    A switch is shown at the cheapest round that shows it: one that changes predictions alone trains nothing at all.
    """
    first, second = replace(base, rounds=1), replace(base, rounds=2)
    rows = [
        Row("k-means", "clusters of k-means on the vectors", 0, changes={"method": "kmeans"}, method="kmeans"),
        Row("spectral", "clusters of spectral clustering", 0, None, "k-means", {"method": "spectral"}, "spectral"),
        Row("round 1, no filter", "a teacher of all pseudo-masks", 1, first, "spectral", {"filter": 0.0}, percent=0.0),
        Row("round 1", "a teacher of the core's pseudo-masks", 1, first, "round 1, no filter"),
        Row("round 2", "a student of the teacher's masks", 2, second, "round 1"),
    ]
    shown = [s for s in SWITCHES if not s.of or any(getattr(base, name) for name in s.of)]
    return (*rows, *(_switched(base, switch) for switch in shown))


def _switched(base: TrainingSettings, switch: Switch) -> Row:
    number = 2 if switch.later else 1
    turned_on = getattr(base, switch.field) == switch.off
    value = switch.on if turned_on else switch.off
    name, words = (switch.field, switch.words) if turned_on else (f"no {switch.field}", f"not: {switch.words}")
    if turned_on:
        others = [s for s in SWITCHES if s.field == switch.needs and getattr(base, s.field) == s.off]
    else:
        others = [s for s in SWITCHES if s.needs == switch.field and getattr(base, s.field) != s.off]
    changes = {switch.field: value} | {s.field: s.on if turned_on else s.off for s in others}
    return Row(name, words, number, replace(base, rounds=number, **changes), f"round {number}", changes)  # type: ignore[arg-type]


def ablation_json(ablation: Ablation) -> dict[str, Any]:
    """As one JSON object: what a job holds."""
    wanted = asked(ablation.settings, ablation.request)
    del wanted["seed"]
    return wanted | {"seeds": list(ablation.seeds), "rows": list(ablation.rows)}


def ablation_of(values: Mapping[str, Any]) -> Ablation:
    """The other way round.

    Raises:
        SettingsError: an unknown setting or row, or a value out of range.
    """
    rest = {key: value for key, value in values.items() if key not in ("seeds", "rows")}
    return Ablation(*what_was_asked(rest), tuple(values.get("seeds", (0,))), tuple(values.get("rows", ())))


def ablation_from(settings: AblationSettings) -> Ablation:
    """The rows that a table of settings asks for."""
    request = TrainingRequest(settings.images, settings.scored_on, settings.filter_percent)
    return Ablation(settings.training, request, settings.seeds, settings.rows)


Found = Mapping[tuple[str, int], Mapping[str, float | None]]  # (row, seed) -> `miou` and `seconds`


def table(ablation: Ablation, found: Found) -> list[dict[str, Any]]:
    """The rows as `comus ablate --json` writes them.

    Args:
        ablation: what was asked.
        found: what is known so far.

    Returns:
        A dictionary a row: `name`, `words`, `changes`, `round`, `miou` [a seed each, None where it is missing], `mean`
        and `std` over those that are there (`std` None for fewer than two), `against`, `difference` of the means in
        points, and `seconds` of training of all its rounds, mean over the seeds. What is not known is None.
    """
    rows, means = [], dict[str, float]()
    for row in ablation.chosen:
        results = [found.get((row.name, seed)) for seed in ablation.seeds_of(row)]
        scores = [result["miou"] if result else None for result in results]
        there = [score for score in scores if score is not None]
        seconds = [result["seconds"] for result in results if result and result["seconds"] is not None]
        if there:
            means[row.name] = mean(there)
        both = row.name in means and row.against in means
        rows.append(
            {
                "name": row.name,
                "words": row.words,
                "changes": dict(row.changes),
                "round": row.round,
                "miou": scores,
                "mean": means.get(row.name),
                "std": stdev(there) if len(there) > 1 else None,
                "against": row.against,
                "difference": means[row.name] - means[row.against] if both and row.against else None,
                "seconds": mean(seconds) if seconds else None,
            }
        )
    return rows


def learned_from(ablation: Ablation, row: Row, seed: int, number: int) -> tuple[Any, ...]:
    """What decides a network, so that two rows of the same one are known to share it before either is trained."""
    from comus_core.stages.rounds import PREDICTION, ROUNDS

    settings, request = ablation.question(row, seed)
    values = to_dict(settings)
    own = [item for item in values.items() if item[0] not in PREDICTION + ROUNDS]
    if number == 1:
        grouped = settings.regroup and (settings.regroup, settings.surroundings)
        return (seed, 1, settings.epochs, request.filter_percent, grouped, *own)
    own += [(switch.field, values[switch.field]) for switch in SWITCHES if switch.later]
    teacher = predicted_by(ablation, row, seed, number - 1)
    return (seed, number, settings.epochs_of(number), *own, teacher)


def predicted_by(ablation: Ablation, row: Row, seed: int, number: int) -> tuple[Any, ...]:
    """What decides a network's masks."""
    from comus_core.stages.rounds import PREDICTION, SALIENCY

    settings = ablation.question(row, seed)[0]
    named = settings.classifier_share and settings.surroundings
    asked_for = (getattr(settings, name) for name in PREDICTION + SALIENCY)
    return (learned_from(ablation, row, seed, number), named, *asked_for)


def in_order(ablation: Ablation) -> Sequence[tuple[Row, int]]:
    """Every row with every seed, in the order of the work."""
    return [(row, seed) for row in ablation.chosen for seed in ablation.seeds_of(row)]

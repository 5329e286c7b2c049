"""What a table needs before it starts: data sets, weights, time; and which rows can be computed here. No torch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from comus_core.config import RunConfig
from comus_core.errors import ComusError
from comus_core.features.encoders import encoder_spec
from comus_core.pipelines.estimate import estimate
from comus_core.pipelines.model_selection import resolve, resolve_saliency, weights_of
from comus_core.pipelines.paper_tables.registry import TABLES, chosen_rows
from comus_core.pipelines.paper_tables.table_data import TableData, data_of, spec_of
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import MeasuredRow, PaperTable, RoleName
from comus_core.pipelines.training_cost import TrainingImages, training_cost
from comus_core.saliency.detectors import detector_spec
from comus_core.text import duration
from comus_core.weights.store import is_available
from comus_core.workspace import Workspace

ROW_SECONDS = 1.0  # opening, matching and scoring of a row of which all else is there


@dataclass(frozen=True)
class PlannedRow:
    """A row, and what stands in its way.

    Attributes:
        row: the row.
        missing: weights and packages that are not here, each with the command that gets it.
        seconds: of what no row before it has done, over all seeds; 0 where something is missing.
    """

    row: MeasuredRow
    missing: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class TablePlan:
    """A table before it starts.

    Attributes:
        table: of the paper.
        data: role -> its data set.
        rows: those chosen.
        measured: whether earlier runs and trainings on this machine gave all speeds.
        least_pixels: of the settings, below which images are left out.
    """

    table: PaperTable
    data: dict[RoleName, TableData]
    rows: tuple[PlannedRow, ...]
    measured: bool
    least_pixels: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        least = self.table.least_pixels
        if not least or least == self.least_pixels:
            return self.table.notes
        rule = f"The paper's code leaves out images with fewer than {least:,} labelled pixels"
        return (f"{rule}: `--preset paper-coco` or `--set truth.least_pixels={least}`.", *self.table.notes)

    @property
    def seconds(self) -> float:
        """Of all rows, if nothing of them is there yet."""
        return sum(row.seconds for row in self.rows)

    @property
    def missing(self) -> tuple[str, ...]:
        """All that is not here, each once."""
        data = [one.words for one in self.data.values() if one.dataset is None]
        return tuple(dict.fromkeys([*data, *(words for row in self.rows for words in row.missing)]))

    @property
    def comparable(self) -> bool:
        """Whether ours are on the images of the published values."""
        scored = self.data["scored"]
        if not self.table.same_images or self.table.least_pixels != self.least_pixels:
            return False
        return scored.complete and any(str(scored.dataset).startswith(p.partition("{")[0]) for p in _places(self.table))

    @property
    def lines(self) -> list[str]:
        """Data, what is missing and how to get it, and the time."""
        lines = [f"table {self.table.number}: {self.table.title}", *(f"  {one.words}" for one in self.data.values())]
        needed = dict[str, list[str]]()
        for row in self.rows:
            for words in row.missing:
                needed.setdefault(words, []).append(row.row.name)
        lines += [f"  missing: {words} (for {', '.join(names)})" for words, names in needed.items()]
        basis = "measured in earlier runs" if self.measured else "calculated; the first run will measure"
        count = sum(not row.missing for row in self.rows)
        if self.can_start:
            time = f"estimate: {duration(self.seconds)} if nothing is reused ({basis})"
            lines.append(f"  {count} of {len(self.rows)} rows; {time}")
        return lines

    @property
    def can_start(self) -> bool:
        """Whether the data is here, and all that at least one row needs."""
        needed = all(one.dataset is not None for one in self.data.values() if one.role != "more")
        return needed and any(not row.missing for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "data": [one.to_json() for one in self.data.values()],
            "missing": list(self.missing),
            "seconds": self.seconds,
            "measured": self.measured,
            "can_start": self.can_start,
            "rows": [{"name": p.row.name, "missing": list(p.missing), "seconds": p.seconds} for p in self.rows],
        }


def _places(table: PaperTable) -> tuple[str, ...]:
    return next(role.places for role in table.roles if role.name == "scored")


def plan_table(settings: TableSettings, workspace: Workspace, device: str = "cpu") -> TablePlan:
    """What the table needs, what is missing, and how long it takes if nothing is reused.

    Raises:
        DatasetError: a data set that was named cannot be opened.
        SettingsError: an unknown row or part, a value out of range.
    """
    table = TABLES[settings.number]
    data = data_of(table, settings, workspace)
    cost = _Cost(table, settings, data, workspace, device)
    rows = []
    for row in chosen_rows(settings):
        missing = missing_of(table, row, settings)
        here = not missing and data["scored"].dataset is not None
        rows.append(PlannedRow(row, missing, cost.of(row) if here else 0.0))
    return TablePlan(table, data, tuple(rows), cost.measured, settings.truth.least_pixels)


def missing_of(table: PaperTable, row: MeasuredRow, settings: TableSettings) -> tuple[str, ...]:
    """What a row needs and this machine lacks, each with how to get it."""
    config = settings.config("demo", row.changes, 0)  # the data set does not matter
    try:
        config = _resolved(table, config)
    except ComusError as fault:  # such as no encoder at all: says what to do
        return (str(fault),)
    weights = list(weights_of(config).values()) if table.kind != "detectors" else []
    own = detector_spec(config.saliency.detector)
    saliency = own.weights_for(config.saliency)
    weights += [saliency] if saliency is not None else []
    if own.cuts:
        cut = encoder_spec(config.saliency.ncut_encoder).weights
        weights += [cut] if cut is not None else []
    if row.round:
        weights.append(settings.training.network.backbone)
    lacking = [name for name in dict.fromkeys(weights) if not is_available(name)]
    found = [
        f"weights {name}: `comus weights download {name}`, or `comus weights import {name} FILE`" for name in lacking
    ]
    refined = row.round and settings.training.prediction.refine == "crf"
    if (refined or config.saliency.refine == "crf") and find_spec("pydensecrf") is None:
        found.append("package pydensecrf2: `pip install pydensecrf2`")
    return tuple(found)


def _resolved(table: PaperTable, config: RunConfig) -> RunConfig:
    """The settings with `auto` named; a detector alone needs no encoder of crops."""
    if table.kind == "detectors":
        return replace(config, saliency=resolve_saliency(config.saliency))
    return resolve(config)


class _Cost:
    """Seconds of each row beyond what the rows before it have done."""

    def __init__(
        self,
        table: PaperTable,
        settings: TableSettings,
        data: dict[RoleName, TableData],
        workspace: Workspace,
        device: str,
    ) -> None:
        self._table, self._settings, self._data = table, settings, data
        self._workspace, self._device = workspace, device
        self._counted: set[Hashable] = set()
        self.measured = True

    def of(self, row: MeasuredRow) -> float:
        """Of a row with all seeds."""
        return ROW_SECONDS + sum(self._of(row, seed) for seed in self._settings.seeds)

    def _of(self, row: MeasuredRow, seed: int) -> float:
        learned = row.round > 0 or row.transferred
        role: RoleName = "train" if learned else "scored"
        config = _resolved(self._table, self._settings.config(spec_of(self._data, role), row.changes, seed))
        seconds = self._discovery(config, self._images(role))
        if self._is_other() and learned:
            seconds += self._discovery(replace(config, dataset=spec_of(self._data, "scored")), self._images("scored"))
        return seconds + (self._training(row, config, seed) if row.round else 0.0)

    def _images(self, role: RoleName) -> int:
        spec = spec_of(self._data, role)
        return next(one.images for one in self._data.values() if one.dataset == spec)

    def _is_other(self) -> bool:
        return spec_of(self._data, "train") != spec_of(self._data, "scored")

    def _discovery(self, config: RunConfig, images: int) -> float:
        """Of stages that no row before has run."""
        of_detectors = self._table.kind == "detectors"
        cost = estimate(
            config if not of_detectors else _with_any_encoder(config), images, self._workspace, self._device
        )
        self.measured &= cost.measured
        keys: Sequence[tuple[str, Hashable]] = [
            ("images", config.dataset),
            ("saliency", (config.dataset, config.saliency)),
            ("features", (config.dataset, config.saliency, config.features)),
            ("clustering", config),
            ("projection", (config.dataset, config.saliency, config.features, config.clustering.features, config.seed)),
            ("pseudo_masks", config),
            ("evaluation", (config.dataset, config.saliency)),
        ]
        wanted = keys[:2] if of_detectors else keys
        return sum(cost.seconds.get(stage, 0.0) for stage, key in wanted if self._is_new((stage, key)))

    def _training(self, row: MeasuredRow, config: RunConfig, seed: int) -> float:
        settings = replace(self._settings.training, rounds=row.round)
        more = spec_of(self._data, "more")
        other, own = self._is_other(), spec_of(self._data, "train")
        images = TrainingImages(
            self._images("train"),
            self._images("more") if row.round > 1 and more != own else None,
            self._images("scored") if other else None,
        )
        cost = training_cost(settings, images, self._workspace, self._device, config=config)
        self.measured &= cost.measured
        percent = self._settings.filter_percent if row.percent is None else row.percent
        seconds = 0.0
        for number in range(1, row.round + 1):
            if self._is_new(("network", config, percent, seed, number)):
                seconds += cost.training[number - 1] + cost.predicting
        return seconds

    def _is_new(self, key: Hashable) -> bool:
        new = key not in self._counted
        self._counted.add(key)
        return new


def _with_any_encoder(config: RunConfig) -> RunConfig:
    """For an estimate whose features nobody looks at: vectors of the user's own cost nothing."""
    return replace(config, features=replace(config.features, encoder="file:none"))

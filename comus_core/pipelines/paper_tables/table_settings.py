"""What `comus table` can be asked for. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from comus_core.config import ClusteringSettings, FeatureSettings, RunConfig, SaliencySettings, TruthSettings
from comus_core.settings import Percent, Positive, Seed, changed, require, settings
from comus_core.training.settings import TrainingSettings

TableNumber = Literal["1", "2", "3", "4", "5", "6", "7", "8", "10", "12"]
TableFormat = Literal["text", "csv", "markdown", "latex"]
ENDINGS: Mapping[str, str] = {".csv": "csv", ".md": "markdown", ".tex": "latex", ".json": "json"}
NUMBERS: tuple[str, ...] = get_args(TableNumber)


@settings
class TableSettings:
    """Run a table of the paper again: its rows computed here, beside what papers report."""

    number: TableNumber
    """1 to 4: VOC, VOC 2007, COCO, VOC to COCO; 5: the steps; 6: detectors; 7: supervised saliency; 8: more clusters;
    10: settings of the clustering; 12: classes of images."""
    dataset: str | None = None
    """The data set that is scored; default: the paper's, below `root`."""
    train: str | None = None
    """The data set in which clusters are found for training; default: the paper's, or the one that is scored if that
    is given."""
    more: str | None = None
    """The data set that rounds after the first learn from; default: the paper's, or that of `train`."""
    root: str | None = None
    """The folder that holds the paper's data sets, such as VOCdevkit/ and coco/; default: COMUS_DATA."""
    images: Positive | None = None
    """Use at most so many images of the data set, drawn at random, to try a table."""
    rows: tuple[str, ...] = ()
    """Names of the rows to compute; default: all."""
    seeds: tuple[Seed, ...] = (0,)
    """Seeds of runs and trainings; values are means over them."""
    clusters: tuple[Annotated[int, Field(ge=2)], ...] = (30, 50)
    """Table 8: the numbers of clusters."""
    detectors: tuple[str, ...] = ("basnet", "comus", "u2netp", "lost", "dinoseg")
    """Table 6: the detectors."""
    supervised: str = "u2netp"
    """Table 7: the detector that learned from masks; the paper's is basnet-supervised."""
    saliency: SaliencySettings = field(default_factory=SaliencySettings)
    """How proposals are found."""
    features: FeatureSettings = field(default_factory=FeatureSettings)
    """How proposals are described."""
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    """How proposals are clustered."""
    truth: TruthSettings = field(default_factory=TruthSettings)
    """How ground truth is read."""
    filter_percent: Percent = 20.0
    """Percent of each cluster left out of the first round."""
    training: TrainingSettings = field(default_factory=TrainingSettings)
    """How networks are trained; the rows say how many rounds they need."""
    plan: bool = False
    """Only say what it needs, what is missing and how long it takes."""
    out: str | None = None
    """A file for the table: FILE.csv, FILE.md, FILE.tex or FILE.json."""
    force: bool = False
    """Replace a file that this program did not write."""

    def __post_init__(self) -> None:
        require(bool(self.seeds), "no seed: give at least one, better three or more")
        require(len(set(self.seeds)) == len(self.seeds), f"a seed is given twice: {', '.join(map(str, self.seeds))}")
        require(len(set(self.detectors)) == len(self.detectors), "detectors: one is named twice")
        require(bool(self.clusters) and bool(self.detectors), "clusters and detectors: name at least one of each")
        known = self.out is None or any(self.out.lower().endswith(ending) for ending in ENDINGS)
        require(known, f"out {self.out}: give a file that ends in {', '.join(ENDINGS)}")
        other = self.images is None or (self.train is None and self.more is None)
        require(other, "images draws from one data set for all: leave train and more out")
        require(self.images is None or self.dataset is not None, "images: name the data set to draw from (dataset)")

    def config(self, dataset: str, changes: Mapping[str, Any], seed: int, only: tuple[str, ...] = ()) -> RunConfig:
        """The settings of a run over a data set, with a row's own `changes` under dotted names.

        Raises:
            SettingsError: a value out of range.
        """
        base = RunConfig(
            dataset,
            self.saliency,
            self.features,
            self.clustering,
            self.truth,
            filter_percent=self.filter_percent,
            seed=seed,
            only=only,
        )
        return changed(base, changes) if changes else base


def with_run_settings(table: TableSettings, config: RunConfig) -> TableSettings:
    """A table with the settings of a run: its detector, encoder, clustering and filter."""
    return replace(
        table,
        saliency=config.saliency,
        features=config.features,
        clustering=config.clustering,
        truth=config.truth,
        filter_percent=config.filter_percent,
    )

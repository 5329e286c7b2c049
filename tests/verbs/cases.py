"""A case for every verb: what it is given, and how the page does the same."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import comus_core
from app.components.datasets import excluded_panel
from app.components.jobs import bundles, disk_panel, run_dialogs
from app.components.naming import names_file_panel
from app.forms import published_form
from comus_core import curation, find_round
from comus_core.cli.command_line import command_line
from comus_core.config import SaliencySettings
from comus_core.curation.names_csv import read_names
from comus_core.pipelines import edit_settings, verb_settings
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.pipelines.cluster_names import ExportedNames
from comus_core.pipelines.dataset_settings import DatasetCheckSettings, DatasetDownloadSettings, DatasetListSettings
from comus_core.pipelines.encoder_settings import EncoderCompareSettings
from comus_core.pipelines.export_settings import ExportSettings, ObjectsSettings
from comus_core.pipelines.paper_tables.figure_settings import FigureSettings
from comus_core.pipelines.paper_tables.table_settings import TableSettings, with_run_settings
from comus_core.pipelines.saliency_settings import (
    SaliencyCompareSettings,
    SaliencyPredictSettings,
    SaliencyTrainSettings,
)
from comus_core.proposals.mask_edits import grown
from comus_core.runs.run_view import open_run_view
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import from_dict
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING
from tests.imports.writing import coco, write

LEARNED = {
    "priors": ["mbd", "rbd"],
    "prior": {"side": 32},
    "side": 32,
    "networks": [{"side": 32, "epochs": 2}],
}
TINY = TINY_TRAINING | {"prediction.classifier_share": 0.0}
TIMES = (
    "seconds",
    "checked_at",
    "compared_at",
    "memory",
    "memory_at_most",
    "computed",
    "free",
    "total",
    "places",
)  # of the machine


@dataclass(frozen=True)
class Place:
    """A copy of the prepared workspace, and the folders beside it."""

    workspace: Any
    run: Any
    new: Path
    moved: Path
    zipped: Path
    out: Path

    @property
    def rounds(self):
        return tuple(find_round(self.workspace, self.run.id, number) for number in (0, 1))

    @property
    def view(self):
        return open_run_view(self.workspace, self.run)


@dataclass(frozen=True)
class Case:
    """A verb with something to do.

    Attributes:
        settings: of it, for a place.
        subject: of it, for a place; by default the run.
        page: what the page calls, for a verb that is no job; it may return a result.
        words: the command without its last options; by default the one that the pages show.
        options: of the command, beyond the settings.
    """

    settings: Callable[[Place], Any]
    subject: Callable[[Place], Any] = lambda place: place.run
    page: Callable[[Place, Any], Any] | None = None
    words: Callable[[Place], list[str]] | None = None
    options: tuple[str, ...] = ()
    before: Callable[[Place], object] = field(default=lambda place: None)


def edit(settings, page, before=lambda place: None) -> Case:
    """A decision on clusters; the page takes it with ids on an opened run."""
    return Case(lambda place: settings, page=lambda place, _: page(place.view), before=before)


def write_names(path: Path) -> Path:
    path.write_text("id;name\n2;bird\n1;cluster 1\n")
    return path


def drawn_mask(place: Place) -> np.ndarray:
    """A square in the first image."""
    mask = np.zeros(tuple(place.view.image_sizes[0]), bool)
    mask[4:20, 3:17] = True
    return mask


def half_mask(place: Place) -> np.ndarray:
    """The upper half of the first proposal."""
    mask = place.view.proposals.mask(0)
    rows = np.flatnonzero(mask.any(axis=1))
    return mask & (np.arange(len(mask)) < rows[len(rows) // 2])[:, None]


def mask_file(place: Place, mask_of: Callable[[Place], np.ndarray]) -> str:
    path = place.out / "mask.png"
    Image.fromarray(mask_of(place)).save(path)
    return str(path)


def write_corrected(place: Place) -> Path:
    """A COCO file of the run in which one mask has grown by two pixels."""
    first = str(place.view.proposals.proposal_id[0])
    content = coco(place.view, lambda proposal, mask: grown(mask, 2) if proposal == first else mask)
    return write(place.out / "corrected.json", content)


def reject_one(place: Place) -> None:
    curation.reject(place.view, [2])


def export_on_page(place: Place, settings: Any) -> Any:
    """What the button on the Name page hands to the browser, and what the command says of its file."""
    view, path = place.view, Path(settings.csv)
    path.write_bytes(names_file_panel.content(view))
    decided = curation.decided_in(view)
    return ExportedNames(view.run.id, str(path), 3, len(decided.names))


def first_proposals(place: Place) -> tuple[str, ...]:
    return tuple(str(p) for p in place.view.proposals.proposal_id[:2])


def first_images(place: Place) -> tuple[str, ...]:
    return tuple(str(i) for i in place.view.image_ids[:2])


CASES = {
    "discover": Case(
        lambda place: verb_settings.DiscoverSettings("clustering"),
        lambda place: replace(place.run.config, seed=3),
        words=lambda place: shlex.split(command_line(replace(place.run.config, seed=3), until="clustering")),
    ),
    "train": Case(
        lambda place: TrainSettings(make_training(**TINY)),
        words=lambda place: [
            *("comus", "train", place.run.id),
            *(word for name, value in TINY.items() for word in ("--set", f"{name}={value}")),
        ],
    ),
    "ablate": Case(
        lambda place: AblationSettings(make_training(**TINY), rows=("spectral",)),
        words=lambda place: [
            *("comus", "ablate", place.run.id, "--rows", "spectral"),
            *(word for name, value in TINY.items() for word in ("--set", f"{name}={value}")),
        ],
    ),
    "table": Case(
        lambda place: with_run_settings(
            TableSettings("5", dataset=place.run.config.dataset, rows=("k-means",)), place.run.config
        ),
        lambda place: None,
    ),
    "figure": Case(lambda place: FigureSettings("9", str(place.out / "figure.csv"), place.run.id), lambda place: None),
    "evaluate": Case(lambda place: verb_settings.EvaluateSettings(str(place.new)), lambda place: place.rounds[0]),
    "seeds": Case(lambda place: verb_settings.SeedsSettings((0, 3), protocol="majority")),
    "compare": Case(lambda place: verb_settings.CompareSettings(resamples=40), lambda place: place.rounds),
    "agreement": Case(lambda place: verb_settings.AgreementSettings(), lambda place: place.rounds),
    "predict": Case(
        lambda place: verb_settings.PredictSettings((str(place.new / "images"),), str(place.out / "masks")),
        lambda place: place.rounds[1],
    ),
    "add": Case(lambda place: verb_settings.AddSettings(str(place.new))),
    "import": Case(lambda place: verb_settings.ImportSettings(str(write_corrected(place)))),
    "how-many": Case(lambda place: verb_settings.HowManySettings(4, silhouette=False, evoc=False)),
    "similar": Case(
        lambda place: verb_settings.SimilarSettings(
            first_proposals(place), str(place.new / "images" / "new-000.png"), "nearest", top=3, move_to="apple"
        )
    ),
    "images": Case(
        lambda place: verb_settings.HealthSettings(verb_settings.HealthLimits(tiny=100)), lambda place: str(place.new)
    ),
    "exclude-from-dataset": Case(
        lambda place: verb_settings.DatasetExclusionSettings(("images/new-001.png", "images/new-004.png")),
        lambda place: str(place.new),
        page=lambda place, settings: excluded_panel.exclude_from_dataset(str(place.new), place.workspace, settings),
    ),
    "datasets-list": Case(
        lambda place: DatasetListSettings(str(place.new)),
        lambda place: None,
        page=lambda place, settings: published_form.rows(place.workspace, place.new),
    ),
    "datasets-download": Case(  # brought before: nothing is downloaded
        lambda place: DatasetDownloadSettings("voc2007-test", str(place.out)),
        lambda place: None,
        before=lambda place: (place.out / ".comus-voc2007-test").touch(),
    ),
    "datasets-check": Case(lambda place: DatasetCheckSettings(), lambda place: str(place.new)),
    "encoders-compare": Case(
        lambda place: EncoderCompareSettings(("efficientnet-lite0", "file:/nothing.npz"), most=4, clusters=2)
    ),
    "saliency-compare": Case(
        lambda place: SaliencyCompareSettings(
            ("mbd", "rbd", "trained:/nothing"), 4, seed=2, saliency=SaliencySettings(threshold=0.4, min_area=50)
        ),
        lambda place: str(place.new),
    ),
    "saliency-train": Case(
        lambda place: SaliencyTrainSettings(
            str(place.out / "detector.safetensors"), from_dict(SaliencyRecipe, LEARNED)
        ),
        lambda place: str(place.run.config.dataset),
    ),
    "saliency-predict": Case(
        lambda place: SaliencyPredictSettings(str(place.out / "maps"), SaliencySettings(detector="mbd")),
        lambda place: str(place.new),
    ),
    "bundle": Case(lambda place: verb_settings.BundleSettings(str(place.out / "run.zip"), images=False)),
    "report": Case(
        lambda place: verb_settings.ReportSettings((place.run.id,), str(place.out / "report.html")), lambda place: None
    ),
    "package": Case(
        lambda place: verb_settings.PackageSettings(str(place.out / "package"), scored_images=3),
        lambda place: place.rounds[1],
    ),
    "export": Case(
        lambda place: ExportSettings("coco", str(place.out / "coco.zip"), images="none", categories=("apple",)),
        lambda place: place.rounds[0],
    ),
    "objects": Case(lambda place: ObjectsSettings(str(place.out / "objects.csv"))),
    "open-bundle": Case(
        lambda place: verb_settings.OpenBundleSettings(),
        lambda place: place.zipped,
        page=lambda place, settings: bundles.open_bundle(place.zipped, place.workspace),
        before=lambda place: comus_core.delete(place.run, place.workspace),
    ),
    "relink": Case(
        lambda place: verb_settings.RelinkSettings(str(place.moved)),
        page=lambda place, settings: run_dialogs.relink_now(place.run, place.workspace, settings),
    ),
    "delete": Case(
        lambda place: verb_settings.DeleteSettings(),
        page=lambda place, settings: run_dialogs.delete_now(place.run, place.workspace),
        options=("--yes",),
    ),
    "clean": Case(
        lambda place: verb_settings.CleanSettings(unfinished=False),
        lambda place: None,
        page=lambda place, settings: disk_panel.clean(place.workspace, settings),
        options=("--yes",),
    ),
    "verify": Case(
        lambda place: verb_settings.VerifySettings(),
        lambda place: None,
        page=lambda place, settings: disk_panel.verify(place.workspace),
    ),
    "disk": Case(
        lambda place: verb_settings.DiskSettings(),
        lambda place: None,
        page=lambda place, settings: disk_panel.disk_use(place.workspace),
    ),
    "rename": edit(edit_settings.RenameSettings("2", "bird"), lambda view: curation.rename(view, 2, "bird")),
    "reset-name": edit(edit_settings.ResetNameSettings("apple"), lambda view: curation.reset_name(view, 1)),
    "merge": edit(edit_settings.MergeSettings(("apple", "2")), lambda view: curation.merge(view, [1, 2])),
    "split": edit(
        edit_settings.SplitSettings("apple"), lambda view: curation.split(view, curation.propose_split(view, 1, 2))
    ),
    "reject": edit(edit_settings.RejectSettings(("2",)), lambda view: curation.reject(view, [2])),
    "restore": edit(edit_settings.RestoreSettings(("2",)), lambda view: curation.restore(view, [2]), reject_one),
    "move": Case(
        lambda place: edit_settings.MoveSettings(first_proposals(place), "apple"),
        page=lambda place, settings: curation.move(place.view, settings.proposals, 1),
    ),
    "new": Case(
        lambda place: edit_settings.CreateSettings("vehicles", first_proposals(place)),
        page=lambda place, settings: curation.create(place.view, settings.name, settings.proposals),
    ),
    "put-back": Case(
        lambda place: edit_settings.PutBackSettings(first_proposals(place)),
        page=lambda place, settings: curation.put_back(place.view, settings.proposals),
        before=lambda place: curation.erase(place.view, first_proposals(place)),
    ),
    "exclude": Case(
        lambda place: edit_settings.ExcludeSettings(first_images(place)),
        page=lambda place, settings: curation.exclude(place.view, settings.images),
    ),
    "include": Case(
        lambda place: edit_settings.IncludeSettings(first_images(place)),
        page=lambda place, settings: curation.include(place.view, settings.images),
        before=lambda place: curation.exclude(place.view, first_images(place)),
    ),
    "accept": Case(
        lambda place: edit_settings.AcceptSettings(first_proposals(place)),
        page=lambda place, settings: curation.accept(place.view, settings.proposals),
    ),
    "erase": Case(
        lambda place: edit_settings.EraseSettings(first_proposals(place)),
        page=lambda place, settings: curation.erase(place.view, settings.proposals),
    ),
    "redraw": Case(
        lambda place: edit_settings.RedrawSettings(first_proposals(place)[0], grow=3),
        page=lambda place, settings: curation.redraw(
            place.view, settings.proposal, grown(place.view.proposals.mask(0), 3)
        ),
    ),
    "draw": Case(
        lambda place: edit_settings.DrawSettings(
            first_images(place)[0], mask_file(place, drawn_mask), category="apple"
        ),
        page=lambda place, settings: curation.draw(
            place.view, settings.image, [curation.NewObject(drawn_mask(place), 1)]
        ),
    ),
    "separate": Case(
        lambda place: edit_settings.SeparateSettings(
            first_proposals(place)[0], mask=mask_file(place, half_mask), new_category="part"
        ),
        page=lambda place, settings: curation.separate(
            place.view, settings.proposal, [curation.NewObject(half_mask(place), "part")]
        ),
    ),
    "filter": edit(
        edit_settings.FilterSettings(35.0, cluster="apple"), lambda view: curation.set_filter(view, 35.0, cluster=1)
    ),
    "undo": edit(edit_settings.UndoSettings(), curation.undo),
    "redo": edit(edit_settings.RedoSettings(), curation.redo, lambda place: curation.undo(place.view)),
    "export-names": Case(
        lambda place: edit_settings.ExportNamesSettings(str(place.out / "names.csv")), page=export_on_page
    ),
    "import-names": Case(
        lambda place: edit_settings.ImportNamesSettings(str(write_names(place.out / "in.csv"))),
        page=lambda place, settings: curation.import_names(place.view, read_names(Path(settings.from_).read_bytes())),
    ),
}

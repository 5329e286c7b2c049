"""An export before its work: which images with which files, which categories with which names, and in which split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comus_core import __version__
from comus_core.errors import SettingsError
from comus_core.export.category_table import categories_of
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.export.export_scope import source_of
from comus_core.export.format import OPTIONS, ExportFormat, ExportPlan
from comus_core.export.image_files import SHOWN, exported_paths
from comus_core.export.near_duplicates import near_duplicates
from comus_core.export.object_source import ObjectSource, Scope, SourceImage
from comus_core.export.records import ExportImage
from comus_core.export.splits import TRAIN, VAL, split_of
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.runs.run_round import RunRound
from comus_core.settings import require, to_dict
from comus_core.types import ImageId, OnProgress, no_progress
from comus_core.weights.registry import REGISTRY
from comus_core.workspace import Workspace
from comus_core.workspace.artifacts import digest

NOT_CONTENT = ("out", "force")  # settings that change nothing in the files


@dataclass(frozen=True)
class PlannedExport:
    """A plan with where its objects come from.

    Attributes:
        sha256: of each image file when the run read it.
        notes: sentences for the user on names that had to change.
    """

    plan: ExportPlan
    format: ExportFormat
    source: ObjectSource
    scope: Scope
    sha256: Mapping[ImageId, str]
    notes: tuple[str, ...] = ()

    @property
    def keeps_empty(self) -> bool:
        """Whether images without exported objects are written."""
        empty = self.plan.settings.empty
        return empty == "keep" or (empty == "auto" and self.scope.whole)

    @property
    def reads_images(self) -> bool:
        """Whether image files are read, so that they must be those of the run."""
        return self.format.pictures == "needed" or self.copies_images

    @property
    def copies_images(self) -> bool:
        """Whether image files lie beside."""
        wanted = self.plan.settings.images != "none"
        return self.format.pictures == "always" or (self.format.pictures == "beside" and wanted)

    @property
    def key(self) -> str:
        """16 hex digits that are equal for exports with the same files."""
        settings = {k: v for k, v in to_dict(self.plan.settings).items() if k not in NOT_CONTENT}
        categories = [(c.id, c.name) for c in self.plan.categories]
        images = [(i.id, i.file, i.split, str(i.root), self.sha256[i.id]) for i in self.plan.images]
        made_by = [__version__, self.format.name, self.format.version]
        return digest([made_by, dict(self.plan.about), settings, categories, digest(images)])[:16]


def planned(
    subject: RunRound,
    workspace: Workspace,
    settings: ExportSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    splits: bool = True,
) -> PlannedExport:
    """What an export would write; without `splits`, which may have to read every image, all are in one.

    Raises:
        SettingsError: an unknown format, an option that it does not have, more categories than it can hold.
        WorkspaceError: see `export_scope.source_of`.
    """
    kind = EXPORT_FORMATS.named(settings.format)
    settings = filled(settings, kind)
    needs = kind.pictures == "always" and settings.images == "none"
    require(not needs, f"images none: the format {kind.name} is read together with its images; use copy or link")
    source, scope = source_of(subject, workspace, settings, device, on_progress)
    categories, notes = categories_of(source.categories, kind.name_of, kind.most_categories, kind.title)
    images = list(source.images)
    split: Mapping[ImageId, str] = {}
    if settings.validation and splits:
        require(len(images) >= 2, f"a split of {len(images)} images: there must be at least 2")
        groups = near_duplicates(workspace, source.checked, images, on_progress)
        split = split_of([i.id for i in images], groups, settings.validation, settings.seed)
    plan = ExportPlan(
        settings=settings,
        categories=categories,
        images=_images(images, kind, split),
        splits=(TRAIN, VAL) if split else ("",),
        about=_about(subject, settings, kind, source),
    )
    return PlannedExport(plan, kind, source, scope, {i.id: i.sha256 for i in images}, tuple(notes))


def filled(settings: ExportSettings, kind: ExportFormat) -> ExportSettings:
    """The settings with the format's defaults.

    Raises:
        SettingsError: an option that the format does not have.
    """
    given = [name for name in OPTIONS if getattr(settings, name) not in (None, False)]
    wrong = [name for name in given if name not in kind.options]
    if wrong:
        having = ", ".join(f.name for f in EXPORT_FORMATS.values() if wrong[0] in f.options)
        raise SettingsError(f"{wrong[0]}: the format {kind.name} does not have this option; those that do: {having}")
    return replace(settings, **{k: v for k, v in kind.option_defaults.items() if k not in given})


def _images(images: Sequence[SourceImage], kind: ExportFormat, split: Mapping[ImageId, str]) -> tuple[ExportImage, ...]:
    paths = exported_paths([image.relative for image in images], kind.suffixes or SHOWN, kind.flat)
    return tuple(
        ExportImage(
            id=image.id,
            number=number,
            file=kind.image_file(paths[image.relative], split.get(image.id, "")),
            root=image.root,
            relative=image.relative,
            height=image.height,
            width=image.width,
            split=split.get(image.id, ""),
        )
        for number, image in enumerate(images, 1)
    )


def _about(subject: RunRound, settings: ExportSettings, kind: ExportFormat, source: ObjectSource) -> dict[str, Any]:
    """The head of `comus.json`. Nothing in it depends on when or where the files are written."""
    run = subject.run
    weights = [entry["name"] for entry in run.provenance.get("weights", {}).values()]
    return {
        "program": "COMUS Explorer",
        "version": __version__,
        "format": {"name": kind.name, "version": kind.version},
        "run": run.id,
        "name": run.name,
        "synthetic": bool(run.provenance.get("synthetic", False)),
        "dataset": settings.dataset or run.config.dataset,
        **source.about,
        "settings": {k: v for k, v in to_dict(settings).items() if k not in NOT_CONTENT},
        "supervision": subject.supervision,
        "licences": {
            name: {"licence": REGISTRY[name].licence, "non_commercial": REGISTRY[name].non_commercial}
            for name in dict.fromkeys(weights)
            if name in REGISTRY
        },
    }

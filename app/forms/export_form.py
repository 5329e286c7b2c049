"""What the Export page requests: its choices as settings, as a command and as a job. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.data.round_data import rounds_of_run
from app.forms import verb_form
from comus_core.datasets.allowed_folders import allowed, allowed_dataset, image_roots
from comus_core.errors import ComusError, SettingsError
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.export.format import ExportFormat
from comus_core.jobs import Job, list_jobs
from comus_core.jobs.logs import read_result
from comus_core.pipelines.export_settings import EmptyImages, ExportSettings, ImageFiles, MaskCode
from comus_core.pipelines.kept_files import KEY, KeptExport, export_file, kept_exports
from comus_core.runs.run_round import RunRound
from comus_core.settings import to_dict
from comus_core.workspace import Run, Workspace
from comus_core.workspace.artifacts import digest

Scope = Literal["all", "core", "accepted", "selection", "these"]
MOST_NAMED = 20  # objects that the equivalent command names
SOME = "IDS"  # stands in the command for the ids of more


@dataclass(frozen=True)
class ExportChoices:
    """What is chosen on the page.

    Attributes:
        round: whose objects; number 0 is the clusters.
        format: its name.
        scope: which objects; `selection` on the map, `these` of `proposals`.
        categories: stable ids; empty for all.
        selection: key of the selection on the map.
        proposals: ids of objects that a person selected.
        dataset: other images that the round is applied to; "" for its own.
        images: what happens to the image files.
        empty: images without exported objects.
        masks, tolerance, margin, cutout: options that only some formats follow.
        validation: share of the images in the split val; 0 for no split.
        seed: of the split.
        folder: on the server; "" makes a zip to download.
    """

    round: RunRound
    format: str
    scope: Scope = "all"
    categories: tuple[int, ...] = ()
    selection: str = ""
    proposals: tuple[str, ...] = ()
    dataset: str = ""
    images: ImageFiles = "copy"
    empty: EmptyImages = "auto"
    masks: MaskCode | None = None
    tolerance: float | None = None
    margin: float | None = None
    cutout: bool = False
    validation: float = 0.0
    seed: int = 0
    folder: str = ""

    @property
    def kind(self) -> ExportFormat:
        """The format."""
        return EXPORT_FORMATS.named(self.format)

    @property
    def zip_name(self) -> str:
        """The name of the file to download."""
        number = f"-round-{self.round.number}" if self.round.number else ""
        return f"{self.round.run.id}{number}-{self.format}.zip"


def formats() -> dict[str, str]:
    """Name -> title of each format, those of other packages last."""
    return {name: kind.title for name, kind in EXPORT_FORMATS.items()}


def scopes(one: RunRound, selected: int, these: int) -> dict[Scope, str]:
    """The scopes that a round offers; the numbers are of the map's selection and of the objects that came along."""
    words: dict[Scope, str] = {"all": "All objects"}
    if one.number:
        return words
    words |= {"core": "Core only", "accepted": "Accepted"}
    words |= {"selection": f"Map selection ({selected:,})"} if selected else {}
    return words | ({"these": f"Selected objects ({these:,})"} if these else {})


def image_choices(kind: ExportFormat, zipped: bool) -> dict[ImageFiles, str]:
    """What can become of the image files; none where the format decides."""
    if kind.pictures in ("needed", "never"):
        return {}
    words: dict[ImageFiles, str] = {"copy": "Copy"}
    words |= {} if zipped else {"link": "Link"}
    return words | ({"none": "Leave out"} if kind.pictures == "beside" else {})


def settings_of(chosen: ExportChoices, out: str) -> ExportSettings:
    """The settings of a form's choices: only options that the format follows.

    Raises:
        SettingsError: choices that exclude each other.
    """
    kind = chosen.kind
    offered = image_choices(kind, not chosen.folder)
    options = {name: getattr(chosen, name) for name in kind.options}
    if chosen.scope == "selection" and not chosen.selection:
        raise SettingsError("nothing is selected on the map: draw a lasso there, or export all objects")
    if chosen.scope == "these" and not chosen.proposals:
        raise SettingsError("no object is selected: select some on Clusters or on the map, or export all objects")
    return ExportSettings(
        format=chosen.format,
        out=out,
        images=chosen.images if chosen.images in offered else "copy",
        objects=chosen.scope if chosen.scope in ("core", "accepted") else "all",
        categories=tuple(map(str, chosen.categories)),
        proposals=chosen.proposals if chosen.scope == "these" else (),
        selection=chosen.selection if chosen.scope == "selection" else "",
        dataset=chosen.dataset or None,
        validation=chosen.validation,
        seed=chosen.seed if chosen.validation else 0,
        empty=chosen.empty,
        **options,
    )


def checked(workspace: Workspace, chosen: ExportChoices) -> ExportSettings:
    """The settings as they are previewed and started, a folder or data set of the user checked.

    Raises:
        ComusError: a folder or data set outside the allowed folders, or choices that exclude each other.
    """
    roots = image_roots(workspace.root)
    out = str(allowed(chosen.folder, roots)) if chosen.folder else chosen.zip_name
    if chosen.folder and Path(out).suffix.lower() == ".zip":
        raise SettingsError(f"{out}: give a folder; a zip is what Download makes")
    wanted = settings_of(chosen, out)
    dataset = allowed_dataset(chosen.dataset, roots) if chosen.dataset else None
    return replace(wanted, dataset=dataset)


def start(workspace: Workspace, chosen: ExportChoices) -> Job:
    """Queue the export, or give the job that does the same already.

    Raises:
        ComusError: settings that cannot work, or the supervisor does not start.
    """
    wanted = checked(workspace, chosen)
    if not chosen.folder:
        key = digest({"round": chosen.round.key, **to_dict(wanted)})[:16]
        out = export_file(workspace, chosen.round.run.id, key, chosen.zip_name)
        wanted = replace(wanted, out=str(out))
    return verb_form.submit_verb(workspace, "export", chosen.round, wanted)


def last_job(workspace: Workspace, run: Run) -> Job | None:
    """The newest export of a round of this run, or None."""
    return verb_form.last_job(workspace, "export", *rounds_of_run(workspace, run))


def download_of(workspace: Workspace, run: Run, job: Job) -> KeptExport | None:
    """The zip that an export job made for download; None where it wrote a folder, or the zip was deleted."""
    return {str(kept.path): kept for kept in kept_exports(workspace, run.id)}.get(str(job.settings["out"]))


def decisions_in(workspace: Workspace) -> dict[str, int]:
    """Path of an exported zip or folder -> version of the decisions in it; of the last job that wrote it."""
    found: dict[str, int] = {}
    for job in list_jobs(workspace, ("done",)):
        if job.kind == "export" and str(job.settings["out"]) not in found:
            with suppress(ComusError, KeyError):  # its result is gone, the export is not
                found[str(job.settings["out"])] = int(read_result(job)["decisions"])
    return found


def is_kept(out: str) -> bool:
    """Whether a path is that of a zip for download."""
    return out.endswith(".zip") and bool(KEY.fullmatch(Path(out).parent.name))


def command_line(workspace: Workspace, chosen: ExportChoices) -> str:
    """The command that does the same; of many objects it does not name the ids.

    Raises:
        SettingsError: choices that exclude each other.
    """
    wanted = settings_of(chosen, chosen.folder or chosen.zip_name)
    if len(wanted.proposals) > MOST_NAMED:
        wanted = replace(wanted, proposals=(SOME,))
    return verb_form.command(workspace, "export", chosen.round, wanted)


def option_words(name: str) -> Mapping[str, str]:
    """Label and tooltip of an option that only some formats follow."""
    return {
        "masks": {"label": "Masks as", "help": "Run lengths are exact; polygons can be edited point by point."},
        "tolerance": {"label": "Tolerance, pixels", "help": "How far the outline of a polygon may be from its mask."},
        "margin": {
            "label": "Margin around crops, %",
            "help": "Share of the longer side of the box; 0 is tight around the object.",
        },
        "cutout": {"label": "Make the background transparent", "help": "Crops become PNG files with transparency."},
    }[name]

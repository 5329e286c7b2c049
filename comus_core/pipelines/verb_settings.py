"""What each verb can be asked for, beside its subject: one frozen settings class a verb. Imports no torch.

The same object is made by Python, by the command line and by a page's form, and is stored as JSON with a job.
Those of `train` and `ablate` are in `training.settings`, those of the decisions on clusters in `edit_settings`; what
`discover` finds the categories of, and how, is its subject, a `RunConfig`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from comus_core.config import Assign, Matching, NumberBy, ProtocolName, TruthSettings
from comus_core.evaluation.bootstrap import RESAMPLES
from comus_core.settings import Positive, Seed, require, settings
from comus_core.types import STAGES, SimilarBy, StageName


@settings
class DiscoverSettings:
    """Find the object categories of a data set."""

    until: StageName = STAGES[-1]
    """The last stage to run."""


@settings
class EvaluateSettings:
    """Score a run, or a trained round of it, by any protocol, on its own images or on another data set."""

    dataset: str | None = None
    """The data set to score on: a folder with masks, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo; default: the one that the
    round is scored on already."""
    protocol: ProtocolName | None = None
    """comus: original resolution, matched one to one by IoU; cause: 320 pixels, matched by pixels, mirrored image and
    CRF, of networks; majority: each cluster its best class. Default: as the matching says."""
    matching: Matching | None = None
    """How categories are matched to classes; default: as in the run's settings."""
    matching_from: str | None = None
    """Another run whose cluster-to-class matching is frozen and used here."""
    matched_on: str | None = None
    """Another data set, such as a training split, on which the round is matched; that matching is used here."""
    assign: Assign | None = None
    """How proposals get a category in round 0: nearest (default: nearest neighbours) or nystrom."""

    def __post_init__(self) -> None:
        named = self.protocol is None or self.matching is None
        require(named, f"protocol {self.protocol} says how categories are matched: leave matching {self.matching} out")
        twice = self.matching_from is None or self.matched_on is None
        require(twice, "matching_from and matched_on: a matching is taken from one place; give one of the two")


@settings
class SeedsSettings:
    """Repeat a run with several seeds, its training too, and score every round: mean ± standard deviation."""

    seeds: tuple[Seed, ...] = (0, 1, 2)
    """The seeds; that of the run itself is not run again."""
    protocol: ProtocolName | None = None
    """How every round is scored: comus, cause or majority; default: as in the run's settings."""
    train: bool = False
    """Also train each, with the settings of the run's last training."""

    def __post_init__(self) -> None:
        require(bool(self.seeds), "no seed: give at least one, better three or more")
        require(len(set(self.seeds)) == len(self.seeds), f"a seed is given twice: {', '.join(map(str, self.seeds))}")


@settings
class CompareSettings:
    """Compare two rounds on the same images by a paired bootstrap over the images."""

    dataset: str | None = None
    """The data set to score both on; default: the runs' own."""
    resamples: Positive = RESAMPLES
    """Bootstrap resamples of the images."""
    seed: Seed = 0
    """Seed of the resamples."""
    fixed_matching: bool = False
    """Match once on all images, not anew in every resample."""
    matching: Matching | None = None
    """How categories are matched to classes; default: as in each run's settings."""


@settings
class AgreementSettings:
    """Measure how far two rounds agree where there is no ground truth: the first stands in its place."""

    matching: Matching | None = None
    """How categories of the second are matched to those of the first; default: as in the first run's settings."""


@settings
class PredictSettings:
    """Predict masks of new images."""

    images: tuple[str, ...]
    """Image files, folders or a data set."""
    out: str
    """The folder for masks/, classes.txt and predictions.json."""
    force: bool = False
    """Also write into a folder that holds other files: those named like a result are replaced."""
    network_only: bool = False
    """Masks of the network alone, as a package of the round gives them: no saliency, classifier or object vote."""

    def __post_init__(self) -> None:
        require(bool(self.images), "images: give image files, folders or a data set")
        require(bool(self.out), "out: give a folder for the masks")


@settings
class AddSettings:
    """Add new images to a run: each proposal gets the cluster that fits it best."""

    dataset: str
    """The data set of the new images."""
    assign: Assign | None = None
    """nystrom (default where clusters are spectral) or nearest."""

    def __post_init__(self) -> None:
        require(bool(self.dataset), "no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")


@settings
class ImportSettings:
    """Bring masks, names and categories of a label tool into a run; changed masks become a new run beside it."""

    path: str
    """The file, folder or zip to import: of this program's export, or of any tool with one of the formats."""
    format: str | None = None
    """coco, label-studio, cvat, labelme, yolo, voc, index-masks or csv; default: found by looking at the file."""
    preview: bool = False
    """Only say what would change."""
    missing: Literal["auto", "remove", "keep"] = "auto"
    """An object that is missing in the file, though its image is listed there: remove it, keep it, or remove it only
    where the file says that it was exported with it."""
    boxes: Literal["name", "fill"] = "name"
    """A box without mask: it only names the proposal that it encloses, or becomes a mask of all its pixels."""
    tolerance: Annotated[float, Field(ge=0, le=50)] | None = None
    """Pixels by which the edge of a polygon may differ from a mask and still be the same; default: 1.5."""
    version: Annotated[int, Field(ge=0)] | None = None
    """Import only if the run's last decision still is this one, on which a preview was based."""
    content: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Import only if the file still has this SHA-256, which a preview gave."""

    def __post_init__(self) -> None:
        require(bool(self.path), "path: give a file, a folder or a zip to import")


@settings
class HowManySettings:
    """Estimate the number of clusters: stability, eigengap, Leiden communities, silhouette after UMAP, EVōC."""

    most: Annotated[int, Field(ge=2)] | None = None
    """The largest number to try; default: 100, or as many as leave 5 proposals to each."""
    silhouette: bool = True
    """The silhouette after UMAP, by which encoders can be compared too."""
    evoc: bool = True
    """EVōC's own number, where the package is installed."""

    @property
    def curves(self) -> tuple[NumberBy, ...]:
        """Names of the curves wanted."""
        more: dict[NumberBy, bool] = {"silhouette": self.silhouette, "evoc": self.evoc}
        return ("stability", "eigengap", "leiden", *(name for name, on in more.items() if on))


@settings
class SimilarSettings:
    """Rank the proposals of a run by their similarity to some of them, or to an image and the objects in it.

    What is found can be moved to a cluster, as one decision.
    """

    proposals: tuple[str, ...] = ()
    """Ids of the proposals to compare with."""
    picture: str | None = None
    """An image file to compare with: each object that the run's detector finds in it, or all of it if there is none."""
    by: SimilarBy = "mean"
    """Similar to the mean of what is compared with, or to the nearest of it."""
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None
    """List all proposals whose similarity (a cosine, −1 to 1) is at least this; default: the most similar ones."""
    top: Positive | None = None
    """List so many; default: 24, unless there is a threshold."""
    move_to: str | None = None
    """Id or name of a cluster, or a new name: move what is listed there, with the proposals compared with."""

    def __post_init__(self) -> None:
        require(bool(self.proposals or self.picture), "nothing to compare with: give ids of proposals, or an image")
        require(
            self.threshold is None or self.top is None,
            f"threshold {self.threshold} and top {self.top}: give one of the two",
        )


@settings
class HealthLimits:
    """Where an image begins to be suspicious; each only says "look at it"."""

    tiny: Annotated[int, Field(ge=0)] = 64
    """Pixels of the shorter side below which an image is tiny: four patches of 16."""
    dark: Annotated[float, Field(ge=0)] = 0.3
    """Brightness below which an image is dark."""
    blurry: Annotated[float, Field(ge=0)] = 50.0
    """Sharpness below which an image is blurry."""
    near_bits: Annotated[int, Field(ge=0, le=64)] = 4
    """Bits of the perceptual hash in which near duplicates differ at most."""
    flat: Annotated[float, Field(ge=0)] = 0.02
    """Contrast below which an image has no near duplicates, since its hash is of noise."""


@settings
class HealthSettings:
    """Check the images of a data set: unreadable, duplicate, tiny, dark or blurry ones, and its ground truth."""

    limits: HealthLimits = field(default_factory=HealthLimits)
    truth: TruthSettings = field(default_factory=TruthSettings)
    exclude_duplicates: bool = False
    """List the images to exclude so that one of each group of duplicates stays."""
    exclude_list: str | None = None
    """A .txt file to write that list to; `comus run --exclude` reads it."""

    def __post_init__(self) -> None:
        named = self.exclude_list is None or (self.exclude_duplicates and self.exclude_list.endswith(".txt"))
        require(named, f"exclude_list {self.exclude_list}: give a .txt file, together with exclude_duplicates")


@settings
class DatasetExclusionSettings:
    """Exclude images of a data set from later runs, or include them again."""

    images: tuple[str, ...] = ()
    """Ids of the images, or their paths below the folder; none: list what is excluded."""
    duplicates: bool = False
    """Exclude all but one image of each group of duplicates that the last check found."""
    include: bool = False
    """Include the images again."""
    undo: bool = False
    """Undo the last exclusion or inclusion."""
    last: int | None = None
    """Undo only if the last step still has this number."""

    def __post_init__(self) -> None:
        require(not (self.undo and (self.images or self.duplicates or self.include)), "undo: give no images with it")
        require(not (self.include and self.duplicates), "include: name the images, without duplicates")


@settings
class BundleSettings:
    """Pack a run into one zip file for a colleague."""

    out: str
    """The zip file to write."""
    images: bool = True
    """Put the image files into the zip too; without them the pages show masks on grey."""
    force: bool = False
    """Replace a file that this program did not write."""


@settings
class ReportSettings:
    """Write a report on a run, or on several and how they compare, as one HTML or Markdown file."""

    runs: tuple[str, ...]
    """The runs to report on; several are compared."""
    out: str
    """The file to write: FILE.html, with all images inside, or FILE.md, its tables alone."""
    force: bool = False
    """Replace a file that this program did not write."""

    def __post_init__(self) -> None:
        require(bool(self.runs), "runs: give at least one run")
        require(len(set(self.runs)) == len(self.runs), f"a run is given twice: {', '.join(self.runs)}")
        known = self.out.lower().endswith((".html", ".htm", ".md"))
        require(known, f"out {self.out}: give a file that ends in .html or .md")

    @property
    def as_markdown(self) -> bool:
        """Whether the file is Markdown."""
        return self.out.lower().endswith(".md")


@settings
class PackageSettings:
    """Package a trained round for other programs: ONNX, torch.export and safetensors files, with a model card."""

    out: str
    """The folder to make; one that is there must be empty."""
    int8: bool = False
    """Also write an 8-bit ONNX model, calibrated on images of the run."""
    example: bool = True
    """Put an image of the run into the package, with the mask to expect of it."""
    scored_images: Annotated[int, Field(ge=0)] = 100
    """Images that the package is compared with `comus predict` on, and scored if they have ground truth; 0: none."""

    def __post_init__(self) -> None:
        require(bool(self.out), "out: give a folder for the package")


@settings
class OpenBundleSettings:
    """Open a zip that `comus bundle` wrote, as a read-only run; `demo` is a finished run that ships with COMUS."""


@settings
class RelinkSettings:
    """Read the images of a run from another folder, where they are recognised by their content; decisions stay."""

    folder: str
    """The folder in which the images are now."""


@settings
class DeleteSettings:
    """Delete a run, its decisions, and the artifacts that no other run uses; the images stay."""


@settings
class CleanSettings:
    """Free disk space: remove artifacts that no run needs. Images and decisions stay."""

    unused: bool = True
    """Artifacts that no run needs: left by settings, decisions or weights that have changed since."""
    unfinished: bool = True
    """Leftovers of interrupted work that nothing will continue."""
    stopped: bool = False
    """Finished shards of stopped jobs and runs, from which these would resume."""
    transfers: bool = False
    """Scores of runs on other data sets (`comus evaluate RUN DATASET`)."""
    pictures: bool = False
    """Images drawn for the pages; they are drawn again when needed."""
    kept: bool = False
    """Exports and packages to download, and uploaded annotations."""


@settings
class VerifySettings:
    """Read every artifact of the workspace and compare it with its manifest."""


@settings
class DiskSettings:
    """Show the disk space that every run, every artifact and the rest of the workspace take."""

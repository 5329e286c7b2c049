"""What each verb can be asked for, beside its subject: one frozen settings class a verb. Imports no torch.

The same object is made by Python, by the command line and by a page's form, and is stored as JSON with a job.
Those of `train` and `ablate` are in `training.settings`, those of the decisions on clusters in `edit_settings`; what
`discover` finds the categories of, and how, is its subject, a `RunConfig`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pydantic import Field

from comus_core.config import Assign, Matching, TruthSettings
from comus_core.evaluation.bootstrap import RESAMPLES
from comus_core.settings import Positive, Seed, require, settings
from comus_core.types import STAGES, StageName


@settings
class DiscoverSettings:
    """Find the object categories of a data set."""

    until: StageName = STAGES[-1]
    """The last stage to run."""


@settings
class EvaluateSettings:
    """Score a run, or a trained round of it, on another data set."""

    dataset: str
    """The data set to score on: a folder with masks, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo."""
    matching: Matching | None = None
    """How categories are matched to classes; default: as in the run's settings."""
    matching_from: str | None = None
    """Another run whose cluster-to-class matching is frozen and used here."""
    assign: Assign | None = None
    """How proposals get a category in round 0: nearest (default: nearest neighbours) or nystrom."""


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
class HowManySettings:
    """Estimate the number of clusters by stability, eigengap and Leiden communities."""

    most: Annotated[int, Field(ge=2)] | None = None
    """The largest number to try; default: 100, or as many as leave 5 proposals to each."""


@settings
class SimilarSettings:
    """Find the proposals of a run that look most like an image, and like each object in it."""

    picture: str
    """An image file."""
    most: Positive = 24
    """Proposals to list for each object."""


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
class OpenBundleSettings:
    """Open a zip that `comus bundle` wrote, as a read-only run of this workspace."""


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


@settings
class VerifySettings:
    """Read every artifact of the workspace and compare it with its manifest."""


@settings
class DiskSettings:
    """Show the disk space that every run, every artifact and the rest of the workspace take."""

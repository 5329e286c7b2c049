"""Small real inputs for tests: drawn photographs with exact masks, and vectors that fit them."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from comus_core import open_workspace, predict
from comus_core.evaluation.image_rows import ImageRows
from comus_core.pipelines.verb_settings import PredictSettings
from comus_core.proposals.table import Proposals
from comus_core.runs.run_round import find_round
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace import Run, Workspace

# A training of a second: a round of an epoch, of a small network on small crops.
TINY_TRAINING = {
    "optimisation.crop": 64,
    "optimisation.batch": 8,
    "prediction.size": 64,
    "network.head_channels": 16,
    "epochs": 1,
    "rounds": 1,
}
CLASSES = ("disc", "square", "bar")
_COLOURS = {"disc": (200, 60, 50), "square": (60, 90, 210), "bar": (70, 180, 80)}
_RAMP = [v for k in range(256) for v in (k, k, k)]


def draw_folder(folder: Path, count: int = 30, seed: int = 0, empty: int = 2) -> Path:
    """A folder with `images/`, `masks/`, `classes.txt`; the last `empty` images hold nothing."""
    rng = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    (folder / "classes.txt").write_text("\n".join(("background", *CLASSES)) + "\n")
    for number in range(count):
        kind = None if number >= count - empty else CLASSES[number % len(CLASSES)]
        image, mask = _scene(rng, kind)
        image.save(folder / "images" / f"{number:03d}.png")
        mask.save(folder / "masks" / f"{number:03d}.png")
    return folder


def draw_several(folder: Path, count: int = 24, seed: int = 0) -> Path:
    """As `draw_folder`, with one, two and three objects in turn that do not touch, of different classes."""
    rng = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    (folder / "classes.txt").write_text("\n".join(("background", *CLASSES)) + "\n")
    for number in range(count):
        kinds = [CLASSES[(number + k) % len(CLASSES)] for k in range(1 + number % 3)]
        image, mask = _scene(rng, None, (70 * len(kinds), 80))
        for place, kind in enumerate(kinds):
            size = int(rng.integers(28, 44))
            x, y = 70 * place + int(rng.integers(4, 66 - size)), int(rng.integers(4, 76 - size))
            for canvas, fill in ((image, _COLOURS[kind]), (mask, CLASSES.index(kind) + 1)):
                _draw(ImageDraw.Draw(canvas), kind, x, y, size, fill)
        image.save(folder / "images" / f"{number:03d}.png")
        mask.save(folder / "masks" / f"{number:03d}.png")
    return folder


def write_object_vectors(proposals: Proposals, folder: Path, file: Path, noise: float = 0.3) -> Path:
    """Vectors of proposals of a drawn folder: one direction for each class under their masks, plus noise."""
    rng = np.random.default_rng(0)
    centres, vectors = 3 * rng.standard_normal((len(CLASSES), 16)), []
    for row, image_id in enumerate(proposals.image_id):
        truth = np.asarray(Image.open(folder / "masks" / f"{Path(image_id).stem}.png"))
        vectors.append(centres[truth[proposals.mask(row)].max() - 1] + noise * rng.standard_normal(16))
    np.savez(file, proposal_id=proposals.proposal_id.astype(str), features=np.array(vectors, np.float32))
    return file


def write_vectors(folder: Path, file: Path, noise: float = 0.3, seed: int = 0) -> Path:
    """Vectors of the proposals that `masks:` finds in a drawn folder: one direction a class, plus noise."""
    rng = np.random.default_rng(seed)
    centres = 3 * rng.standard_normal((len(CLASSES), 16))
    ids, vectors = [], []
    for path in sorted((folder / "masks").glob("*.png")):
        values = np.unique(np.asarray(Image.open(path)))
        if len(values) > 1:
            ids.append(f"images/{path.stem}.png#0")
            vectors.append(centres[values.max() - 1] + noise * rng.standard_normal(16))
    np.savez(file, proposal_id=np.array(ids), features=np.array(vectors, np.float32))
    return file


def _scene(
    rng: np.random.Generator, kind: str | None, size_wh: tuple[int, int] | None = None
) -> tuple[Image.Image, Image.Image]:
    width, height = size_wh or (int(v) for v in rng.integers(80, 130, 2))
    ground = rng.integers(90, 160, 3) + 12 * rng.standard_normal((height, width, 3))
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    mask = Image.new("P", image.size, 0)
    mask.putpalette(_RAMP)
    if kind is not None:
        size = int(rng.integers(28, 44))
        x, y = int(rng.integers(4, width - size - 4)), int(rng.integers(4, height - size - 4))
        for canvas, fill in ((image, _COLOURS[kind]), (mask, CLASSES.index(kind) + 1)):
            _draw(ImageDraw.Draw(canvas), kind, x, y, size, fill)
    return image, mask


def _draw(draw: ImageDraw.ImageDraw, kind: str, x: int, y: int, size: int, fill: object) -> None:
    if kind == "disc":
        draw.ellipse((x, y, x + size, y + size), fill=fill)
    elif kind == "square":
        draw.rectangle((x, y, x + size, y + size), fill=fill)
    else:
        draw.rectangle((x, y + size // 4, x + size, y + 3 * size // 4), fill=fill)


def copy_of(finished: tuple[Workspace, Run], folder: Path) -> tuple[Workspace, Run]:
    """A finished (workspace, run) once more, below `folder`: to be changed at will."""
    shutil.copytree(finished[0].root, folder / "w")
    workspace = open_workspace(folder / "w")
    return workspace, workspace.runs.get(finished[1].id)


def contingency(counts, predicted, categories):
    """The (C + 1, n) table of proposals whose categories are given by id; a proposal left out is background."""
    rows = counts.rows_of(list(predicted))
    return ImageRows.of_counts(counts, rows, np.array([*predicted.values()], np.int64), categories).contingency


def score_run(workspace, run, decided=None, mode=None):
    """Both scores of a stored run's clusters: `every` proposal, and `filtered`; `coverage`, and what was `matched`."""
    view, decided = open_run_view(workspace, run), decided or workspace.decisions_of(run)
    every, filtered = (score_clusters(view, decided, mode, filtered=f) for f in (False, True))
    return SimpleNamespace(
        every=every.score, filtered=filtered.score, coverage=filtered.coverage, matched=every.matched
    )


def predict_images(run, number, images, workspace, out, **options):
    """What `predict` returns of a round of a run on files and folders."""
    settings = PredictSettings(tuple(map(str, images)), str(out))
    return predict(find_round(workspace, run.id, number), workspace, settings, device="cpu", **options)

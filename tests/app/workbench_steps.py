"""The steps of a person's task at the workbench, in a browser: from a folder of images to what a training brought."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from comus_core import curation
from comus_core.curation.naming import naming_order
from comus_core.jobs import list_jobs
from comus_core.runs.run_view import RunView
from tests.app.map_browser import drag
from tests.app.serving import settle
from tests.app.steps import decided_when, draw, ids_of_gallery, open_editor, slide, steady_box
from tests.app.test_naming_browser import in_field
from tests.jobs.watching import until

KINDS = {12: 20, 8: 20, 6: 8, 1: 12}  # class of VOC -> images: dogs, cats, buses, aeroplanes
LARGE, ALONE = 0.15, 0.95  # least shares of the image and of the labelled pixels that the class covers


def photographs_without_labels(data: Path, folder: Path) -> tuple[Path, dict[str, int]]:
    """Copy 60 photographs of VOC, each with one large object, into `folder`; no masks. Also the class of each."""
    root, left, kinds = data / "VOCdevkit" / "VOC2012", dict(KINDS), {}
    folder.mkdir()
    for name in (root / "ImageSets" / "Segmentation" / "train.txt").read_text().split():
        pixels = np.bincount(np.asarray(Image.open(root / "SegmentationClass" / f"{name}.png")).ravel(), minlength=256)
        of_kind = pixels[1:255]
        kind, total = int(of_kind.argmax()) + 1, int(pixels.sum())
        if left.get(kind) and of_kind.max() > LARGE * total and of_kind.max() > ALONE * of_kind.sum():
            shutil.copyfile(root / "JPEGImages" / f"{name}.jpg", folder / f"{name}.jpg")
            left[kind] -= 1
            kinds[f"{name}.jpg"] = kind
    assert len(kinds) == sum(KINDS.values()), f"missing of these classes: {left}"
    return folder, kinds


def look(page, name: str) -> None:
    """Keep a screenshot of the step in the folder COMUS_SCREENSHOTS, if that is set."""
    if folder := os.environ.get("COMUS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def go_to(page, title: str) -> None:
    """Another page by the list of pages."""
    page.locator(".st-key-pages").get_by_text(title, exact=True).click()


def parameter(page, name: str) -> str:
    """A parameter of the address; '' without it."""
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def name_all(page, view: RunView, names: dict[int, str]) -> None:
    """Name the clusters by keys alone, on the page that is open: each name and Enter."""
    decided = curation.decided_in(view)
    order = naming_order(view, decided)
    for cluster in order:
        if cluster in decided.names:
            continue
        in_field(page, cluster)
        page.keyboard.type(names[cluster])
        page.keyboard.press("Enter")
        decided_when(view, page, lambda decided, k=cluster: decided.names.get(k) == names[k])
    page.get_by_text(f"All {len(order)} clusters have a name").wait_for()


def lasso_across(page, view: RunView, one: int, other: int) -> list[str]:
    """Draw a lasso around where two clusters come close on the map that is open; the selected proposals."""
    page.locator("button[data-tool=box]").click()
    first = parameter(page, "selection")
    drag(page, [(0.1, 0.1), (0.9, 0.9)])
    page.wait_for_url(lambda url: "selection=" in url and f"selection={first}&" not in url)
    selection = view.workspace.selections.read(parameter(page, "selection"))
    (x0, y0), _, (x1, y1), _ = selection.gestures[-1].polygon[:4]
    place = (view.points(selection.method) - (x0, y0)) / (x1 - x0, y1 - y0) * 0.8 + 0.1  # in shares of the plot
    ours, theirs = (place[view.cluster == cluster] for cluster in (one, other))
    apart = np.linalg.norm(ours[:, None] - theirs[None], axis=2)
    near = np.unravel_index(apart.argmin(), apart.shape)
    centre = (ours[near[0]] + theirs[near[1]]) / 2
    away = np.sort(np.linalg.norm(np.concatenate([ours, theirs]) - centre, axis=1))
    radius = max(float(away[min(7, len(away) - 1)]), 0.02) + 0.01
    turns = np.linspace(0, 2 * np.pi, 24)
    draw(page, [tuple(centre + radius * np.array([np.cos(turn), np.sin(turn)])) for turn in turns])
    chosen = ids_of_gallery(page)
    assert {int(view.cluster[view.row_of[p]]) for p in chosen} >= {one, other}
    return chosen


def gather(page, view: RunView, name: str, chosen: Sequence[str]) -> int:
    """Make a new category of the selection, by keys; its id."""
    made = len(curation.decided_in(view).layout.made)
    page.keyboard.press("Shift+N")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    decided = decided_when(view, page, lambda decided: len(decided.layout.made) > made)
    category = max(k for k, words in decided.names.items() if words == name)
    assert sorted(p for p, k in decided.layout.moved.items() if k == category) == sorted(chosen)
    page.locator(".legend, [class*=legend]").get_by_text(name, exact=True).first.wait_for()
    return category


def take_more_like_these(page, view: RunView, category: int) -> list[str]:
    """From the selection to the proposals most like it: shift the threshold by keys, and move them all; who moved."""
    before = dict(curation.decided_in(view).layout.moved)
    page.get_by_role("button", name="More like these").click()
    page.wait_for_url("**/similar?**")
    settle(page, "Similar enough")
    number = page.locator("[class*=st-key-similar_number] input").first
    number.fill("3")
    number.press("Enter")
    page.wait_for_url("**threshold=**")
    page.get_by_text(re.compile(r"^3 proposals of similarity")).wait_for()
    settle(page)
    look(page, "similar")
    name = curation.decided_in(view).name_of(category)
    target = page.locator("[class*=st-key-similar_to] [role=combobox]")
    expect(target).to_have_value(name, timeout=60_000)  # the most likely one, as those compared with are there
    page.keyboard.press("Escape")  # out of the number
    page.keyboard.press("Shift+V")
    moved = decided_when(view, page, lambda decided: decided.layout.moved != before).layout.moved
    new = [p for p, k in moved.items() if before.get(p) != k]
    assert {moved[p] for p in new} <= {category}
    return new


def repair(page, view: RunView, proposal: str) -> None:
    """Open a proposal, paint a dab in a corner of its image with the brush, and save it."""
    open_editor(page)
    row = view.row_of[proposal]
    height, width = (int(v) for v in view.proposals.size_hw[row])
    page.locator('[data-part="status"]').get_by_text("pixels").wait_for()
    page.keyboard.press("b")
    page.locator('[data-tool="brush"][aria-pressed="true"]').wait_for()
    settle(page)
    box = steady_box(page.locator(".repair .frame"))
    page.mouse.click(box["x"] + box["width"] * 3 / width, box["y"] + box["height"] * 3 / height)
    page.locator('[data-part="status"]').get_by_text("pixels").wait_for()
    look(page, "repair")
    page.keyboard.press("Enter")
    decided = decided_when(view, page, lambda decided: proposal in decided.layout.redrawn)
    assert view.masks(decided).mask(row)[3, 3]
    page.get_by_text("drawn manually").wait_for()
    settle(page)


def leave_out(page, view: RunView, percent: int) -> None:
    """Set the filter with the slider, and apply it."""
    go_to(page, "Filter")
    settle(page, "Kept")
    slide(page, percent)
    kept = int(view.kept(replace(curation.decided_in(view), filter_percent=float(percent))).sum())
    page.locator(".st-key-filter_figures").get_by_text(str(kept), exact=True).first.wait_for()
    look(page, "filter")
    page.locator(".st-key-apply_filter button:enabled").click()
    decided_when(view, page, lambda decided: decided.filter_percent == percent)


def train(page, view: RunView, rounds: int = 1, epochs: int = 1) -> None:
    """Start the smallest training that the form offers; wait until it has ended."""
    go_to(page, "Self-training")
    settle(page, "Not trained yet")
    for name, number in (("rounds", rounds), ("epochs", epochs)):
        field = page.locator(f"[class*=st-key-training_{name}_cpu_widget] input")
        field.fill(str(number))
        field.press("Enter")
        settle(page)
    page.locator(".st-key-training_start button:enabled").click()
    until(lambda: any(job.kind == "train" and job.state == "done" for job in list_jobs(view.workspace)), 400)
    page.get_by_text("Teacher, image by image").wait_for()
    settle(page)

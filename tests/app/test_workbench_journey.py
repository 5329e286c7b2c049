"""A person's whole task in a browser: on 60 photographs without labels, and on the demo run that ships with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from comus_core import Workspace, curation, exclude_from_dataset, open_workspace
from comus_core.pipelines.verb_settings import DatasetExclusionSettings
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app import workbench_steps as steps
from tests.app.journey import watched
from tests.app.serving import serving, settle
from tests.app.steps import MAP_READY, fill, written
from tests.jobs.watching import end_all, until

pytestmark = pytest.mark.browser
CLUSTERS, PERCENT, DOG, CAT = 6, 30, 12, 8


def state(decided: Decisions) -> tuple:
    """All that is decided, whatever it took."""
    layout = decided.layout
    lists = (layout.rejected, layout.accepted, layout.erased, layout.excluded, layout.by_hand)
    maps = (layout.into, layout.made, layout.moved, layout.distance, layout.redrawn, decided.cluster_percent)
    named = (dict(decided.names), decided.filter_percent, decided.filter_by)
    return (*named, *(set(one) for one in lists), *(dict(one) for one in maps))


def undone_one_by_one(view: RunView, decisions: int) -> tuple:
    """Take all decisions back, each of them by one undo that changes something; what is left."""
    seen = [state(curation.decided_in(view))]
    for _ in range(decisions):
        seen.append(state(curation.undo(view)))
        assert seen[-1] != seen[-2]
    assert curation.history(view).undoable is None
    return seen[-1]


def exclude_undone(workspace: Workspace, folder: Path) -> tuple[str, ...]:
    """Take the last exclusion of images before the run back; those still excluded."""
    exclude_from_dataset(str(folder), workspace, DatasetExclusionSettings(undo=True))
    return workspace.exclusions.read(str(folder)).images


def repair_a_found_one(page, view: RunView) -> str:
    """From the page of similar proposals to the first of them, and repair its mask; its id."""
    first = page.locator(".st-key-similar_accepted a.comus-link").first
    proposal = first.get_attribute("data-proposal")
    first.click()
    page.wait_for_url("**/image?**")
    settle(page, "Similar proposals")
    page.locator(f'.comus-proposal[data-proposal="{proposal}"]').wait_for()
    steps.repair(page, view, proposal)
    return proposal


def two_closest(view: RunView) -> tuple[int, int]:
    """The two clusters whose means are closest on the map."""
    place = view.points(view.methods[0])
    means = np.array([place[view.cluster == k].mean(axis=0) for k in range(view.clusters)])
    apart = np.linalg.norm(means[:, None] - means[None], axis=2) + np.diag(np.full(len(means), np.inf))
    one, other = np.unravel_index(apart.argmin(), apart.shape)
    return int(one), int(other)


@pytest.mark.real
def test_sixty_photographs_without_labels_become_named_repaired_and_learned(browser, photographs, tmp_path):
    folder, kinds = steps.photographs_without_labels(photographs, tmp_path / "photos")
    workspace = open_workspace(tmp_path / "workspace")
    try:
        with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(tmp_path)) as url, watched(browser) as page:
            discover_without_two(page, url, workspace, folder)
            view = open_run_view(workspace, workspace.runs.all()[0])
            beginning, held = state(curation.decided_in(view)), {}
            for row, k in enumerate(view.cluster.tolist()):
                held.setdefault(k, []).append(kinds[str(view.proposals.image_id[row])])
            names = {k: f"group {k} of {max(set(of), key=of.count)}" for k, of in held.items()}
            steps.name_all(page, view, names)
            one, other = sorted(held, key=lambda k: (-held[k].count(DOG) / len(held[k]), k))[:2]
            steps.go_to(page, "Explore")
            page.wait_for_selector(MAP_READY)
            settle(page, "All")
            chosen = steps.lasso_across(page, view, one, other)
            dog = steps.gather(page, view, "dog", chosen)
            found = steps.take_more_like_these(page, view, dog)
            repaired = repair_a_found_one(page, view)
            steps.leave_out(page, view, PERCENT)
            page.locator(".comus-path [aria-current=step]").get_by_text("not trained").wait_for()
            kinds_of_events = [*["rename"] * CLUSTERS, "create", "move", "redraw", "filter"]
            assert written(view) == kinds_of_events
            decided = curation.decided_in(view)
            assert {decided.layout.moved[p] for p in [*chosen, *found]} == {dog} and repaired in decided.layout.redrawn
            steps.train(page, view)
            page.get_by_text("No mIoU, since there is no ground truth.").first.wait_for()
            page.locator('.comus-pane[data-round="1"] img.layer').wait_for()
            steps.look(page, "trained")
            steps.go_to(page, "Evaluate")
            settle(page, "No scores without ground truth")
            steps.look(page, "evaluate")
            page.locator(".st-key-trained_unscored").get_by_role("link").click()
            settle(page, "Teacher, image by image")
            assert written(view) == kinds_of_events
            page.goto("about:blank")
        assert undone_one_by_one(view, len(kinds_of_events)) == beginning
        assert [len(exclude_undone(workspace, folder)) for _ in range(2)] == [1, 0]
    finally:
        end_all(workspace)


def discover_without_two(page, url: str, workspace: Workspace, folder: Path) -> None:
    """From the welcome page to the page of names: choose the folder, exclude two images, start the run."""
    page.goto(url)
    settle(page, "Your folder")
    fill(page, "new_folder_path", str(folder))
    page.get_by_role("button", name="Discover its categories").click()
    settle(page, "60 images")
    steps.go_to(page, "Images")
    for excluded, place in ((1, 3), (2, 5)):
        page.locator("[data-tick]").nth(place).click()
        page.get_by_text(f"Excluded {excluded}", exact=True).wait_for()
        settle(page)
    page.reload()
    settle(page, "2 images excluded")
    steps.look(page, "excluded")
    steps.go_to(page, "Discover")
    settle(page, "2 images excluded")
    page.get_by_role("radio", name="Own number").click()
    number = page.locator("[class*=st-key-new_clustering_clusters] input:enabled")
    number.fill(str(CLUSTERS))
    number.press("Enter")
    settle(page)
    page.locator(".st-key-new_start button:enabled").click()
    page.locator(".st-key-job_1").wait_for()
    until(lambda: any(run.state == "done" for run in workspace.runs.all()), 400)
    page.locator(".st-key-job_outcome_1").get_by_text(f"{CLUSTERS} clusters in 58 images").wait_for()
    page.locator(".st-key-job_outcome_1 a").click()
    page.wait_for_url("**/name?**")
    page.locator(".comus-path").get_by_text("58 images, 2 excluded").wait_for()


def test_the_demo_of_the_welcome_page_is_named_gathered_repaired_and_filtered(browser, tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    with serving(workspace.root, tmp_path) as url, watched(browser) as page:
        page.goto(url)
        settle(page, "Your folder")
        page.get_by_role("button", name="Try the demo").click()
        page.wait_for_selector(MAP_READY)
        settle(page, "All 112 proposals")
        view = open_run_view(workspace, workspace.runs.all()[0])
        beginning = state(curation.decided_in(view))
        chosen = steps.lasso_across(page, view, *two_closest(view))
        made = steps.gather(page, view, "gathered", chosen)
        found = steps.take_more_like_these(page, view, made)
        assert len(found) == 3
        repair_a_found_one(page, view)
        steps.leave_out(page, view, PERCENT)
        steps.go_to(page, "Name clusters")
        steps.name_all(page, view, {k: f"thing {k}" for k in range(view.clusters)})
        kinds = ["create", "move", "redraw", "filter", *["rename"] * view.clusters]
        assert written(view) == kinds
        steps.go_to(page, "Self-training")
        settle(page, "training")
        steps.look(page, "demo-training")
        assert page.locator(".st-key-training_start").count() == 0
        steps.go_to(page, "Evaluate")
        settle(page, "Pixel accuracy")
        steps.look(page, "demo-evaluate")
        page.goto("about:blank")
    assert undone_one_by_one(view, len(kinds)) == beginning

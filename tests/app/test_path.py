"""The path of a run: what each step says, which one comes next, and the rail that shows it above every page."""

from dataclasses import replace

import pytest

from app.components.shared import navigation, path_rail
from app.data.path import RunFacts, facts_of, next_step, path_of, steps
from comus_core import curation
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_gain import RoundGain
from comus_core.workspace.trainings import Training
from tests.app.working import by_key, texts

FOUND = RunFacts(images=60, categories=8, percents=(20.0, 20.0))


def said(facts):
    return {step.title: step.state for step in steps(facts)}


def following(facts):
    step = next_step(steps(facts))
    return step and step.title


def test_a_fresh_run_says_what_there_is_and_that_naming_comes_next():
    assert said(FOUND) == {
        "Images": "60 images",
        "Discover": "8 clusters",
        "Name and clean": "0 of 8 named",
        "Filter": "20 % left out",
        "Train": "not trained",
        "Export": "COCO, YOLO, VOC …",
    }
    assert following(FOUND) == "Name and clean"


def test_what_a_person_did_shows_in_the_states():
    facts = replace(FOUND, skipped=2, named=3, rejected=1, percents=(10.0, 25.0), gain=RoundGain(2, 74.7, 86.0))
    shown = said(facts)
    assert shown["Images"] == "60 images, 2 skipped" and shown["Name and clean"] == "3 of 8 named, 1 rejected"
    assert shown["Filter"] == "10 to 25 % left out" and shown["Train"] == "round 2 trained: 74.7 → 86.0"
    assert said(replace(facts, gain=RoundGain(2, None, None)))["Train"] == "round 2 trained"
    assert said(replace(facts, training=True))["Train"] == "training now"
    assert said(replace(FOUND, percents=(0.0, 0.0)))["Filter"] == "nothing left out"


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"named": 7}, "Name and clean"),
        ({"named": 8}, "Filter"),
        ({"named": 8, "filtered": True}, "Train"),
        ({"named": 8, "gain": RoundGain(1, None, None)}, "Export"),
        ({"named": 8, "filtered": True, "trainable": False}, "Export"),
        ({"found": False, "state": "failed"}, "Discover"),
        ({"found": False, "read": False, "images": 0, "state": "failed"}, "Discover"),
        ({"read_only": True}, None),
    ],
)
def test_the_first_step_that_is_not_behind_comes_next_and_no_other(changes, title):
    every = steps(replace(FOUND, **changes))
    assert [step.title for step in every if step.is_next] == ([title] if title else [])


def test_a_run_without_clusters_leads_to_its_job():
    running = RunFacts(state="running", read=False, found=False)
    assert said(running)["Images"] == "being read" and said(replace(running, read=True))["Images"] == "read"
    assert said(running)["Discover"] == "running" and said(replace(running, state="failed"))["Discover"] == "stopped"
    assert next_step(steps(replace(running, state="failed", read=True))).page == "jobs"


def test_every_step_is_on_a_page_that_there_is():
    assert {step.page for step in steps(FOUND)} <= navigation.PAGES.keys()


def test_facts_are_read_from_the_run_its_decisions_and_its_trainings(changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    fresh = facts_of(run, workspace.decisions_of(run), [])
    assert (fresh.images, fresh.categories, fresh.named, fresh.filtered, fresh.gain) == (90, 5, 0, False, None)
    curation.rename(view, 0, "disc")
    curation.reject(view, [4])
    curation.set_filter(view, 35.0)
    curation.exclude(view, [str(i) for i in view.image_ids[:2]])
    trainings = [
        Training("new", run.id, "running", {}, {}, {"rounds": [{"round": 0, "miou": 50.0}]}),
        Training("old", run.id, "done", {}, {}, {"rounds": [{"round": 0, "miou": 50.0}, {"round": 1, "miou": 60.0}]}),
    ]
    facts = facts_of(run, workspace.decisions_of(run), trainings)
    assert (facts.categories, facts.named, facts.rejected, facts.excluded) == (4, 1, 1, 2)
    assert said(facts)["Images"] == "88 images, 2 excluded"
    before = replace(run, result=run.result | {"excluded": 3})
    assert facts_of(before, workspace.decisions_of(run), []).excluded == 5, "those left out before the run count too"
    assert (facts.percents, facts.filtered, facts.training) == ((35.0, 35.0), True, True)
    assert facts.gain == RoundGain(1, 50.0, 60.0)


def test_the_rail_stands_on_every_page_of_a_run_with_a_link_for_each_step(app_test, shown):
    workspace, run = shown
    for page in ("explore", "clusters", "filter", "scores", "compare", "training", "image", "predict"):
        test = app_test(page)
        assert not test.exception, page
        words = texts(test)
        assert words.count('<nav class="comus-path"') == 1 and "0 of 5 named" in words, page
        assert words.count('aria-current="step"') == 1, page
    for step in path_of(workspace, run):
        assert path_rail.address(run.id, step).startswith(f"{step.page}?run={run.id}")


def test_the_images_step_opens_the_data_set_of_the_run_and_export_its_own_page(app_test, shown):
    _, run = shown
    test = app_test("images", run=run.id, of="run")
    assert by_key(test.text_input, "new_folder_path").value == run.config.dataset and "of" not in test.query_params
    assert [(s.page, s.possible) for s in path_of(*shown) if s.title == "Export"] == [("export", True)]
    assert not steps(RunFacts(found=False))[-1].possible, "nothing to export before there are clusters"


def test_names_in_the_rail_are_text():
    step = replace(steps(FOUND)[0], state="<b>", title='"x"')
    markup = path_rail.markup("a&b", [step])
    assert "<b>&lt;" not in markup and "&lt;b&gt;" in markup and "run=a%26b" in markup

"""A network keeps the categories it was trained on, whatever is decided afterwards."""

from dataclasses import replace

import pytest

from comus_core import curation
from comus_core.errors import WorkspaceError
from comus_core.pipelines.compare import compare
from comus_core.pipelines.evaluate import evaluate
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import CompareSettings, EvaluateSettings
from comus_core.runs.categories import label_map
from comus_core.runs.round_masks import categories_of_rounds, rounds_of
from comus_core.runs.run_round import find_round
from comus_core.runs.run_view import open_run_view
from comus_core.runs.trained_categories import remembered, trained_ids, trained_names
from comus_core.scoring.round_scores import score_clusters
from comus_core.scoring.round_view import open_round_view
from comus_core.training import TrainSettings, make_training
from comus_core.workspace.decisions import Event, replay
from comus_core.workspace.trainings import Training
from tests.builders import TINY_TRAINING, copy_of

BEFORE = [
    Event(1, "", "rename", {"cluster": 4, "name": "bird"}),
    Event(2, "", "merge", {"categories": [1, 2]}),
    Event(3, "", "reject", {"categories": [0]}),
]
AFTER = [
    Event(4, "", "rename", {"cluster": 3, "name": "fish"}),
    Event(5, "", "merge", {"categories": [3, 4]}),
    Event(6, "", "restore", {"categories": [0]}),
]


def test_a_network_keeps_the_ids_it_learned_and_is_told_later_names():
    training = Training("t", "r", result={"categories": remembered(label_map(replay(BEFORE), 5))})
    later = replay(BEFORE + AFTER)
    assert label_map(later, 5).ids == (0, 1, 3)
    assert trained_ids(training) == (1, 3, 4)
    assert trained_names(training, later) == ("cluster 1", "fish", "bird")


def test_what_was_undone_before_a_training_is_not_in_it():
    labels = label_map(replay([*BEFORE, Event(7, "", "undo", {}), Event(8, "", "undo", {})]), 5)
    assert labels.ids == (0, 1, 2, 3, 4) and labels.names[4] == "bird"


TINY = TINY_TRAINING | {"preview_every": 2}


def test_rounds_are_scored_compared_and_looked_at_with_the_categories_they_were_trained_on(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    view = open_run_view(workspace, run)
    then = curation.merge(view, [0, 1])
    training = train(run, workspace, TrainSettings(make_training(**TINY)))
    assert trained_ids(training) == (0, 2)
    miou = training.result["rounds"][1]["miou"]
    before = score_clusters(view, then, filtered=False)
    assert training.result["rounds"][0]["miou"] == pytest.approx(before.score.miou)
    curation.undo(view)
    curation.split(view, curation.propose_split(view, 1, 2))
    anew = evaluate(find_round(workspace, run.id, 1), workspace, EvaluateSettings(run.config.dataset))
    assert anew["evaluation"]["miou"] == pytest.approx(miou)
    one = find_round(workspace, run.id, 1)
    assert compare((one, one), workspace, CompareSettings(resamples=5))["first"]["miou"] == pytest.approx(miou)
    rounds = open_round_view(workspace, training)
    assert (rounds.ids, rounds.categories) == ((0, 2), 2)
    assert rounds.class_of[0].tolist() == before.matched.class_of.tolist() and len(rounds.class_of[1]) == 3
    for number in (0, 1):
        image_id = next(i for i in rounds.image_ids if rounds.has(number, i))
        assert rounds.classes(number, image_id).max() < len(view.classes)
    assert (list(rounds_of(view)), categories_of_rounds(view)) == ([1], (0, 2))
    old = replace(training, result={k: v for k, v in training.result.items() if k != "categories"})
    workspace.trainings.save(old)
    assert rounds_of(view) == {}
    with pytest.raises(WorkspaceError, match="train the run again"):
        open_round_view(workspace, old)

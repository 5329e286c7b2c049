"""A network keeps the categories it was trained on, whatever is decided afterwards."""

from comus_core.categories import label_map
from comus_core.trained_categories import remembered, trained_ids, trained_names
from comus_core.workspace.decisions import Event, replay
from comus_core.workspace.trainings import Training

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

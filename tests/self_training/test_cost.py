"""What a training is said to cost, from a speed measured before and by arithmetic on it."""

import pytest

from comus_core import open_workspace
from comus_core.self_training import make_training
from comus_core.self_training.cost import SCORING_SECONDS, remember_speed, seconds_left, training_cost

PLAIN = {"predict_flip": False, "predict_size": 256, "look_every": 0, "epochs": 3, "later_epochs": 2, "rounds": 2}


def test_rounds_cost_their_images_and_epochs_at_the_speed_of_an_earlier_training(tmp_path):
    workspace, settings = open_workspace(tmp_path), make_training(**PLAIN)
    assert not training_cost(settings, 100, workspace).measured
    remember_speed(workspace, settings, "cpu", 10.0)
    cost = training_cost(settings, 100, workspace)
    assert cost.measured and cost.training == pytest.approx((30.0, 20.0))
    assert cost.predicting == pytest.approx(100 * (0.1 / 3 + SCORING_SECONDS))
    other = training_cost(settings, 100, workspace, later=300, scored=50)
    assert other.training == pytest.approx((30.0, 60.0))
    assert other.predicting * 2 == pytest.approx((50 + 50 + 300) * (0.1 / 3 + SCORING_SECONDS))


def test_looks_cost_a_few_percent_in_the_preset_and_are_in_the_estimate(tmp_path):
    workspace = open_workspace(tmp_path)
    plain, looking = make_training(look_every=0), make_training()
    for settings in (plain, looking):
        remember_speed(workspace, settings, "cpu", 8.0)
    ratio = training_cost(looking, 500, workspace).training[0] / training_cost(plain, 500, workspace).training[0]
    assert 1.01 < ratio < 1.1


def test_what_is_left_is_this_round_and_the_epochs_of_the_next():
    settings = make_training(**PLAIN)
    assert seconds_left(settings, 1, 12.0, 100, 10.0) == pytest.approx(12 + 2 * 100 / 10)
    assert seconds_left(settings, 2, 12.0, None, 10.0) == 12.0 and seconds_left(settings, 1, 12.0, None, 10.0) is None

"""What a training is said to cost, from a speed measured before and by arithmetic on it."""

import pytest

from comus_core import open_workspace
from comus_core.config import FeatureSettings, RunConfig, SaliencySettings
from comus_core.errors import SettingsError
from comus_core.pipelines.estimate import remember_speeds
from comus_core.pipelines.training_cost import (
    SCORING_SECONDS,
    TrainingImages,
    remember_speed,
    seconds_left,
    training_cost,
)
from comus_core.training import make_training

CONFIG = RunConfig("photos", SaliencySettings("u2netp"), FeatureSettings("efficientnet-lite0"))
PLAIN = {
    "prediction.flip": False,
    "prediction.size": 256,
    "preview_every": 0,
    "epochs": 3,
    "later_epochs": 2,
    "rounds": 2,
    "prediction.classifier_share": 0.0,
    "labels.surroundings": 0.0,
}


def test_rounds_cost_their_images_and_epochs_at_the_speed_of_an_earlier_training(tmp_path):
    workspace, settings = open_workspace(tmp_path), make_training(**PLAIN)
    assert not training_cost(settings, TrainingImages(100), workspace).measured
    remember_speed(workspace, settings, "cpu", 10.0)
    cost = training_cost(settings, TrainingImages(100), workspace)
    assert cost.measured and cost.training == pytest.approx((30.0, 20.0))
    assert cost.predicting == pytest.approx(100 * (0.1 / 3 + SCORING_SECONDS))
    other = training_cost(settings, TrainingImages(100, 300, 50), workspace, config=CONFIG)
    assert other.training == pytest.approx((30.0, 60.0))
    assert other.predicting * 2 == pytest.approx((50 + 50 + 300) * (0.1 / 3 + SCORING_SECONDS))


def test_the_encoder_looks_at_the_objects_that_the_classifier_names(tmp_path):
    workspace, settings = open_workspace(tmp_path), make_training(**PLAIN | {"prediction.classifier_share": 0.8})
    remember_speed(workspace, settings, "cpu", 10.0)
    remember_speeds(workspace, CONFIG, "cpu", {"soft_maps": 0.5, "features": 0.25, "images": 0.01})
    named = training_cost(settings, TrainingImages(100), workspace, config=CONFIG).predicting
    assert named == pytest.approx(100 * (0.1 / 3 + 0.25 + SCORING_SECONDS))
    given = RunConfig("photos", SaliencySettings("u2netp"), FeatureSettings("file:vectors.npz"))
    assert training_cost(settings, TrainingImages(100), workspace, config=given).predicting == pytest.approx(named - 25)


def test_what_is_around_an_object_is_looked_at_once_for_the_runs_own_and_at_every_naming(tmp_path):
    workspace = open_workspace(tmp_path)
    remember_speed(workspace, make_training(**PLAIN), "cpu", 10.0)
    remember_speeds(workspace, CONFIG, "cpu", {"soft_maps": 0.5, "features": 0.25, "images": 0.01})

    def more(config=CONFIG, **changes):
        without, with_it = (
            training_cost(settings, TrainingImages(100), workspace, config=config)
            for settings in (make_training(**PLAIN | changes | {"labels.surroundings": s}) for s in (0.0, 1.2))
        )
        own = sum(with_it.own.values())
        assert with_it.total - without.total == pytest.approx(own + 2 * (with_it.predicting - without.predicting))
        return own, with_it.predicting - without.predicting

    assert more(**{"prediction.classifier_share": 0.8}) == pytest.approx((25, 25))
    assert more() == pytest.approx((25, 0))  # for grouping alone
    assert more(**{"labels.regroup": False}) == (0, 0)
    assert more(RunConfig("photos", SaliencySettings("u2netp"), FeatureSettings("file:vectors.npz"))) == (0, 0)


def test_other_images_are_also_checked_and_looked_at_by_the_runs_detector_and_encoder(tmp_path):
    workspace, settings = open_workspace(tmp_path), make_training(**PLAIN)
    remember_speed(workspace, settings, "cpu", 10.0)
    remember_speeds(workspace, CONFIG, "cpu", {"soft_maps": 0.5, "features": 0.25, "images": 0.01})

    def seen_first(later, scored, settings=settings, **options):
        cost = training_cost(settings, TrainingImages(100, later, scored, **options), workspace, config=CONFIG)
        assert cost.total == pytest.approx(
            sum(cost.training)
            + sum(cost.own.values())
            + cost.predicting * settings.rounds
            + sum(cost.scored.values())
            + sum(cost.later.values())
        )
        return sum(cost.scored.values()), sum(cost.later.values())

    assert seen_first(None, None) == (0, 0)  # the run has looked at its own
    assert seen_first(None, 50) == pytest.approx((50 * (0.01 + 0.5 + 0.25), 0))  # round 0 needs all of them
    assert seen_first(300, None) == pytest.approx((0, 300 * (0.01 + 0.5)))
    assert seen_first(300, 300, shared=True) == pytest.approx((300 * 0.76, 0))
    unaided = make_training(**PLAIN | {"prediction.saliency": 0.0, "labels.saliency": 0.0})
    assert seen_first(300, None, unaided) == pytest.approx((0, 300 * 0.01))
    assert seen_first(300, None, make_training(**PLAIN | {"rounds": 1})) == (0, 0)
    with pytest.raises(SettingsError, match="needs the run's settings"):
        training_cost(settings, TrainingImages(100, scored=50), workspace)


def test_a_teachers_labels_are_predicted_apart_from_what_is_scored_only_where_they_differ(tmp_path):
    workspace = open_workspace(tmp_path)

    def masks(changes, **options):
        settings = make_training(**PLAIN | changes)
        remember_speed(workspace, settings, "cpu", 10.0)
        cost = training_cost(settings, TrainingImages(100, **options), workspace, config=CONFIG)
        return 2 * cost.predicting / (0.1 / 3 + SCORING_SECONDS)

    assert masks({}) == pytest.approx(200) and masks({}, later=70, scored=70, shared=True) == pytest.approx(140)
    assert masks({"labels.saliency": 0.2}) == pytest.approx(300)
    assert masks({}, scored=50) == pytest.approx(200) and masks({}, later=70) == pytest.approx(270)


def test_previews_cost_a_few_percent_in_the_preset_and_are_in_the_estimate(tmp_path):
    workspace = open_workspace(tmp_path)
    plain, previewed = make_training(preview_every=0), make_training()
    for settings in (plain, previewed):
        remember_speed(workspace, settings, "cpu", 8.0)
    slow, fast = (training_cost(s, TrainingImages(500), workspace).training[0] for s in (previewed, plain))
    assert 1.01 < slow / fast < 1.1


def test_what_is_left_is_this_round_and_the_epochs_of_the_next():
    settings = make_training(**PLAIN)
    assert seconds_left(settings, 1, 12.0, 100, 10.0) == pytest.approx(12 + 2 * 100 / 10)
    assert seconds_left(settings, 2, 12.0, None, 10.0) == 12.0 and seconds_left(settings, 1, 12.0, None, 10.0) is None

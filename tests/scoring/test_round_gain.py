"""What a training gained, from its stored result alone."""

import pytest

from comus_core.scoring.round_gain import RoundGain, best_round, gain_of
from comus_core.workspace.trainings import Training


def result(*scores):
    return {"rounds": [{"round": number, "miou": score} for number, score in enumerate(scores)]}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((), None),
        ((74.7,), None),
        ((74.7, 80.1, 86.0), RoundGain(2, 74.7, 86.0)),
        ((74.7, 86.0, 80.1), RoundGain(1, 74.7, 86.0)),
        ((74.7, 80.0, 80.0), RoundGain(1, 74.7, 80.0)),
        ((74.7, 60.0), RoundGain(1, 74.7, 60.0)),
        ((None, None, None), RoundGain(2, None, None)),
    ],
)
def test_the_best_round_is_that_of_the_highest_score_else_the_last(scores, expected):
    assert gain_of(result(*scores)) == expected


def test_figures_and_points_are_those_that_are_known():
    assert RoundGain(2, 74.7, 86.0).figures == "74.7 → 86.0"
    assert RoundGain(2, 74.7, 86.0).points == pytest.approx(11.3)
    assert RoundGain(1, None, 86.04).figures == "86.0" and RoundGain(1, None, 86.0).points is None
    assert RoundGain(2, None, None).figures == ""
    assert gain_of({}) is None


def training(name, *scores, counted=()):
    return Training(name, "run-1", "done", {}, {f"counts-{n}": "f" for n in counted}, result(*scores))


def test_the_best_round_of_all_trainings_must_beat_its_own_round_0_and_be_scored():
    small, large = training("a", 70, 74, counted=[1]), training("b", 70, 71, 79, counted=[1, 2])
    worse, unscored = training("c", 70, 60, counted=[1]), training("d", 50, 90)
    assert best_round([small, large, worse, unscored], "counts") == (large, 2)
    assert best_round([small, worse], "counts") == (small, 1)
    assert best_round([worse, unscored], "counts") is None
    assert best_round([training("e", None, None, counted=[1])], "counts") is None

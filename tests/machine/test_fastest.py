"""The fastest of several ways: by injected times, with those left out that are unfaithful or cannot be had."""

import pytest

from comus_core.errors import SettingsError
from comus_core.machine.fastest import Trial, fastest, tried


class Clock:
    """A clock that moves only when something is done."""

    def __init__(self):
        self.now = 0.0

    def doing(self, seconds, result):
        def run():
            self.now += seconds
            return result

        return lambda: run

    def __call__(self):
        return self.now


def alike(one, other):
    return 1.0 - abs(one - other)


def trial(name, seconds, fidelity=1.0):
    return Trial(name, seconds, fidelity)


@pytest.mark.parametrize(
    ("trials", "chosen"),
    [
        ([trial("plain", 1.0)], "plain"),
        ([trial("plain", 1.0), trial("half", 0.5), trial("third", 0.3)], "third"),
        ([trial("plain", 1.0), trial("half", 0.5), trial("third", 0.3, 0.9989)], "half"),
        ([trial("plain", 1.0), trial("half", 0.5, 0.999)], "half"),
        ([trial("plain", 1.0), trial("close", 0.92)], "plain"),  # not a tenth faster
        ([trial("plain", 1.0), Trial("broken", reason="no compiler")], "plain"),
        ([trial("plain", 1.0), trial("nothing", 0.1, float("nan"))], "plain"),
    ],
)
def test_the_fastest_faithful_way_is_chosen(trials, chosen):
    assert fastest(trials, 0.999).name == chosen


def test_ways_are_timed_in_turns_and_the_fastest_turn_counts():
    clock, slowly = Clock(), iter([9.0, 4.0, 2.0, 3.0])

    def varying():
        clock.now += next(slowly)
        return 0.9995

    trials = tried({"plain": clock.doing(6.0, 1.0), "other": lambda: varying}, 2, alike, seconds=20.0, clock=clock)
    assert [(t.name, t.seconds) for t in trials] == [("plain", 3.0), ("other", 1.0)]
    assert trials[0].fidelity == 1.0 and trials[1].fidelity == pytest.approx(0.9995)


def test_what_cannot_be_had_is_left_out_with_its_reason_but_the_first_must_be():
    def missing():
        raise SettingsError("no compiler here")

    def silent():
        raise RuntimeError

    clock = Clock()
    plain, other, last = tried(
        {"plain": clock.doing(1.0, 1.0), "other": missing, "last": silent}, 1, alike, seconds=0.0, clock=clock
    )
    assert (plain.seconds, other.seconds, other.reason) == (1.0, None, "no compiler here")
    assert last.reason == "RuntimeError"
    with pytest.raises(SettingsError, match="no compiler here"):
        tried({"other": missing}, 1, alike)

"""Kill -9 at random moments, of the job and of its supervisor: the run ends with the bytes of an undisturbed one.

The moments are drawn anew each time; a failure names the seed, and COMUS_FAULT_SEED repeats it.
"""

import os
import random

import pytest

from comus_core import discover, make_config, open_workspace, verify
from comus_core.jobs import ensure_supervisor, events, submit
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.faults.killing import disturbed
from tests.jobs.watching import RULES, artifact_bytes, end_all

pytestmark = pytest.mark.thorough
DEMO = {"dataset": "demo", "saliency": {"detector": "comus"}, "features": {"encoder": "efficientnet-lite0"}}


@pytest.fixture
def rng():
    seed = int(os.environ.get("COMUS_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    print(f"COMUS_FAULT_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


def killed_to_the_end(workspace, config, until, kills, supervisor_kills, rng, longest):
    """A job that is killed so often, each time starting again by itself, and then left to finish."""
    job = submit(workspace, "discover", config, DiscoverSettings(until), "cpu", retries=kills)
    ensure_supervisor(workspace, RULES)
    done, watch, told = disturbed(workspace, job.id, kills, supervisor_kills, rng, longest)
    print(told)
    assert (done.state, done.error) == ("done", None), told
    assert watch.again == set(), told
    assert done.retried == sum(event.kind == "lost" for event in events(workspace, job.id)) <= len(told)
    assert verify(workspace) == []
    return told


def test_killed_three_times_and_its_supervisor_once(workspace, drawn_settings, rng, tmp_path):
    config = make_config(**drawn_settings)
    plain = open_workspace(tmp_path / "plain")
    discover(config, plain, DiscoverSettings("clustering"), device="cpu")
    told = killed_to_the_end(workspace, config, "clustering", 3, 1, rng, 0.5)
    assert told  # a fast machine may be done before the third
    assert artifact_bytes(workspace) == artifact_bytes(plain)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_demo_run_killed_at_random_moments(workspace, rng, tmp_path, part, plain_demo):
    supervisor_kills = (1, 1, 1, 2)[part]  # 5 in all, and 20 of the job
    told = killed_to_the_end(workspace, make_config(**DEMO), "evaluation", 5, supervisor_kills, rng, 4.0)
    assert len(told) == 5
    assert artifact_bytes(workspace) == plain_demo


@pytest.fixture(scope="module")
def plain_demo(tmp_path_factory):
    """The artifacts of a demo run that nobody disturbed."""
    plain = open_workspace(tmp_path_factory.mktemp("plain"))
    discover(make_config(**DEMO), plain, DiscoverSettings("evaluation"), device="cpu")
    return artifact_bytes(plain)

"""On a slow file system jobs are slow, and that is all: none is lost, stalled or done twice."""

import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.jobs import cancel, ensure_supervisor, events, get, submit
from comus_core.jobs.launcher import Rules
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.jobs.watching import artifact_bytes, end_all, ended, until

pytestmark = pytest.mark.thorough


@pytest.fixture
def workspace(tmp_path, monkeypatch, failing_writes):
    """One whose jobs and supervisor wait 10 ms at every change of a file."""
    place = open_workspace(tmp_path / "w")
    monkeypatch.setenv("LD_PRELOAD", str(failing_writes))
    monkeypatch.setenv("FAULTS_FOLDER", str(place.root))
    monkeypatch.setenv("FAULTS_DELAY_US", "10000")
    yield place
    end_all(place)


def test_a_job_on_a_slow_disk_ends_as_on_a_fast_one(workspace, drawn_settings, tmp_path):
    config = make_config(**drawn_settings)
    plain = open_workspace(tmp_path / "plain")
    discover(config, plain, DiscoverSettings("saliency"), device="cpu")
    job = submit(workspace, "discover", config, DiscoverSettings("saliency"), "cpu", retries=1)
    ensure_supervisor(workspace, Rules(idle_seconds=30, stalled_after=20))
    done = ended(workspace, job.id)
    assert (done.state, done.error, done.attempt) == ("done", None, 1)
    assert not {event.kind for event in events(workspace, job.id)} & {"lost", "stalled"}
    assert artifact_bytes(workspace) == artifact_bytes(plain)


def test_a_job_on_a_slow_disk_can_be_cancelled(workspace, drawn_settings):
    job = submit(workspace, "discover", make_config(**drawn_settings), DiscoverSettings("saliency"), "cpu")
    ensure_supervisor(workspace, Rules(idle_seconds=30, term_after=5, kill_after=30))
    until(lambda: get(workspace, job.id).stage)
    cancel(workspace, job.id)
    assert ended(workspace, job.id).state == "cancelled"

"""An ablation as a background job."""

import os
import signal

import pytest

from app.data import job_words
from comus_core.jobs import cancel, ensure_supervisor, get, read_log, resume, submit, wait, words
from comus_core.pipelines.ablate import known
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.settings import to_dict
from comus_core.stages.networks import WEIGHTS
from comus_core.training import make_training
from comus_core.training.checkpoint import FILE
from tests.builders import copy_of
from tests.jobs.builders import job
from tests.jobs.watching import PATIENCE, end_all, until

pytestmark = pytest.mark.thorough


@pytest.fixture
def workspace(finished, tmp_path):
    place, _ = copy_of(finished, tmp_path)
    yield place
    end_all(place)


def wanted(*rows):
    return AblationSettings(make_training(), rows=rows)


def test_it_is_done_in_the_background_and_says_each_row(workspace, finished):
    run = finished[1]
    queued = submit(workspace, "ablate", run, wanted("k-means", "spectral"), "cpu")
    ensure_supervisor(workspace)
    assert wait(workspace, queued.id, PATIENCE).state == "done"
    done = get(workspace, queued.id)
    assert done.run == run.id and done.stage == "spectral"
    log = read_log(done)
    assert f"spectral: mIoU {run.result['evaluation']['miou']:.2f} %" in log and "k-means: mIoU " in log


TINY = {
    "optimisation.crop": 64,
    "prediction.size": 64,
    "network.head_channels": 16,
    "optimisation.batch": 8,
    "epochs": 15,
    "checkpoint_every": 2,
}
TRAINED = AblationSettings(make_training(**TINY), rows=("round 1, no filter", "round 1"))


def done(workspace, job_id):
    """The table of a finished ablation without its seconds, and the weights of each network by its fingerprint."""
    assert wait(workspace, job_id, PATIENCE).state == "done"
    run = workspace.runs.get(get(workspace, job_id).run)
    rows = [{**row, "seconds": None} for row in known(run, workspace, TRAINED)["rows"]]
    files = workspace.root.glob(f"artifacts/network/*/{WEIGHTS}")
    return rows, {file.parent.name: file.read_bytes() for file in files}


def begun(workspace, run):
    job = submit(workspace, "ablate", run, TRAINED, "cpu", retries=0)
    ensure_supervisor(workspace)
    return job


def written(workspace):
    """When each artifact of the rows was finished."""
    kinds = ("network", "predictions", "round_counts")
    manifests = [p for kind in kinds for p in workspace.root.glob(f"artifacts/{kind}/*/manifest.json")]
    return {p: p.stat().st_mtime_ns for p in manifests}


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    place, _ = copy_of(finished, tmp_path_factory.mktemp("undisturbed"))
    try:
        yield done(place, begun(place, finished[1]).id)
    finally:
        end_all(place)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "cancelled"])
def test_disturbed_in_its_second_row_it_ends_with_the_table_of_an_undisturbed_one(
    workspace, finished, undisturbed, how
):
    job = begun(workspace, finished[1])
    folder = workspace.root / "artifacts" / "network"
    checkpoint = until(lambda: len(written(workspace)) == 3 and next(folder.glob(f"*.partial/{FILE}"), None))
    first = written(workspace)
    if how == "killed":
        os.kill(get(workspace, job.id).pid, signal.SIGKILL)
    else:
        cancel(workspace, job.id)
    until(lambda: get(workspace, job.id).state == {"killed": "lost"}.get(how, "cancelled"))
    assert checkpoint.exists() and written(workspace) == first  # it ended in the middle of the second row
    resume(workspace, job.id)
    ensure_supervisor(workspace)
    rows, weights = done(workspace, job.id)
    assert get(workspace, job.id).attempt == 2 and not checkpoint.exists()
    assert first.items() < written(workspace).items()  # the first row was not computed again
    assert (rows, weights) == undisturbed and len(weights) == 2 and all(row["mean"] for row in rows)


def test_its_card_shows_the_rows_and_the_time_left_of_all(finished):
    settings, run = to_dict(wanted("k-means", "round 1", "labels.confidence")), finished[1].id
    row = {"kind": "ablate", "subject": run, "settings": settings, "stage": "round 1", "step": 30, "total": 120}
    at_work = job(**row, first_step=10)
    states = [("K-means", "done"), ("Round 1", "now"), ("Labels.confidence", "todo")]
    assert job_words.stage_states(at_work) == states
    assert (words.phrase(at_work), words.title(at_work)) == ("ablation with efficientnet-lite0", run)
    moving = job(**row, first_step=10, stage_started_at=80.0, progress_at=100.0, heartbeat=100.0)
    assert job_words.progress_words(moving, 100.0) == "Round 1 · 25% of all rows · about 1 min 30 s left"

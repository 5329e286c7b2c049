"""An ablation as a background job."""

import shutil

import pytest

from app import job_words
from comus_core import open_workspace
from comus_core.errors import SettingsError
from comus_core.jobs import ensure_supervisor, get, read_log, submit, wait
from comus_core.self_training import make_training
from comus_core.self_training.ablation import Ablation, ablation_json
from tests.jobs.builders import job
from tests.jobs.watching import PATIENCE, end_all


@pytest.fixture
def workspace(finished, tmp_path):
    shutil.copytree(finished[0].root, tmp_path / "w")
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


def wanted(run, *rows):
    return {"run": run.id, "dataset": run.config.dataset} | ablation_json(Ablation(make_training(), rows=rows))


def test_it_is_done_in_the_background_and_says_each_row(workspace, finished):
    run = finished[1]
    queued = submit(workspace, "ablate", wanted(run, "k-means", "spectral"), "cpu")
    ensure_supervisor(workspace)
    assert wait(workspace, queued.id, PATIENCE).state == "done"
    done = get(workspace, queued.id)
    assert done.run == run.id and done.stage == "spectral"
    log = read_log(done)
    assert f"spectral: mIoU {run.result['evaluation']['miou']:.2f} %" in log and "k-means: mIoU " in log


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "no run"),
        ({"run": "a", "rows": ["x"]}, "row 'x'"),
        ({"run": "a", "training": {"crop": 100}}, "crop 100"),
        ({"run": "a", "epochs": 3}, "unknown setting epochs"),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_queued(workspace, settings, words):
    with pytest.raises(SettingsError, match=words):
        submit(workspace, "ablate", settings)


def test_its_card_shows_the_rows_and_the_time_left_of_all(finished):
    settings = wanted(finished[1], "k-means", "round 1", "confidence")
    at_work = job(kind="ablate", settings=settings, stage="round 1", step=30, total=120, first_step=10)
    states = [("K-means", "done"), ("Round 1", "now"), ("Confidence", "todo")]
    assert job_words.stage_states(at_work) == states
    assert job_words.networks_words(settings) == "ablation with efficientnet-lite0"
    moving = job(
        **{"kind": "ablate", "settings": settings, "stage": "round 1", "step": 30, "total": 120, "first_step": 10},
        stage_started_at=80.0,
        progress_at=100.0,
        heartbeat=100.0,
    )
    assert job_words.progress_words(moving, 100.0) == "Round 1 · 25% of all rows · about 1 min 30 s left"

from pathlib import Path

import pytest

from app.data import job_words
from comus_core.jobs import Job

NOW = 1_000_000.0


def a_job(**changes) -> Job:
    fixed = {"id": 3, "kind": "discover", "device": "cpu", "folder": Path("/"), "log_path": Path("/log")}
    return Job(**fixed | {"settings": {"dataset": "photos"}, "state": "running", "created_at": NOW - 100} | changes)


def working(**changes) -> Job:
    """120 of 240 images of saliency, 60 of them by this attempt in 30 s, the last one 2 s ago."""
    steps = {"stage": "saliency", "step": 120, "total": 240, "first_step": 60, "started_at": NOW - 90}
    return a_job(**steps | {"stage_started_at": NOW - 32, "progress_at": NOW - 2, "heartbeat": NOW} | changes)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("demo", "demo"),
        ("voc:/data/VOC:devkit:trainval", "VOC trainval"),
        ("coco:/data:val2017", "COCO val2017"),
        ("/my/photos", "photos"),
        ("voc:", "voc:"),
    ],
)
def test_a_data_set_has_a_short_name(spec, words):
    assert job_words.dataset_words(spec) == words


def test_networks_are_named_and_own_files_by_their_last_part():
    settings = {"saliency": {"detector": "masks:/a/cut"}, "features": {"encoder": "dino-vits8"}}
    assert job_words.networks_words(settings) == "own cut + dino-vits8"
    assert job_words.networks_words({}) == "best on this machine"


def test_the_pace_of_this_attempt_tells_the_time_left():
    assert job_words.progress_words(working(), NOW) == "Saliency 120 of 240 · about 58 s left in this stage"
    assert job_words.fraction(working()) == 0.5


def test_a_silent_job_is_said_to_be_silent():
    assert "no sign of life" in job_words.progress_words(working(heartbeat=NOW - 60), NOW)


def test_before_and_after_the_work_it_says_what_is_waited_for():
    waiting = a_job(id=9, state="queued")
    training = working(id=7, kind="train", settings={"training": {"network": {"backbone": "efficientnet-lite0"}}})
    later, sooner = a_job(id=11, state="queued"), a_job(id=8, state="queued")
    assert job_words.progress_words(waiting, NOW) == "starts in a moment"
    ahead = job_words.ahead_of(waiting, [later, waiting, sooner, training])
    assert [job.id for job in ahead] == [7, 8]  # the one at work first; who asked later is served later
    one = "waits for job 7 (training of efficientnet-lite0)"
    assert job_words.progress_words(waiting, NOW, ahead[:1]) == one
    assert job_words.progress_words(waiting, NOW, ahead) == f"{one} and 1 other job"
    assert job_words.progress_words(a_job(), NOW) == "starting"
    assert "what is finished is kept" in job_words.progress_words(working(state="cancelling"), NOW)
    assert job_words.fraction(a_job()) == 0.0


def test_stages_before_the_present_one_are_done_and_those_after_to_come():
    states = [state for _, state in job_words.stage_states(working())]
    assert states == ["done", "now", "todo", "todo", "todo", "todo", "todo"]
    stopped = [state for _, state in job_words.stage_states(working(state="failed"))]
    assert stopped == ["done", "stopped", "todo", "todo", "todo", "todo", "todo"]
    short = working(settings={"dataset": "photos", "until": "features"})
    assert job_words.stage_states(short) == [("Images", "done"), ("Saliency", "now"), ("Features", "todo")]
    assert {state for _, state in job_words.stage_states(working(state="done"))} == {"done"}


def test_a_training_shows_its_rounds():
    def training(**changes):
        settings = {"dataset": "photos", "training": {"rounds": 2, "network": {"backbone": "dino-resnet50"}}}
        return working(kind="train", settings=settings, **changes)

    def states(job):
        return [state for _, state in job_words.stage_states(job)]

    assert [words for words, _ in job_words.stage_states(training())] == ["Round 0", "Round 1", "Round 2"]
    assert states(training(stage="")) == ["todo", "todo", "todo"]
    assert states(training(stage="saliency")) == ["now", "todo", "todo"]
    assert states(training(stage="round 1")) == ["done", "now", "todo"]
    assert states(training(stage="round 1 masks", state="failed")) == ["done", "stopped", "todo"]
    assert states(training(stage="round 2 scores", state="done")) == ["done", "done", "done"]
    assert job_words.progress_words(training(stage="round 1 masks"), NOW).startswith("Round 1 masks 120 of 240")
    assert job_words.networks_words(training().settings) == "training of dino-resnet50"


@pytest.mark.parametrize(
    ("kind", "settings", "stage", "states", "words"),
    [
        (
            "predict",
            {"photographs": ["a"], "round": 0},
            "features",
            {"Images": "done", "Saliency": "done", "Features": "now", "Neighbours": "todo", "Results": "todo"},
            "prediction with the clusters",
        ),
        (
            "predict",
            {"photographs": ["a"], "round": 2},
            "masks",
            {"Images": "done", "Saliency": "done", "Masks": "now", "Results": "todo"},
            "prediction with round 2",
        ),
        ("images", {"look": "health"}, "health", {"Images": "done", "Health": "now"}, "health of the images"),
        ("similar", {"picture": "a.jpg"}, "", {"Similar": "todo"}, "search for what is similar"),
    ],
)
def test_predictions_checks_and_searches_are_told_by_their_steps(kind, settings, stage, states, words):
    job = working(kind=kind, settings={"dataset": "x", **settings}, stage=stage)
    assert dict(job_words.stage_states(job)) == states
    assert job_words.networks_words(job.settings) == words


def test_times_are_told_by_their_distance():
    assert job_words.time_words(a_job(state="queued"), NOW) == "queued 2 min ago"
    assert job_words.time_words(working(), NOW) == "at work for 1 min 30 s"
    ended = a_job(state="done", started_at=NOW - 4000, ended_at=NOW - 3700)
    assert job_words.time_words(ended, NOW) == "ended 62 min ago after 5 min 0 s"
    assert job_words.time_words(a_job(state="cancelled", ended_at=NOW - 20), NOW) == "ended 20 s ago, never begun"
    assert job_words.ago(NOW - 1, NOW) == "just now"
    assert job_words.ago(0.0, NOW).startswith("on 19")
    assert job_words.stored_time("1970-01-12T13:46:00+00:00", NOW) == "40 s ago"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (3000, "50 min"), (7200, "2 h"), (36000, "10 h")]
)
def test_estimates_are_no_more_exact_than_they_can_be(seconds, words):
    assert job_words.about(seconds) == words


def test_few_bytes_are_not_called_none():
    assert [job_words.bytes_words(n) for n in (0, 1, 999_999, 2_000_000)] == ["0 kB", "1 kB", "1000 kB", "2 MB"]

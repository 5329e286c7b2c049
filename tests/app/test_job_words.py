from pathlib import Path

import pytest

from app.data import job_words
from comus_core.config import make_config
from comus_core.jobs import Job, words
from comus_core.pipelines.verb_settings import CompareSettings, HealthSettings, PredictSettings, SimilarSettings
from comus_core.settings import to_dict
from comus_core.training import make_training
from comus_core.training.settings import TrainSettings
from comus_core.verbs.job_words import dataset_words, networks_words

NOW = 1_000_000.0


def a_job(**changes) -> Job:
    fixed = {"id": 3, "kind": "discover", "device": "cpu", "folder": Path("/"), "log_path": Path("/log")}
    asked = {"subject": to_dict(make_config(dataset="photos")), "settings": {}}
    return Job(**fixed | asked | {"state": "running", "created_at": NOW - 100} | changes)


def working(**changes) -> Job:
    """120 of 240 images of saliency, 60 of them by this attempt in 30 s, the last one 2 s ago."""
    steps = {"stage": "saliency", "step": 120, "total": 240, "first_step": 60, "started_at": NOW - 90}
    return a_job(**steps | {"stage_started_at": NOW - 32, "progress_at": NOW - 2, "heartbeat": NOW} | changes)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("demo", "demo"),
        ("voc:/data/VOC:devkit:trainval", "VOC trainval"),
        ("coco:/data:val2017", "COCO val2017"),
        ("/my/photos", "photos"),
        ("voc:", "voc:"),
    ],
)
def test_a_data_set_has_a_short_name(spec, name):
    assert dataset_words(spec) == name


def test_networks_are_named_and_own_files_by_their_last_part():
    config = make_config(dataset="a", saliency={"detector": "masks:/a/cut"}, features={"encoder": "dino-vits8"})
    assert networks_words(to_dict(config)) == "own cut + dino-vits8"
    assert networks_words(to_dict(make_config(dataset="a"))) == "best on this machine"


def test_the_pace_of_this_attempt_tells_the_time_left():
    assert job_words.progress_words(working(), NOW) == "Saliency 120 of 240 · about 58 s left in this stage"
    assert job_words.fraction(working()) == 0.5


def test_a_queued_job_waits_for_those_of_a_higher_priority_and_for_room_on_the_disk():
    waiting, preferred = a_job(id=3, state="queued"), a_job(id=9, state="queued", priority=2)
    assert job_words.ahead_of(waiting, [waiting, preferred]) == [preferred]
    assert job_words.ahead_of(preferred, [waiting, preferred]) == []
    assert job_words.progress_words(waiting, NOW, [preferred], "only 3 MB free") == "waits: only 3 MB free"


def test_a_silent_job_is_said_to_be_silent():
    assert "no heartbeat" in job_words.progress_words(working(heartbeat=NOW - 60), NOW)


def test_before_and_after_the_work_it_says_what_is_waited_for():
    waiting = a_job(id=9, state="queued")
    training = working(id=7, kind="train", subject="photos-1")
    later, sooner = a_job(id=11, state="queued"), a_job(id=8, state="queued")
    assert job_words.progress_words(waiting, NOW) == "starts in a moment"
    ahead = job_words.ahead_of(waiting, [later, waiting, sooner, training])
    assert [job.id for job in ahead] == [7, 8]  # the one at work first; who asked later is served later
    one = "waits for job 7 (training with efficientnet-lite0)"
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
    short = working(settings={"until": "features"})
    assert job_words.stage_states(short) == [("Images", "done"), ("Saliency", "now"), ("Features", "todo")]
    assert {state for _, state in job_words.stage_states(working(state="done"))} == {"done"}


def test_a_training_shows_its_rounds():
    def training(**changes):
        settings = to_dict(TrainSettings(make_training(rounds=2, network={"backbone": "dino-resnet50"})))
        return working(kind="train", subject="photos-1", settings=settings, **changes)

    def states(job):
        return [state for _, state in job_words.stage_states(job)]

    assert [name for name, _ in job_words.stage_states(training())] == ["Round 0", "Round 1", "Round 2"]
    assert states(training(stage="")) == ["todo", "todo", "todo"]
    assert states(training(stage="saliency")) == ["now", "todo", "todo"]
    assert states(training(stage="round 1")) == ["done", "now", "todo"]
    assert states(training(stage="round 1 masks", state="failed")) == ["done", "stopped", "todo"]
    assert states(training(stage="round 2 scores", state="done")) == ["done", "done", "done"]
    assert job_words.progress_words(training(stage="round 1 masks"), NOW).startswith("Round 1 masks 120 of 240")
    assert (words.phrase(training()), words.title(training())) == ("training with dino-resnet50", "photos-1")


@pytest.mark.parametrize(
    ("kind", "subject", "settings", "stage", "states", "phrase", "title"),
    [
        (
            "predict",
            "a@0",
            PredictSettings(("a", "b"), "out"),
            "features",
            {"Images": "done", "Saliency": "done", "Features": "now", "Neighbours": "todo", "Results": "todo"},
            "prediction with the clusters",
            "2 images",
        ),
        (
            "predict",
            "a-12@2",
            PredictSettings(("a",), "out"),
            "masks",
            {"Images": "done", "Saliency": "done", "Masks": "now", "Results": "todo"},
            "prediction with round 2",
            "1 image",
        ),
        (
            "images",
            "/data/photos",
            HealthSettings(),
            "health",
            {"Images": "done", "Health": "now"},
            "check of the images",
            "photos",
        ),
        (
            "similar",
            "a",
            SimilarSettings(("x#0", "y#1"), "b/c.jpg"),
            "",
            {"Search": "todo"},
            "search for similar proposals",
            "c.jpg and 2 proposals",
        ),
        (
            "compare",
            ["a@0", "b@1"],
            CompareSettings(),
            "x",
            {"Scores": "now"},
            "comparison of two rounds",
            "a@0 and b@1",
        ),
    ],
)
def test_jobs_are_told_by_their_steps(kind, subject, settings, stage, states, phrase, title):
    job = working(kind=kind, subject=subject, settings=to_dict(settings), stage=stage)
    assert dict(job_words.stage_states(job)) == states
    assert (words.phrase(job), words.title(job)) == (phrase, title)


@pytest.mark.parametrize(
    ("kind", "subject", "settings"), [("how_many", None, {}), ("train", None, {}), ("discover", {}, {"until": "lunch"})]
)
def test_a_job_of_another_version_has_its_kind_and_no_more(kind, subject, settings):
    job = working(kind=kind, subject=subject, settings=settings)
    assert (words.phrase(job), words.title(job), job_words.stage_states(job)) == (kind, "", [])


def test_times_are_told_by_their_distance():
    assert job_words.time_words(a_job(state="queued"), NOW) == "queued 2 min ago"
    assert job_words.time_words(working(), NOW) == "running for 1 min 30 s"
    ended = a_job(state="done", started_at=NOW - 4000, ended_at=NOW - 3700)
    assert job_words.time_words(ended, NOW) == "ended 62 min ago after 5 min 0 s"
    assert job_words.time_words(a_job(state="cancelled", ended_at=NOW - 20), NOW) == "ended 20 s ago, never begun"
    assert job_words.ago(NOW - 1, NOW) == "just now"
    assert job_words.ago(0.0, NOW).startswith("on 19")
    assert job_words.stored_time("1970-01-12T13:46:00+00:00", NOW) == "40 s ago"


@pytest.mark.parametrize(
    ("seconds", "estimate"),
    [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (3000, "50 min"), (7200, "2 h"), (36000, "10 h")],
)
def test_estimates_are_no_more_exact_than_they_can_be(seconds, estimate):
    assert job_words.about(seconds) == estimate


def test_few_bytes_are_not_called_none():
    assert [job_words.bytes_words(n) for n in (0, 1, 999_999, 2_000_000)] == ["0 kB", "1 kB", "1000 kB", "2 MB"]

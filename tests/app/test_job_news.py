"""The notice that a long job has ended: to whom it is given, how often, and in what words."""

import time

from app.components.frame.job_news import LONG, news, sentence_on
from comus_core import open_workspace
from comus_core.config import make_config
from comus_core.settings import to_dict
from tests.app.working import ended_job, open_app
from tests.jobs.builders import job


def ended(job_id: int, state: str = "done", took: float = LONG, attempt: int = 1, **more):
    return job(id=job_id, state=state, attempt=attempt, started_at=100.0, ended_at=100.0 + took, **more)


def test_a_session_is_told_of_each_long_job_once_and_of_none_from_before():
    at_work = job(id=2, state="running", started_at=90.0)
    told, seen = news([ended(1), at_work], None)
    assert told == []
    told, seen = news([ended(1), at_work], seen)
    assert told == []
    told, seen = news([ended(1), ended(2)], seen)
    assert [j.id for j in told] == [2]
    told, seen = news([ended(1), ended(2)], seen)
    assert told == []


def test_another_attempt_is_another_ending_and_a_short_job_is_none():
    _, seen = news([ended(1, "failed")], None)
    _, seen = news([job(id=1, state="running", attempt=2)], seen)
    told, seen = news([ended(1, attempt=2), ended(2, took=LONG - 0.1), job(id=3, state="cancelled")], seen)
    assert [(j.id, j.attempt) for j in told] == [(1, 2)]


def test_the_words_say_what_ended_how_and_after_how_long():
    config = make_config(dataset="/data/my_photos", saliency={"detector": "u2netp"}, features={"encoder": "dino-vits8"})
    said = sentence_on(ended(1, took=200.0, subject=to_dict(config), settings={}))
    assert said == r"**Run with u2netp + dino-vits8** (my_photos) finished after 3 min 20 s"
    said = sentence_on(ended(1, "failed", 30.0, kind="train", subject="demo-1", error="the disk is full"))
    assert said == "**Training with efficientnet-lite0** (demo-1) failed after 30 s: the disk is full"
    assert sentence_on(ended(1, kind="how_many")) == r"**How_many** finished after 20 s"  # of an older version


def test_every_page_tells_it_as_a_toast_once(monkeypatch, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    ended_job(workspace, "done")
    test = open_app(monkeypatch, workspace, "new_run")
    assert not test.exception and not test.toast
    long = ended_job(workspace, "failed", "no such folder")
    with workspace.database.writing() as connection:
        now = time.time()
        connection.execute("UPDATE jobs SET started_at = ?, ended_at = ? WHERE id = ?", (now - 60, now, long.id))
    test.run()
    assert [t.value for t in test.toast] == ["**Run with best on this machine** (photos) failed after 1 min 0 s: "
                                             "no such folder"]  # fmt: skip
    test.run()
    assert not test.toast

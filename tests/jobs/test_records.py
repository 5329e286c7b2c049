import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.jobs.devices import choose_slot, gpu_names
from comus_core.jobs.logs import last_words, read_from, read_log
from comus_core.jobs.progress import StageProgress, advance
from comus_core.jobs.records import SILENCE, Job, eta_seconds, is_responding
from comus_core.types import Progress
from tests.jobs.builders import job


def after(steps: list[tuple[float, int]], total: int = 1000) -> Job:
    """A running job whose stage reported these (time, step)."""
    standing = StageProgress()
    for now, step in steps:
        standing = advance(standing, Progress("saliency", step, total), now)
    return job(
        stage=standing.stage,
        step=standing.step,
        total=standing.total,
        first_step=standing.first_step,
        stage_started_at=standing.started_at,
        progress_at=standing.at,
    )


@given(pace=st.floats(0.01, 100), done=st.integers(1, 999))
def test_the_time_left_is_that_of_the_steps_left_at_a_steady_pace(pace, done):
    steps = [(1e9 + pace * step, step) for step in range(done + 1)]
    assert eta_seconds(after(steps)) == pytest.approx(pace * (1000 - done), rel=1e-3)


def test_shards_found_finished_do_not_count_as_pace():
    # 640 steps found in a millisecond or two, then 10 steps of 2 s each: 350 steps are left at 2 s
    found = [(1e9 + 1e-4 * n, 64 * n) for n in range(11)]
    own = [(found[-1][0] + 2.0 * n, 640 + n) for n in range(1, 11)]
    assert eta_seconds(after(found + own)) == pytest.approx(2.0 * 350, rel=1e-3)
    assert after(found + own).first_step == 640


def test_nothing_is_foretold_before_a_first_step_of_its_own():
    assert eta_seconds(job()) is None
    assert eta_seconds(after([(1e9, 0)])) is None
    assert eta_seconds(after([(1e9, 0), (1e9 + 1e-3, 64)])) is None


def test_a_new_stage_and_a_second_pass_of_the_same_stage_start_afresh():
    first = advance(StageProgress(), Progress("images", 10, 10), 5.0)
    second = advance(first, Progress("saliency", 3, 10), 7.0)
    assert (second.first_step, second.started_at) == (3, 7.0)
    again = advance(second, Progress("saliency", 0, 10), 9.0)
    assert (again.first_step, again.started_at) == (0, 9.0)


def test_the_time_left_counts_down_between_two_steps_but_not_below_zero():
    running = after([(100.0, 0), (110.0, 500)])
    assert eta_seconds(running) == pytest.approx(10.0)
    assert eta_seconds(running, now=114.0) == pytest.approx(6.0)
    assert eta_seconds(running, now=500.0) == 0.0


def test_a_job_that_has_ended_has_no_time_left():
    assert eta_seconds(job(state="done", stage_started_at=1.0, progress_at=2.0, step=1, total=2)) is None


def test_a_silent_live_job_is_not_responding_and_a_finished_one_owes_no_sign():
    assert is_responding(job(heartbeat=100.0), now=100.0 + SILENCE)
    assert not is_responding(job(heartbeat=100.0), now=101.0 + SILENCE)
    assert not is_responding(job(started_at=100.0), now=101.0 + SILENCE)
    assert is_responding(job(state="done", heartbeat=100.0), now=1e9)


GPUS = ("cuda:0", "cuda:1")


@pytest.mark.parametrize(
    ("asked", "taken", "gpus", "at_once", "slot"),
    [
        ("auto", [], (), 1, "auto"),
        ("auto", ["auto"], (), 1, None),
        ("cpu", ["cpu"], (), 2, "cpu"),
        ("auto", [], GPUS, 2, "cuda:0"),
        ("cuda", ["cuda:0"], GPUS, 2, "cuda:1"),
        ("auto", ["cuda:0", "cuda:1"], GPUS, 3, None),
        ("cuda:1", ["cuda:1"], GPUS, 2, None),
        ("cuda:1", ["cuda:0"], GPUS, 2, "cuda:1"),
        ("cpu", ["cuda:0"], GPUS, 2, "cpu"),
        ("cpu", ["cuda:0", "cuda:1"], GPUS, 2, None),
        ("cuda:7", [], GPUS, 2, "cuda:7"),  # not here: the job itself fails and lists the devices
    ],
)
def test_each_gpu_has_one_job_and_the_limit_holds_over_all(asked, taken, gpus, at_once, slot):
    assert choose_slot(asked, taken, gpus, at_once) == slot


@pytest.mark.parametrize(("visible", "count"), [("", 0), ("-1", 0), ("0", 1), ("2,3", 2), ("GPU-8a,GPU-9b", 2)])
def test_gpus_are_those_the_environment_leaves_visible(monkeypatch, visible, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_names() == tuple(f"cuda:{n}" for n in range(count))


def test_gpus_are_counted_by_their_device_files(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("comus_core.jobs.devices.DEVICES", tmp_path)
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert gpu_names() == GPUS


@settings(max_examples=40, deadline=None)
@given(
    lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)),
    tail=st.integers(0, 80),
)
def test_the_end_of_a_log_is_its_longest_run_of_whole_lines_that_fits(tmp_path_factory, lines, tail):
    path = tmp_path_factory.mktemp("log") / "1.log"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    ends = ["".join(f"{line}\n" for line in lines[n:]) for n in range(len(lines) + 1)]
    assert read_log(job(log_path=path), tail) == next(end for end in ends if len(end.encode()) <= tail)


def test_a_log_that_is_not_there_yet_is_empty(tmp_path):
    assert read_log(job(log_path=tmp_path / "1.log")) == ""
    assert last_words(tmp_path / "1.log") == ""
    assert read_from(tmp_path / "1.log", 0) == b""


def test_a_line_half_written_is_left_for_the_next_look(tmp_path):
    path = tmp_path / "1.log"
    path.write_bytes(b"one\ntw")
    assert read_from(path, 0) == b"one\n"
    path.write_bytes(b"one\ntwo\n")
    assert read_from(path, 4) == b"two\n"


def test_the_last_words_are_the_last_line_that_says_something(tmp_path):
    path = tmp_path / "1.log"
    path.write_text("begins\n  MemoryError: no more  \n\n\n")
    assert last_words(path) == "MemoryError: no more"

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from comus_core.files.process_identity import ABROAD_SILENCE, _start_by_ps, identify, this_host
from comus_core.jobs.processes import describe_exit, judge, kill_orphans, why_dead
from tests.jobs.builders import job

NAP = "import time; time.sleep(60)"


@pytest.fixture
def sleeper():
    child = subprocess.Popen([sys.executable, "-c", NAP], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def job_of(pid: int):
    known = identify(pid)
    assert known is not None
    return job(pid=pid, process_start=known.start, host=known.host, boot_id=known.boot_id, heartbeat=time.time())


def test_a_live_process_is_alive_however_long_it_was_silent(sleeper):
    silent = dataclasses.replace(job_of(sleeper.pid), heartbeat=0.0)
    assert judge(silent, time.time()) == "alive"


def test_a_stopped_process_is_alive(sleeper):
    known = job_of(sleeper.pid)
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert judge(known, time.time()) == "alive"


def test_a_zombie_is_dead_before_anyone_collected_it(sleeper):
    known = job_of(sleeper.pid)
    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert os.path.exists(f"/proc/{sleeper.pid}") or sys.platform != "linux"
    assert judge(known, time.time()) == "dead"


def test_a_pid_that_came_round_again_is_not_the_job(sleeper):
    known = job_of(sleeper.pid)
    reused = dataclasses.replace(known, process_start=str(known.process_start) + "1")
    assert judge(reused, time.time()) == "dead"


def test_a_pid_from_before_a_restart_of_the_machine_is_not_the_job(sleeper):
    old = dataclasses.replace(job_of(sleeper.pid), boot_id="another boot")
    assert judge(old, time.time()) == "dead"
    assert why_dead(old) == "the machine was restarted"


def test_a_process_on_another_host_is_judged_by_its_silence_alone(sleeper):
    abroad = dataclasses.replace(job_of(sleeper.pid), host=this_host() + "-other", heartbeat=1000.0)
    assert judge(abroad, 999.0 + ABROAD_SILENCE) == "alive"
    assert judge(abroad, 1001.0 + ABROAD_SILENCE) == "dead"


def test_a_process_whose_name_holds_spaces_and_brackets_is_known_by_its_start(tmp_path):
    script = tmp_path / "a ) b (c"
    script.symlink_to("/bin/sleep")
    child = subprocess.Popen([script, "60"])
    try:
        before = identify(os.getpid())
        known = identify(child.pid)
        assert before is not None and known is not None
        assert int(known.start) >= int(before.start)
        assert abs(int(known.start) / os.sysconf("SC_CLK_TCK") - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
    finally:
        child.kill()
        child.wait()


def test_without_proc_ps_tells_the_living_from_the_dead(sleeper):
    assert shutil.which("ps"), "systems without /proc ask ps: install it (package procps) to test that here"
    first = _start_by_ps(sleeper.pid)
    assert first is not None and first == _start_by_ps(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert _start_by_ps(sleeper.pid) is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "its process ended with exit code 0"),
        (3, "its process ended with exit code 3"),
        (-9, "its process was killed by signal 9 (SIGKILL); out of memory?"),
        (-11, "its process was killed by signal 11 (SIGSEGV); a crash in native code"),
        (-15, "its process was killed by signal 15 (SIGTERM)"),
    ],
)
def test_an_exit_code_is_told_in_words(code, words):
    assert describe_exit(code) == words


def test_what_a_dead_job_left_in_its_group_is_killed():
    leader = f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {NAP!r}]); print(c.pid, flush=True)"
    child = subprocess.Popen([sys.executable, "-c", leader + "; input()"], start_new_session=True, stdout=-1, stdin=-1)
    assert child.stdout is not None
    orphan = int(child.stdout.readline())
    known = job_of(child.pid)
    child.kill()
    child.wait()
    assert identify(orphan) is not None
    kill_orphans(known)
    end = time.monotonic() + 5
    while identify(orphan) is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert identify(orphan) is None
    child.stdout.close()
    child.stdin.close()


def test_orphans_are_left_alone_where_the_pid_means_another_process(sleeper):
    kill_orphans(dataclasses.replace(job_of(sleeper.pid), process_start="1"))
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.2)

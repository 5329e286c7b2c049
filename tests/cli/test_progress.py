import pytest

from comus_core.cli.progress import ProgressPrinter, plain_line
from comus_core.text import duration, size
from comus_core.types import Progress


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_read_as_a_person_says_them(seconds, words):
    assert duration(seconds) == words


def test_sizes_change_unit_at_a_gigabyte():
    assert (size(12_400_000), size(3_440_000_000)) == ("12 MB", "3.4 GB")


def test_the_time_left_counts_only_what_this_invocation_did():
    # 100 were done before; 20 took 10 s, so 80 more take 40 s
    assert plain_line(Progress("saliency", 120, 200), 100, 10.0) == "saliency: 120/200, 40 s left"


def test_no_time_is_promised_before_the_first_step_or_after_the_last():
    assert plain_line(Progress("saliency", 100, 200), 100, 10.0) == "saliency: 100/200"
    assert plain_line(Progress("saliency", 200, 200), 100, 10.0) == "saliency: 200/200"


def test_without_a_terminal_progress_is_plain_lines(capsys):
    printer = ProgressPrinter()
    for step in (0, 1, 2, 3, 4, 4):
        printer(Progress("features", step, 4))
    printer.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "features: 0/4" and lines[-1] == "features: 4/4" and len(lines) == 2

"""Images side by side, each with one thread of torch; the threads of everything else stay as they were."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from comus_core.machine.alone import each_alone


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_each_value_is_computed_by_one_thread_and_order_stays(two_threads):
    assert each_alone(lambda value: (value, torch.get_num_threads()), range(20)) == [(k, 1) for k in range(20)]
    assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as pool:  # a thread made later begins with two as well
        assert pool.submit(torch.get_num_threads).result() == 2


def test_an_error_is_raised_and_the_threads_are_given_back(two_threads):
    def work(value):
        if value == 3:
            raise ValueError(f"value {value}")
        return value

    with pytest.raises(ValueError, match="value 3"):
        each_alone(work, range(8))
    assert torch.get_num_threads() == 2

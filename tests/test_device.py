import pytest
import torch

from comus_core.errors import SettingsError
from comus_core.machine.device import choose_device, describe_devices


def test_the_cpu_is_always_there_and_last():
    assert describe_devices()[-1].name == "cpu"
    assert choose_device("cpu") == "cpu"


def test_auto_takes_the_best_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == "mps"


def test_a_graphics_card_is_chosen_by_kind_or_number(monkeypatch):
    class Card:
        name, total_memory = "Card", 8 * 2**30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Card)
    assert [choose_device(w) for w in ("auto", "cuda", "cuda:1")] == ["cuda:0", "cuda:0", "cuda:1"]
    assert describe_devices()[0].what == "Card, 8 GiB"
    with pytest.raises(SettingsError, match="cuda:0, cuda:1"):
        choose_device("cuda:2")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(wanted):
    with pytest.raises(SettingsError, match=f"'{wanted}' is not available: choose one of .*cpu, or auto"):
        choose_device(wanted)

"""What is told as a lack of memory, and when a file is blamed all the same."""

import errno
import sqlite3

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from comus_core.datasets import decoding
from comus_core.errors import ComusError, ImageError, WorkspaceError
from comus_core.files import memory_faults
from comus_core.files.memory_faults import lacks_memory, pass_on_memory_fault
from comus_core.machine import room as memory_room
from comus_core.machine.room import has_room, hold_blas_buffers
from tests.datasets.broken_files import picture

ABSURD = 2**60  # bytes


def arrow_error() -> BaseException:
    with pytest.raises(pa.ArrowMemoryError) as raised:
        pa.allocate_buffer(ABSURD)
    return raised.value


def torch_error() -> BaseException:
    import torch

    with pytest.raises(RuntimeError) as raised:
        torch.empty(ABSURD, dtype=torch.uint8)
    return raised.value


def numpy_error() -> BaseException:
    with pytest.raises(MemoryError) as raised:
        np.empty(ABSURD, np.uint8)
    return raised.value


@pytest.mark.parametrize("raised", [arrow_error, torch_error, numpy_error])
def test_what_libraries_raise_without_memory_is_told_as_that(raised):
    assert lacks_memory(raised())


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (MemoryError(), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory", "/a"), True),
        (OSError("out of memory error when reading image file"), True),  # Pillow's, without a number
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (sqlite3.OperationalError("out of memory"), True),
        (OSError(errno.ENOSPC, "No space left on device", "/not enough memory"), False),
        (WorkspaceError("out of memory"), False),  # a sentence already
        (ValueError("one"), False),
        (KeyboardInterrupt("out of memory"), False),
    ],
)
def test_an_error_is_known_by_its_kind_or_its_words(error, lacking):
    assert lacks_memory(error) == lacking


def test_a_damaged_file_that_asks_for_too_much_is_blamed_while_there_is_room(tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1")
    assert has_room(2**20) and not has_room(ABSURD)
    pass_on_memory_fault(MemoryError(), path)  # there is room: nothing is raised
    monkeypatch.setattr(memory_faults, "has_room", lambda size: size < 1000)
    pass_on_memory_fault(ValueError("damaged"), path)
    with pytest.raises(MemoryError):
        pass_on_memory_fault(MemoryError(), path)


@pytest.mark.parametrize(("room", "fault"), [(True, ImageError), (False, ComusError)])
def test_no_image_is_called_damaged_for_want_of_memory(tmp_path, monkeypatch, room, fault):
    path = tmp_path / "cut.jpg"
    picture(0).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    monkeypatch.setattr(decoding, "has_room", lambda size: room)
    with pytest.raises(ComusError) as raised:
        decoding.read_rgb(path)
    assert type(raised.value) is fault
    assert ("out of memory" in str(raised.value)) is not room


def test_a_cut_file_that_promises_a_huge_image_is_damaged_on_a_small_machine_too(tmp_path, monkeypatch):
    path = tmp_path / "cut.png"
    Image.new("1", (9000, 9000)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    monkeypatch.setattr(decoding, "has_room", lambda size: size < 2**27)
    with pytest.raises(ImageError, match="truncated"):
        decoding.read_rgb(path)
    monkeypatch.setattr(PngImageFile, "load", lambda image: np.empty(ABSURD, np.uint8))
    with pytest.raises(ComusError, match="out of memory") as raised:  # an error that says so itself is believed
        decoding.read_rgb(path)
    assert not isinstance(raised.value, ImageError)


def test_blas_is_not_asked_to_compute_without_room_for_its_buffers(monkeypatch):
    hold_blas_buffers()
    monkeypatch.setattr(memory_room, "has_room", lambda size: size < memory_room.BLAS_BUFFER)
    with pytest.raises(MemoryError, match="BLAS"):
        hold_blas_buffers()

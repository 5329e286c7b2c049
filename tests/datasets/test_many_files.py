"""40 files broken in named ways among 100 good and 20 odd but valid ones."""

import ctypes
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.truth_check import CHECK_SCHEMA, check_images
from tests.datasets.broken_files import picture, write_broken
from tests.datasets.odd_files import write_odd

PR_SET_DUMPABLE = 4  # of prctl(2)


@contextmanager
def without_privileges():
    """Root may read any file: act as nobody meanwhile, so that permissions count."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        # Linux takes a process that was somebody else for one with secrets, and then counts no memory anew for it.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1)


@pytest.fixture(scope="module")
def looked_at():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for seed in range(100):
            suffix = ("jpg", "jpeg", "png", "webp", "bmp")[seed % 5]
            path = folder / f"good/{seed // 20}/{seed:03d}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(seed // 2).save(path, **({"lossless": True} if suffix == "webp" else {}))
        odd = {f"odd/{k}": v for k, v in write_odd(folder / "odd").items()}
        broken = {f"broken/{k}": v for k, v in write_broken(folder / "broken").items()}
        with without_privileges():
            dataset = open_dataset(name, folder / "unused")
            table = check_images(dataset.files)
        yield dataset, table, odd, broken


def test_all_120_usable_files_are_used(looked_at):
    _, table, odd, broken = looked_at
    usable = {row["image_id"] for row in table.to_pylist() if row["reason"] is None}
    assert len(odd) == 20 and len(broken) == 40
    assert len(usable) == 120
    assert set(odd) <= usable


def test_all_40_broken_files_are_listed_with_a_reason_that_names_the_fault(looked_at):
    dataset, table, _, broken = looked_at
    listed = {s.path: s.reason for s in dataset.skipped}
    listed |= {row["path"]: row["reason"] for row in table.to_pylist() if row["reason"] is not None}
    assert set(listed) == set(broken)
    assert {path: reason for path, reason in listed.items() if broken[path] not in reason} == {}


def test_a_broken_file_has_only_a_reason_and_a_usable_one_everything_else(looked_at):
    _, table, _, _ = looked_at
    assert table.schema == CHECK_SCHEMA
    for row in table.to_pylist():
        filled = {name for name in ("height", "width", "pixel_hash") if row[name] is not None}
        assert filled == (set() if row["reason"] else {"height", "width", "pixel_hash"})


def test_odd_files_give_exactly_the_pixels_they_hold(looked_at):
    dataset, _, odd, _ = looked_at
    for image_id, expected in odd.items():
        np.testing.assert_array_equal(dataset.read(image_id), expected, err_msg=image_id)


def test_equal_pixels_have_one_hash_whatever_the_format(looked_at):
    dataset, table, _, _ = looked_at
    hashes = {row["image_id"]: row["pixel_hash"] for row in table.to_pylist()}
    # Seeds 2 and 3 draw the same picture, once as lossless PNG and once as lossless WebP.
    assert hashes["good/0/002.png"] == hashes["good/0/003.webp"]
    distinct = {dataset.read(i).tobytes() + str(dataset.read(i).shape).encode() for i, h in hashes.items() if h}
    assert len(set(hashes.values()) - {None}) == len(distinct)


def test_a_turned_picture_of_the_same_bytes_has_another_hash(tmp_path):
    Image.new("RGB", (8, 4), "red").save(tmp_path / "wide.png")
    Image.new("RGB", (4, 8), "red").save(tmp_path / "tall.png")
    hashes = check_images(open_dataset(str(tmp_path), tmp_path).files).column("pixel_hash").to_pylist()
    assert hashes[0] != hashes[1]

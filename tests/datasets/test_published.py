"""Published data sets: downloaded with resume, checked, unpacked; the augmented split of VOC made from SBD."""

import hashlib
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.io import savemat

from comus_core.cli.main import cli
from comus_core.datasets import obtain as obtaining
from comus_core.datasets import published as table
from comus_core.datasets.archives import fetch, unpack
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.obtain import obtain
from comus_core.datasets.published import PUBLISHED, Archive
from comus_core.datasets.trainaug import make_trainaug
from comus_core.errors import Cancelled, DatasetError


@pytest.fixture
def served():
    """(address, files, requests): a server of those files that can resume, and what was asked of it."""
    files, requests = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content, wanted = files.get(self.path.strip("/")), self.headers.get("Range")
            requests.append((self.path, wanted))
            if content is None:
                return self.send_error(404)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if wanted and start >= len(content):
                return self.send_error(416)
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", files, requests
    server.shutdown()
    server.server_close()


def archive(address, files, content, name="a.tar"):
    files[name] = content
    return Archive(f"{address}/{name}", len(content), ("md5", hashlib.md5(content).hexdigest()))


def tar_of(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tarred:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tarred.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def test_a_file_is_downloaded_once_and_checked(served, tmp_path):
    address, files, requests = served
    wanted, steps = archive(address, files, b"x" * 3_000_000), []
    assert fetch(wanted, tmp_path, steps.append).read_bytes() == files["a.tar"]
    assert steps[-1].step == steps[-1].total == 3_000_000
    fetch(wanted, tmp_path)
    assert len(requests) == 1 and [p.name for p in tmp_path.iterdir()] == ["a.tar"]


def test_a_download_that_was_stopped_goes_on_where_it_was(served, tmp_path):
    address, files, requests = served
    content = np.random.default_rng(0).bytes(5_000_000)
    wanted = archive(address, files, content)

    def stop(progress):
        if progress.stage == "download" and progress.step > 2_000_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(wanted, tmp_path, stop)
    there = (tmp_path / "a.tar.part").stat().st_size
    assert 0 < there < 5_000_000
    assert fetch(wanted, tmp_path).read_bytes() == content
    assert requests[1] == ("/a.tar", f"bytes={there}-")


def test_what_is_not_the_published_file_is_refused_and_not_kept(served, tmp_path):
    address, files, _ = served
    wanted = replace(archive(address, files, b"right"), checksum=("md5", "0" * 32))
    with pytest.raises(DatasetError, match=r"what came is not the published file .its MD5 is"):
        fetch(wanted, tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.tar").write_bytes(b"by hand")
    with pytest.raises(DatasetError, match="it has 7 bytes, not 5"):
        fetch(wanted, tmp_path)


def test_a_file_brought_by_hand_is_used_without_a_network(tmp_path):
    content = b"brought"
    wanted = Archive("http://127.0.0.1:9/a.tar", len(content), ("sha256", hashlib.sha256(content).hexdigest()))
    with pytest.raises(DatasetError, match=r"no network: 127.0.0.1 cannot be reached .* put it at .*a.tar and give"):
        fetch(wanted, tmp_path)
    (tmp_path / "a.tar").write_bytes(content)
    assert fetch(wanted, tmp_path).read_bytes() == content


def test_a_server_that_refuses_is_told(served, tmp_path):
    with pytest.raises(DatasetError, match="the server says 404"):
        fetch(Archive(f"{served[0]}/gone.tar"), tmp_path)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_nothing_is_written_outside_of_the_folder(tmp_path, kind):
    file = tmp_path / f"bad.{kind}"
    if kind == "tar":
        file.write_bytes(tar_of({"../outside.txt": b"no"}))
    else:
        with zipfile.ZipFile(file, "w") as zipped:
            zipped.writestr("../outside.txt", "no")
    with pytest.raises(DatasetError, match="outside"):
        unpack(file, tmp_path / "in")
    assert not (tmp_path / "outside.txt").exists()


def test_a_damaged_archive_is_told_and_a_half_unpacked_one_is_completed(tmp_path):
    file = tmp_path / "a.tar"
    file.write_bytes(tar_of({"d/one.txt": b"1" * 5000, "d/two.txt": b"2" * 5000})[:4000])
    with pytest.raises(DatasetError, match=r"cannot be unpacked .* delete it and download it again"):
        unpack(file, tmp_path / "in")
    file.write_bytes(tar_of({"d/one.txt": b"1" * 5000, "d/two.txt": b"2" * 5000}))
    unpack(file, tmp_path / "in")
    assert {p.name: p.stat().st_size for p in (tmp_path / "in/d").iterdir()} == {"one.txt": 5000, "two.txt": 5000}


def test_every_published_checksum_has_the_length_of_its_hash():
    for entry in PUBLISHED.values():
        for one in entry.archives:
            assert (
                one.checksum is None or len(bytes.fromhex(one.checksum[1])) == hashlib.new(one.checksum[0]).digest_size
            )
            assert one.url.startswith(("http://", "https://"))
    assert {n: m for n, m in PUBLISHED["voc2012"].images.items()} == {"train": 1464, "val": 1449, "trainval": 2913}


@pytest.fixture
def voc(tmp_path):
    """VOC2012 with two training and one validation image, and SBD with four, of which one is in val."""
    root, sbd = tmp_path / "VOCdevkit/VOC2012", tmp_path / "benchmark_RELEASE/dataset"
    for folder in (root / "JPEGImages", root / "SegmentationClass", root / "ImageSets/Segmentation", sbd / "cls"):
        folder.mkdir(parents=True)
    (root / "ImageSets/Segmentation/train.txt").write_text("a\nb\n")
    (root / "ImageSets/Segmentation/val.txt").write_text("v\n")
    (sbd / "train.txt").write_text("b\nc\n")
    (sbd / "val.txt").write_text("d\nv\n")
    for number, name in enumerate("bcdv"):
        Image.new("RGB", (6, 4)).save(root / f"JPEGImages/{name}.jpg")
        mask = np.full((4, 6), number + 1, np.uint8)
        inner = np.array([(mask,)], dtype=[("Segmentation", object)])
        savemat(sbd / f"cls/{name}.mat", {"GTcls": inner})
    return root, sbd


def test_trainaug_is_train_and_sbd_without_any_image_of_val(voc, tmp_path):
    root, sbd = voc
    assert make_trainaug(root, sbd) == ["a", "b", "c", "d"]
    assert (root / "ImageSets/Segmentation/trainaug.txt").read_text().split() == ["a", "b", "c", "d"]
    assert sorted(p.stem for p in (root / "SegmentationClassAug").iterdir()) == ["b", "c", "d"]
    dataset = open_dataset(f"voc:{root}:trainaug", tmp_path)
    assert np.unique(dataset.truth.mask("c")).tolist() == [2] and dataset.truth.has("d")
    (sbd / "cls/d.mat").unlink()
    with pytest.raises(DatasetError, match=r"1 masks are missing, the first d.mat"):
        make_trainaug(root, sbd)


def test_a_data_set_is_downloaded_unpacked_and_its_strings_told(served, tmp_path, monkeypatch):
    address, files, requests = served
    content = tar_of(
        {"VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt": b"v\n", "VOCdevkit/VOC2012/JPEGImages/v.jpg": b"j"}
    )
    fake = replace(PUBLISHED["voc2012"], archives=(archive(address, files, content, "voc.tar"),))
    monkeypatch.setitem(table.PUBLISHED, "voc2012", fake)
    target = tmp_path / "in"
    done = CliRunner().invoke(cli, ["datasets", "download", "voc2012", "--to", str(target)])
    assert done.exit_code == 0, done.output
    assert f"voc:{target}/VOCdevkit/VOC2012:val" in done.output and "voc.tar: checked" in done.output
    assert (target / "VOCdevkit/VOC2012/JPEGImages/v.jpg").read_bytes() == b"j" and not (target / "voc.tar").exists()
    asked, said = len(requests), []
    assert obtain("voc2012", target, log=said.append)[0] in done.output  # nothing is downloaded again
    assert len(requests) == asked and "was brought to" in said[0]
    other = tmp_path / "by_hand"
    other.mkdir()
    (other / "voc.tar").write_bytes(content)
    obtain("voc2012", other)
    assert (other / "voc.tar").is_file()  # it was not this program that brought it


def test_what_has_come_counts_against_the_disk_that_is_needed(tmp_path, monkeypatch):
    fake = replace(PUBLISHED["voc2012"], archives=(Archive("http://127.0.0.1:9/a.tar", 10_000),))
    monkeypatch.setitem(table.PUBLISHED, "voc2012", fake)
    monkeypatch.setattr(obtaining.shutil, "disk_usage", lambda path: type("Use", (), {"free": 15_000})())
    with pytest.raises(DatasetError, match="need about 20 kB"):
        obtain("voc2012", tmp_path)
    (tmp_path / "a.tar.part").write_bytes(bytes(6_000))
    with pytest.raises(DatasetError, match="no network"):  # 14 kB are enough
        obtain("voc2012", tmp_path)


def test_a_part_that_is_complete_is_checked_where_the_server_has_nothing_left_to_send(served, tmp_path):
    address, files, _ = served
    wanted = replace(archive(address, files, b"all of it"), n_bytes=None)
    (tmp_path / "a.tar.part").write_bytes(b"all of it")
    assert fetch(wanted, tmp_path).read_bytes() == b"all of it"


def test_what_is_needed_before_is_told_and_so_is_a_full_disk(tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="adds masks to voc2012: `comus datasets download voc2012 --to"):
        obtain("voc2012-trainaug", tmp_path)
    with pytest.raises(DatasetError, match="data set 'voc': choose one of voc2012"):
        obtain("voc", tmp_path)
    monkeypatch.setattr(obtaining.shutil, "disk_usage", lambda path: type("Use", (), {"free": 1000})())
    with pytest.raises(DatasetError, match=r"are free, but archives and images need about 4.0 GB"):
        obtain("voc2012", tmp_path / "deep/er")

import os
import threading

from app.server import picture_cache
from app.server.picture_cache import PictureCache
from tests.jobs.watching import until


def counted(content=b"x"):
    calls = []

    def make():
        calls.append(1)
        return content

    return make, calls


def test_a_picture_is_drawn_once_and_outlives_the_server(tmp_path):
    make, calls = counted(b"picture")
    cache = PictureCache(tmp_path)
    assert cache.get("a", make) == b"picture"
    cache.flush()
    assert PictureCache(tmp_path).get("a", make) == b"picture"
    assert len(calls) == 1


def test_a_file_is_made_by_itself_once_no_picture_is_asked_for(tmp_path):
    cache = PictureCache(tmp_path)
    for name in "ab":  # the second after the first writer has ended
        cache.get(name, lambda: b"picture")
        assert not cache.path(name).exists()
        until(cache.path(name).exists)
        until(lambda: not any(thread.name == "picture files" for thread in threading.enumerate()))


def test_what_waits_for_its_file_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_cache, "WAITING_BYTES", 250)
    monkeypatch.setattr(picture_cache, "QUIET", 60)
    cache = PictureCache(tmp_path)
    for name in "abcd":
        cache.get(name, lambda: b"x" * 100)
    assert [cache.path(name).exists() for name in "abcd"] == [False, False, True, True]
    cache.flush()
    cache.get("e", lambda: b"x" * 200)  # there is room again
    assert [cache.path(name).exists() for name in "abcde"] == [True, True, True, True, False]


def test_memory_holds_the_newest_within_its_bound(tmp_path):
    cache = PictureCache(tmp_path, memory_bytes=250)
    for name in "abc":
        cache.get(name, lambda: b"x" * 100)
    cache.flush()
    for name in "abc":
        cache.path(name).unlink()
    make, calls = counted()
    cache.get("c", make), cache.get("b", make)
    assert calls == []
    cache.get("a", make)
    assert len(calls) == 1


def test_pruning_removes_the_longest_unused_files_beyond_the_bound(tmp_path):
    cache = PictureCache(tmp_path)
    for age, name in enumerate("abcd"):
        cache.get(name, lambda: b"x" * 100)
        cache.flush()
        os.utime(cache.path(name), (1000 + age, 1000 + age))
    cache.prune(disk_bytes=200)
    assert [cache.path(name).exists() for name in "abcd"] == [False, False, True, True]


def test_the_files_stay_within_their_bound_while_the_server_runs(tmp_path):
    cache = PictureCache(tmp_path, memory_bytes=100, disk_bytes=1600)
    for number in range(60):
        cache.get(str(number), lambda: b"x" * 100)
        cache.flush()
        os.utime(cache.path(str(number)), (1000 + number, 1000 + number))
        assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 1600 + 200
    assert cache.path("59").exists() and not cache.path("0").exists()


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path):
    (tmp_path / "blocked").write_text("a file where a folder should be")
    make, calls = counted(b"picture")
    cache = PictureCache(tmp_path / "blocked")
    assert cache.get("a", make) == b"picture" and calls
    cache.flush()

"""With not a byte left on the disk everything can still be looked at, and what takes the room be removed."""

import os
import re
import sqlite3
import subprocess
import sys

import pytest
from click.testing import CliRunner

from comus_core import open_workspace
from comus_core.cli.main import cli
from comus_core.errors import DiskFullError
from comus_core.files.own_places import make_own
from comus_core.maintenance.clean import clean, plan_cleaning
from comus_core.maintenance.delete import delete
from comus_core.workspace import database, reserve
from comus_core.workspace.artifacts import ArtifactKey
from comus_core.workspace.reserve import RESERVE, RESERVE_BYTES
from tests.maintenance.test_clean import aged
from tests.maintenance.test_delete import a_run, an_artifact, kinds_left

MEGABYTE = 1 << 20


class Disk:
    """A small disk: a mounted one, or, where nobody may mount, this process made to see one."""

    def __init__(self, folder):
        self.folder, self.mounted = folder, False
        self.full_at = None

    def fill(self, left=0):
        """Take all room but so many bytes."""
        if not self.mounted:
            self.full_at = self.used()
            return
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for block in (MEGABYTE, 4096, 1):
                while True:
                    try:
                        if file.write(bytes(block)) < block:
                            break
                    except OSError:
                        break
            os.fsync(file.fileno())
            os.truncate(file.fileno(), os.fstat(file.fileno()).st_size - left)

    def used(self):
        return sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file() and "comus.sqlite-" not in p.name)

    def is_full(self):
        return self.full_at is not None and self.used() >= self.full_at


def emulated(disk, monkeypatch):
    """SQLite and the reserve on a disk without room, as they were seen to behave on a real one."""

    class Full(sqlite3.Connection):
        alone = False

        def execute(self, sql, *values):
            if "locking_mode=EXCLUSIVE" in sql:
                self.alone = True
            reads = sql.startswith(("PRAGMA", "SELECT", "BEGIN", "CREATE TABLE IF NOT EXISTS"))
            if disk.is_full() and not sql.startswith("PRAGMA") and not (self.alone and reads):
                raise sqlite3.OperationalError("disk I/O error" if reads else "database or disk is full")
            return super().execute(sql, *values)

        def executescript(self, sql):
            there = {name for (name,) in super().execute("SELECT name FROM sqlite_master")}
            if disk.is_full() and set(re.findall(r"TABLE IF NOT EXISTS (\w+)", sql)) - there:
                raise sqlite3.OperationalError("database or disk is full")
            return super().executescript(sql)

    real = sqlite3.connect
    monkeypatch.setattr(database.sqlite3, "connect", lambda *a, **k: real(*a, **k, factory=Full))
    monkeypatch.setattr(reserve, "is_full", lambda _: disk.is_full())
    monkeypatch.setattr(database, "is_full", lambda _: disk.is_full())


@pytest.fixture(params=["mounted", "emulated"])
def disk(request, tmp_path, monkeypatch):
    found = Disk(tmp_path / "disk")
    found.folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "comus-test", str(found.folder)]
    if request.param == "mounted":
        try:
            found.mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
        except OSError:
            found.mounted = False
    if not found.mounted:
        emulated(found, monkeypatch)
    yield found
    if found.mounted:
        subprocess.run(["umount", "-l", str(found.folder)], check=True)


@pytest.fixture
def workspace(disk):
    """One with a run of an image artifact, 3 MB that no run needs, and its reserve."""
    place = open_workspace(disk.folder / "w")
    a_run(place, "first", images=an_artifact(place, "images"))
    place.artifacts.make(ArtifactKey("features", 1), lambda f: (f / "content").write_bytes(bytes(3 * MEGABYTE)))
    aged(place)
    return open_workspace(place.root)


def comus(workspace, *words):
    return CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root)])


def test_the_reserve_is_truly_taken(workspace):
    stat = (workspace.root / RESERVE).stat()
    assert (stat.st_size, stat.st_blocks * 512) == (RESERVE_BYTES, RESERVE_BYTES)


@pytest.mark.parametrize("kept", [True, False], ids=["with its reserve", "without"])
@pytest.mark.parametrize("left", [0, 16_384, 81_920])
def test_what_no_run_needs_can_be_cleaned_from_a_full_disk(disk, workspace, kept, left):
    if not kept:
        (workspace.root / RESERVE).unlink()
    disk.fill(left)
    if left == 0:
        with pytest.raises(DiskFullError, match=r"the disk is full at .*`comus clean`"):
            open_workspace(workspace.root).runs.describe("first", name="x" * 100_000)
    assert comus(workspace, "runs").stdout.startswith("first ")
    told = comus(workspace, "disk")
    assert told.exit_code == 0 and "`comus clean` would free 3 MB unused artifacts" in told.stdout
    assert "would free 3 MB" in comus(workspace, "clean", "--dry-run").stdout
    cleaned = comus(workspace, "clean", "--yes")
    assert cleaned.exit_code == 0, cleaned.output
    assert kinds_left(workspace) == ["images"]
    assert open_workspace(workspace.root).runs.describe("first", name="renamed").name == "renamed"


@pytest.mark.parametrize("kept", [True, False], ids=["with its reserve", "without"])
def test_a_run_can_be_deleted_from_a_full_disk(disk, workspace, kept):
    if not kept:
        (workspace.root / RESERVE).unlink()
    large = workspace.artifacts.make(ArtifactKey("soft_maps", 1), lambda f: (f / "c").write_bytes(bytes(MEGABYTE)))
    a_run(workspace, "second", soft_maps=large)
    disk.fill()
    delete(open_workspace(workspace.root).runs.get("second"), open_workspace(workspace.root))
    assert kinds_left(workspace) == ["features", "images"]
    assert [run.id for run in open_workspace(workspace.root).runs.all()] == ["first"]
    assert not (workspace.root / ".comus-deleted").exists()


def with_a_run_that_takes_nothing(workspace):
    """Another run of the first one's images, and no reserve: nothing of its own makes the room to forget it."""
    (workspace.root / RESERVE).unlink()
    a_run(workspace, "second", images=workspace.artifact(workspace.runs.get("first"), "images"))


def test_a_run_that_takes_nothing_is_deleted_at_the_cost_of_drawn_pictures(disk, workspace):
    with_a_run_that_takes_nothing(workspace)
    drawn = make_own(workspace.root / "cache") / "pictures" / "ab" / "abc"
    drawn.parent.mkdir(parents=True)
    drawn.write_bytes(bytes(MEGABYTE))
    disk.fill()
    told = comus(workspace, "runs", "delete", "second", "--yes")
    assert told.exit_code == 0, told.output
    words = "deleted second: 0 artifacts, 0 kB; 1 kept for other runs; also 1 MB of cached images and leftovers, as the"
    assert told.stdout.startswith(words), told.stdout
    assert [run.id for run in open_workspace(workspace.root).runs.all()] == ["first"]
    assert not drawn.exists() and kinds_left(workspace) == ["features", "images"]


def test_pictures_stay_where_the_run_itself_makes_the_room(disk, workspace):
    drawn = make_own(workspace.root / "cache") / "pictures" / "abc"
    drawn.parent.mkdir(parents=True)
    drawn.write_bytes(b"drawn")
    (workspace.root / RESERVE).unlink()
    large = workspace.artifacts.make(ArtifactKey("soft_maps", 1), lambda f: (f / "c").write_bytes(bytes(MEGABYTE)))
    a_run(workspace, "second", soft_maps=large)
    disk.fill()
    place = open_workspace(workspace.root)
    assert delete(place.runs.get("second"), place).spare == 0 and drawn.read_bytes() == b"drawn"


def test_where_nothing_makes_room_the_sentence_says_what_would_and_the_run_stays(disk, workspace):
    with_a_run_that_takes_nothing(workspace)
    disk.fill()
    with pytest.raises(DiskFullError, match=r"the disk is full at .*`comus clean`"):
        delete(open_workspace(workspace.root).runs.get("second"), open_workspace(workspace.root))
    assert {run.id for run in open_workspace(workspace.root).runs.all()} == {"first", "second"}
    assert "`comus clean` would free 3 MB unused artifacts" in comus(workspace, "disk").stdout


def test_the_reserve_is_set_aside_anew_when_room_was_made(disk, workspace):
    disk.fill()
    taken = (workspace.root / RESERVE).stat().st_ino
    delete(
        workspace.runs.get("first"), workspace
    )  # frees a kilobyte: what is left of the reserve is too little to take it again
    assert not disk.mounted or not (workspace.root / RESERVE).exists()
    clean(workspace)
    open_workspace(workspace.root)
    again = (workspace.root / RESERVE).stat()
    assert again.st_blocks * 512 == RESERVE_BYTES and (not disk.mounted or again.st_ino != taken)


def test_the_command_line_says_what_would_free_how_much(disk, workspace):
    if not disk.mounted:  # the other process would not see the emulated disk: the same words in this one
        from comus_core.cli.disk import room_words

        assert room_words(plan_cleaning(workspace)) == "`comus clean` would free 3 MB unused artifacts"
        return
    disk.fill()
    words = ["runs", "rename", "first", "x" * 100_000, "--workspace", str(workspace.root)]
    ended = subprocess.run([sys.executable, "-m", "comus_core", *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    first, second = ended.stderr.splitlines()
    assert first.startswith(f"comus: the disk is full at {workspace.root}")
    assert second == "comus: `comus clean` would free 3 MB unused artifacts"

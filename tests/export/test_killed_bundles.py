"""A bundling or an opening that was killed leaves gigabytes; the clean-up knows them, and so does the next attempt."""

import os
import signal
import subprocess
import sys
import time

import pytest

from comus_core import open_workspace
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.files.atomic import is_temporary
from comus_core.files.own_places import MARK, make_own
from comus_core.maintenance.clean import GRACE, clean, plan_cleaning
from comus_core.workspace.claims import abandoned, claimed
from tests.builders import copy_of
from tests.maintenance.test_clean import aged

pytestmark = pytest.mark.thorough

DIE = """
import os, signal, sys
from pathlib import Path
from comus_core import open_workspace
from comus_core.export import bundle as bundling, bundle_opening

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

workspace, file = open_workspace(sys.argv[2]), Path(sys.argv[3])
if sys.argv[1] == "bundling":
    run = workspace.runs.all()[0]
    bundling.bundle(workspace, run.id, file, on_progress=lambda p: die() if p.step == 40 else None)
elif sys.argv[1] == "unpacked":
    bundle_opening._take_in = die
    bundle_opening.open_bundle(workspace, file)
elif sys.argv[1] == "moved":
    workspace.runs.add = die
    bundle_opening.open_bundle(workspace, file)
"""


def killed(step, workspace, file):
    command = [sys.executable, "-c", DIE, step, str(workspace.root), str(file)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def packed(finished, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "b.zip"
    bundle(finished[0], finished[1].id, path)
    return path


@pytest.fixture
def sender(finished, tmp_path):
    return copy_of(finished, tmp_path)


def test_a_killed_bundling_is_removed_by_the_clean_up_wherever_it_lies(sender, tmp_path):
    workspace, _ = sender
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".mine.zip.77.tmp").write_text("another program's")
    killed("bundling", workspace, elsewhere / "out.zip")
    (left,) = (path for path in elsewhere.iterdir() if path.name != ".mine.zip.77.tmp")
    plan = plan_cleaning(workspace)["unfinished"]
    assert left in plan.folders and plan.bytes >= left.stat().st_size > 10_000
    clean(workspace)
    assert [p.name for p in elsewhere.iterdir()] == [".mine.zip.77.tmp"]
    assert [p.name for p in (workspace.root / "writing").iterdir()] == [MARK]


def test_the_next_bundling_removes_it_too(sender, tmp_path):
    workspace, run = sender
    killed("bundling", workspace, tmp_path / "out.zip")
    (left,) = (path for path in tmp_path.iterdir() if path.name != "w")
    assert is_temporary(left)
    bundle(workspace, run.id, tmp_path / "out.zip")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.zip", "w"]


@pytest.mark.parametrize("way", ["clean", "again"])
def test_a_killed_opening_is_removed(packed, tmp_path, way):
    workspace = open_workspace(tmp_path / "w")
    killed("unpacked", workspace, packed)
    (left,) = (workspace.root / "bundles").glob(".opening-*")
    assert sum(p.stat().st_size for p in left.rglob("*") if p.is_file()) > 10_000
    if way == "clean":
        clean(workspace)
        assert [p.name for p in (workspace.root / "bundles").iterdir()] == [MARK]
    else:
        run = open_bundle(workspace, packed)
        assert sorted(p.name for p in (workspace.root / "bundles").iterdir()) == [MARK, run.id]


def test_an_opening_killed_just_before_its_run_was_known_leaves_what_the_clean_up_finds(finished, packed, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    killed("moved", workspace, packed)
    (home,) = [p for p in (workspace.root / "bundles").iterdir() if not p.name.startswith(".")]
    assert home not in plan_cleaning(workspace)["unfinished"].folders  # it may be at work: a run comes last
    later = time.time() + GRACE + 60
    plan = plan_cleaning(workspace, later)
    assert home in plan["unfinished"].folders and len(plan["unused"].folders) == len(finished[1].artifacts)
    aged(workspace)
    os.utime(home, (1, 1))
    clean(workspace)
    left = [p for p in workspace.root.rglob("*") if p.is_file() and not p.name.startswith(("comus.sqlite", MARK))]
    assert left == [] and open_bundle(workspace, packed).read_only


def test_what_is_being_written_now_is_left_alone(sender):
    workspace, _ = sender
    mine = workspace.root / ".bundle-now.zip"
    mine.write_text("half")
    with claimed(workspace.root) as claim:
        claim(mine)
        assert abandoned(workspace.root) == []
        clean(workspace)
        assert mine.exists()
    assert abandoned(workspace.root) == []  # whoever wrote it has taken care of it


def test_a_note_cannot_have_a_persons_file_removed(sender, tmp_path):
    workspace, _ = sender
    (tmp_path / "thesis.pdf").write_text("years")
    (tmp_path / ".hidden.tmp").mkdir()
    notes = make_own(workspace.root / "writing")
    (notes / "a.json").write_text(f'{{}}\n["{tmp_path}/thesis.pdf", "{tmp_path}/.hidden.tmp", 7]')
    (notes / "b.json").write_text("{}\n{")
    assert abandoned(workspace.root) == [notes / "a.json", notes / "b.json"]
    clean(workspace)
    assert (tmp_path / "thesis.pdf").exists() and (tmp_path / ".hidden.tmp").exists()
    assert [p.name for p in notes.iterdir()] == [MARK]

"""Exports and uploads that the workspace keeps for a browser: named, listed, deleted with their run."""

import io
import os

import pytest

from comus_core import DeleteSettings, delete
from comus_core.errors import DatasetError, DiskFullError, WorkspaceError
from comus_core.files.output_folder import locked
from comus_core.files.own_places import make_own, own_place
from comus_core.maintenance.clean import clean, plan_cleaning
from comus_core.maintenance.disk_use import disk_use
from comus_core.pipelines import kept_files
from comus_core.pipelines.package_folder import packages_folder
from comus_core.pipelines.verb_settings import CleanSettings
from tests.builders import copy_of


@pytest.fixture
def place(finished, tmp_path):
    return copy_of(finished, tmp_path)


def test_an_export_is_listed_once_it_is_there_and_deleted_by_its_key(place):
    workspace, run = place
    path = kept_files.export_file(workspace, run.id, "0123456789abcdef", "a.zip")
    assert kept_files.kept_exports(workspace, run.id) == [] and path.parent.is_dir()
    path.write_bytes(b"12345")
    (kept,) = kept_files.kept_exports(workspace, run.id)
    assert (kept.key, kept.path, kept.size) == ("0123456789abcdef", path, 5)
    assert kept_files.kept_export(workspace, run.id, kept.key) == kept
    for wrong in ("fedcba98", "../..", ""):
        with pytest.raises(WorkspaceError, match="has no export"):
            kept_files.kept_export(workspace, run.id, wrong)
    kept_files.delete_export(workspace, run.id, kept.key)
    assert kept_files.kept_exports(workspace, run.id) == [] and not path.parent.exists()


def test_names_of_uploads_lead_nowhere_else_and_stay_apart(place):
    workspace, run = place
    given = [("../../a.json", io.BytesIO(b"1")), ("x\\A.JSON", io.BytesIO(b"2"))]
    folder = kept_files.keep_upload(workspace, run.id, given)
    files = sorted(path.read_bytes() for path in folder.iterdir())
    assert files == [b"1", b"2"] and folder.is_relative_to(own_place(workspace.root, "imports") / run.id)
    with pytest.raises(DatasetError, match="no file"):
        kept_files.keep_upload(workspace, run.id, [])


def test_uploads_are_bounded_while_the_server_runs_and_each_stays_for_a_day(place, monkeypatch):
    workspace, run = place
    monkeypatch.setattr(kept_files, "UPLOAD_BYTES", 250)
    kept = [kept_files.keep_upload(workspace, run.id, [("a.json", io.BytesIO(b"x" * 100))]) for _ in range(4)]
    assert all(path.exists() for path in kept)
    for age, path in enumerate(kept[:3]):
        os.utime(path.parent, (1000 + age, 1000 + age))
    fifth = kept_files.keep_upload(workspace, run.id, [("a.json", io.BytesIO(b"x"))])
    assert [path.exists() for path in (*kept, fifth)] == [False, False, True, True, True]


def test_an_upload_that_would_fill_the_disk_is_refused_and_leaves_nothing(place, monkeypatch):
    workspace, run = place
    monkeypatch.setattr("comus_core.files.uploaded.SPARE_BYTES", 1 << 62)
    with pytest.raises(DiskFullError, match="the disk is full at"):
        kept_files.keep_upload(workspace, run.id, [("a.json", io.BytesIO(b"x"))])
    assert list((own_place(workspace.root, "imports") / run.id).iterdir()) == []


def test_a_folder_of_the_user_of_that_name_is_left_alone(place):
    workspace, run = place
    (workspace.root / "exports").mkdir()
    (workspace.root / "exports" / "mine.txt").write_text("mine")
    path = kept_files.export_file(workspace, run.id, "0123456789abcdef", "a.zip")
    assert path.is_relative_to(workspace.root / ".comus-exports")


def test_both_go_with_the_run(place):
    workspace, run = place
    kept_files.export_file(workspace, run.id, "0123456789abcdef", "a.zip").write_bytes(b"1")
    upload = kept_files.keep_upload(workspace, run.id, [("a.json", io.BytesIO(b"1"))])
    delete(run, workspace, DeleteSettings())
    assert not upload.exists() and kept_files.kept_exports(workspace, run.id) == []


def test_disk_and_clean_know_what_is_kept_for_browsers(place):
    workspace, run = place
    done = kept_files.export_file(workspace, run.id, "0123456789abcdef", "a.zip")
    done.write_bytes(b"12345")
    upload = kept_files.keep_upload(workspace, run.id, [("a.json", io.BytesIO(b"123"))])
    stopped = kept_files.export_file(workspace, run.id, "fedcba9876543210", "b.zip").parent
    beside = done.parent / ".comus-partial-00000000-1111111111111111"
    for partial in (stopped / ".comus-partial-22222222-3333333333333333", beside):
        partial.mkdir()
        (partial / "part").write_bytes(b"1234567")
    make_own(packages_folder(workspace, run.id).parent)
    package = packages_folder(workspace, run.id) / "round-1-20260101-000000-00000000"
    package.mkdir(parents=True)
    (package / "README.md").write_text("card")
    assert {"exports to download", "uploaded annotations", "packages to download"} <= set(disk_use(workspace).places)
    with locked(beside):
        assert plan_cleaning(workspace)["stopped"].folders == (stopped,)
        assert plan_cleaning(workspace)["kept"].folders == tuple(sorted((upload.parent, package)))
    clean(workspace, CleanSettings(stopped=True))
    assert done.exists() and upload.exists() and not stopped.exists() and not beside.exists()
    clean(workspace, CleanSettings(kept=True))
    assert not done.exists() and not upload.exists() and not package.exists()

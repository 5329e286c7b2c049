"""The Import page: what a file would change, before and after, and the job that applies it."""

import io
import json
import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.data import import_data
from app.data.job_outcomes import destination
from app.forms import import_form
from app.forms.import_form import ImportChoices
from comus_core import ImportSettings, curation, import_annotations
from comus_core.datasets.demo.drawing import rgb
from comus_core.errors import ConflictError, DatasetError, SettingsError
from comus_core.jobs.logs import jobs_folder, result_path
from comus_core.jobs.table import JobTable
from comus_core.proposals.mask_edits import grown
from comus_core.runs.run_view import open_run_view
from comus_core.settings import from_dict
from tests.app.working import by_key
from tests.app.working import texts as said
from tests.imports.writing import coco, write


@pytest.fixture
def corrected(changeable):
    """(workspace, run, path, ids): a file with a mask grown by two pixels, and one missing."""
    workspace, run = changeable
    view = open_run_view(workspace, run)
    first, second = (str(p) for p in view.proposals.proposal_id[:2])
    content = coco(view, lambda p, m: None if p == second else grown(m, 2) if p == first else m)
    return workspace, run, write(workspace.root / "corrected.json", content), (first, second)


def opened(app_test, workspace, run, path):
    """The page with a path of the server entered."""
    test = app_test("import_file", workspace=workspace, run=run.id)
    assert not test.exception and "Bring corrections back" in said(test)
    by_key(test.text_input, "import_path").set_value(str(path)).run()
    by_key(test.selectbox, "import_missing").select("Remove them").run()
    return test


def tables(test):
    return [frame.value for frame in test.dataframe]


def test_what_changes_is_said_before_anything_is_done(app_test, corrected):
    workspace, run, path, (first, second) = corrected
    before = workspace.decisions_of(run)
    test = opened(app_test, workspace, run, path)
    words = said(test)
    assert not test.exception and "1 mask changed, 1 removed" in words and "make a new run" in words
    assert {m.label: m.value for m in test.metric} == {
        "Changed": "1",
        "New": "0",
        "Removed": "1",
        "Renamed": "0",
        "Moved": "0",
    }
    assert tables(test)[0]["object"].tolist() == [first]
    by_key(test.selectbox, "import_kind").select("Removed masks (1)").run()
    assert tables(test)[0]["object"].tolist() == [second]
    assert f"comus import {run.id} {path}" in test.code[0].value
    assert workspace.decisions_of(run) == before and len(workspace.runs.all()) == 1


def test_an_image_is_shown_before_and_after_to_the_pixel(corrected):
    workspace, run, path, (_first, _second) = corrected
    view = open_run_view(workspace, run)
    decided = workspace.decisions_of(run)
    plan = import_form.plan(view, decided, ImportChoices(str(path), missing="remove"))
    colours = {name: tuple(rgb([value])[0].tolist()) for name, value in import_data.COLOURS.items()}
    assert import_data.touched(plan)[0] == str(view.proposals.image_id[0])

    def pixels(png, name):
        layer = np.asarray(Image.open(io.BytesIO(png)))
        return (layer[..., 3] > 0) & (layer[..., :3] == colours[name]).all(axis=2)

    mask = view.proposals.mask(0)
    now, later = import_data.before_and_after(view, decided, plan, str(view.proposals.image_id[0]))
    assert np.array_equal(pixels(now, "changed"), mask) and np.array_equal(pixels(later, "changed"), grown(mask, 2))
    now, later = import_data.before_and_after(view, decided, plan, str(view.proposals.image_id[1]))
    assert np.array_equal(pixels(now, "removed"), view.proposals.mask(1))
    assert not np.asarray(Image.open(io.BytesIO(later)))[..., 3].any()


def test_a_file_that_says_the_same_cannot_be_applied(app_test, changeable):
    workspace, run = changeable
    path = write(workspace.root / "same.json", coco(open_run_view(workspace, run)))
    test = opened(app_test, workspace, run, path)
    assert "Nothing changed" in said(test) and test.button(key="import_apply").disabled


def test_names_are_decisions_and_what_is_unknown_is_listed(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    content = coco(view, name_of=lambda k: "ball" if k == 0 else f"cluster {k}")
    content["images"].append({"id": 999, "file_name": "elsewhere.png", "height": 9, "width": 9})
    path = write(workspace.root / "named.json", content)
    test = opened(app_test, workspace, run, path)
    words = said(test)
    assert "1 category renamed" in words and "can be undone" in words and "1 problem" in words
    by_key(test.selectbox, "import_kind").select("Not used (1)").run()
    assert tables(test)[0]["value"].tolist() == ["elsewhere.png"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("a.json", "{}", "no format recognises it"), ("b.zip", "PK\x03\x04 half", "the zip is not whole")],
)
def test_a_file_that_cannot_be_read_gets_a_sentence(app_test, changeable, name, content, words):
    workspace, run = changeable
    (workspace.root / name).write_text(content)
    test = opened(app_test, workspace, run, workspace.root / name)
    assert not test.exception and words in said(test)
    assert not any(b.key == "import_apply" for b in test.button)


def test_paths_outside_and_missing_ones_are_refused(changeable, monkeypatch, tmp_path):
    workspace, _ = changeable
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    with pytest.raises(DatasetError, match="outside the folders"):
        import_form.allowed_path(workspace, "/etc/passwd")
    with pytest.raises(SettingsError, match="no such file"):
        import_form.allowed_path(workspace, str(tmp_path / "none.json"))


def test_uploads_are_kept_one_as_a_file_several_as_a_folder(changeable):
    workspace, run = changeable
    one = import_form.keep(workspace, run, [("../a b.json", io.BytesIO(b"1"))])
    assert one.endswith("a b.json") and Path(one).read_bytes() == b"1"
    folder = import_form.keep(workspace, run, [("x.json", io.BytesIO(b"1")), ("y.json", io.BytesIO(b"2"))])
    assert sorted(p.name for p in Path(folder).iterdir()) == ["x.json", "y.json"]


def test_apply_queues_one_job_for_what_was_previewed(app_test, corrected, monkeypatch):
    workspace, run, path, _ = corrected
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    test = opened(app_test, workspace, run, path)
    test.button(key="import_apply").click().run()
    assert not test.exception
    job = import_form.last_job(workspace, run, preview=False)
    assert (job.state, job.settings["path"], job.settings["preview"]) == ("queued", str(path), False)
    decided = workspace.decisions_of(run)
    assert (job.settings["version"], job.settings["content"]) == (
        decided.version,
        sha256(path.read_bytes()).hexdigest(),
    )
    assert "queued" in said(test) and not any(b.key == "import_apply" for b in test.button)


def test_a_large_file_is_compared_by_a_job(app_test, corrected, monkeypatch):
    workspace, run, path, _ = corrected
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    monkeypatch.setattr(import_form, "MOST_BYTES", 10)
    test = opened(app_test, workspace, run, path)
    test.button(key="import_compare").click().run()
    job = import_form.last_job(workspace, run, preview=True)
    assert not test.exception and job.state == "queued" and job.settings["preview"] is True
    assert destination(job) is None


def run_of(workspace, job):
    """The job as its process does it."""
    run, settings = workspace.runs.get(job.subject), from_dict(ImportSettings, job.settings)
    return import_annotations(run, workspace, settings, device="cpu")


def test_what_changes_between_preview_and_apply_is_not_applied(app_test, corrected, monkeypatch):
    """The file is written again, or a cluster renamed, after the page was drawn and before its button is pressed."""
    workspace, run, path, (first, _) = corrected
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    view, content = open_run_view(workspace, run), path.read_text()
    before, stamp = workspace.decisions_of(run), path.stat()
    test = opened(app_test, workspace, run, path)
    write(path, coco(view, lambda p, m: None if p == first else m))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    test.button(key="import_apply").click().run()
    job = import_form.last_job(workspace, run, preview=False)
    with pytest.raises(ConflictError, match=r"corrected\.json into run .*: the file has changed since the preview"):
        run_of(workspace, job)
    path.write_text(content)
    curation.rename(view, 0, "disc")
    with pytest.raises(ConflictError, match=r"1 decision taken since the preview, .*\(rename\)"):
        run_of(workspace, job)
    assert [r.id for r in workspace.runs.all()] == [run.id]
    curation.undo(view)
    assert workspace.decisions_of(run).names == before.names


def test_a_comparison_by_a_job_is_of_the_file_as_it_was(app_test, corrected, monkeypatch):
    workspace, run, path, (first, _) = corrected
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    monkeypatch.setattr(import_form, "MOST_BYTES", 10)
    os.utime(path, (1, 1))
    test = opened(app_test, workspace, run, path)
    test.button(key="import_compare").click().run()
    done(workspace, run)
    test.run()
    assert not test.exception and "1 mask changed, 1 removed" in said(test)
    write(path, coco(open_run_view(workspace, run), lambda p, m: grown(m, 2) if p == first else m))
    test.run()
    assert "The file has changed since the comparison: compare again." in said(test)
    assert not any(b.key == "import_apply" for b in test.button)
    test.button(key="import_compare").click().run()
    done(workspace, run)
    os.utime(path, (1, 1))
    test.run()
    assert "1 mask changed" in said(test) and "1 removed" not in said(test)
    test.button(key="import_apply").click().run()
    table = JobTable(workspace.database)
    table.finish(table.claim(lambda device, taken: device), "failed", "the file has changed since the preview")
    test.run()
    words = said(test)
    assert "the file has changed since the preview" in words and "The import after the comparison failed" in words


def done(workspace, run):
    """Let the queued comparison be done, as its process does it."""
    table = JobTable(workspace.database)
    job = table.claim(lambda device, taken: device)
    jobs_folder(workspace.root)
    result_path(job).write_text(json.dumps(run_of(workspace, job).to_json()))
    table.finish(job, "done", None)


def test_a_decision_elsewhere_is_compared_again(app_test, corrected):
    workspace, run, path, _ = corrected
    test = opened(app_test, workspace, run, path)
    curation.rename(open_run_view(workspace, run), 0, "disc")
    test.run()
    assert not test.exception and "1 category renamed" in said(test), "the file still has the former name"


def test_the_plan_is_json(corrected):
    workspace, run, path, _ = corrected
    view = open_run_view(workspace, run)
    plan = import_form.plan(view, workspace.decisions_of(run), ImportChoices(str(path), missing="remove")).to_json()
    assert json.loads(json.dumps(plan)) == plan
    for kind in import_data.KINDS:
        assert len(import_data.rows_of(plan, kind)) == plan["counts"][kind]

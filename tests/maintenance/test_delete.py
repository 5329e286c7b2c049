"""What a deleted run takes along and what it leaves, on real artifacts of a real store."""

import subprocess
import sys

import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.config import RunConfig
from comus_core.errors import Cancelled, WorkspaceError
from comus_core.files.own_places import MARK
from comus_core.jobs import cancel, submit
from comus_core.jobs.table import JobTable
from comus_core.maintenance.delete import delete_run, plan_deletion
from comus_core.workspace import ArtifactKey, Run

pytestmark = pytest.mark.thorough


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


def an_artifact(workspace, kind, settings=None, **inputs):
    key = ArtifactKey(kind, 1, settings or {}, {name: made.fingerprint for name, made in inputs.items()})
    return workspace.artifacts.make(key, lambda folder: (folder / "content").write_text(kind * 10))


def a_partial(workspace, kind, **inputs):
    """An artifact whose making was stopped half way; its folder."""
    key = ArtifactKey(kind, 1, {}, {name: made.fingerprint for name, made in inputs.items()})

    def stop(folder):
        (folder / "half").write_text("half")
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        workspace.artifacts.make(key, stop)
    return workspace.artifacts.root / kind / f"{key.fingerprint}.partial"


def a_run(workspace, name, state="done", **made):
    artifacts = {kind: artifact.fingerprint for kind, artifact in made.items()}
    return workspace.runs.save(Run(name, name, RunConfig("photos"), state=state, artifacts=artifacts))


def kinds_left(workspace) -> list[str]:
    return sorted(p.parents[1].name for p in workspace.artifacts.root.glob("*/*/manifest.json"))


def test_a_run_takes_along_what_it_alone_uses(workspace):
    images = an_artifact(workspace, "images")
    maps = [an_artifact(workspace, "soft_maps", {"detector": n}, images=images) for n in (1, 2)]
    a_run(workspace, "first", images=images, soft_maps=maps[0])
    a_run(workspace, "second", images=images, soft_maps=maps[1])
    size = len("soft_maps") * 10 + maps[0].file("manifest.json").stat().st_size
    done = delete_run(workspace, "first")
    assert [folder.name for folder in done.folders] == [maps[0].fingerprint]
    assert (done.kept, done.size) == (1, size)
    assert [r.id for r in workspace.runs.all()] == ["second"]
    assert workspace.artifacts.find("soft_maps", maps[1].fingerprint) is not None
    delete_run(workspace, "second")
    assert kinds_left(workspace) == []
    assert not (workspace.root / ".comus-deleted").exists()


def test_archived_runs_keep_what_they_use(workspace):
    images = an_artifact(workspace, "images")
    a_run(workspace, "first", images=images)
    a_run(workspace, "second", images=images)
    workspace.runs.describe("second", archived=True)
    assert delete_run(workspace, "first").folders == ()
    assert kinds_left(workspace) == ["images"]


def test_what_was_made_from_a_kept_artifact_for_another_purpose_stays(workspace):
    """Another run's clusters scored on a second data set are in no run's row."""
    images, others = an_artifact(workspace, "images"), an_artifact(workspace, "images", {"split": "val"})
    clusters = [an_artifact(workspace, "clustering", {"k": k}, images=images) for k in (2, 3)]
    for k in (0, 1):
        an_artifact(workspace, "assignment", {"k": k}, clustering=clusters[k], features=others)
        a_run(workspace, f"run{k}", images=images, clustering=clusters[k])
    delete_run(workspace, "run0")
    assert kinds_left(workspace) == ["assignment", "clustering", "images", "images"]
    delete_run(workspace, "run1")
    assert kinds_left(workspace) == []


def test_an_unfinished_artifact_goes_unless_another_unfinished_run_may_go_on_with_it(workspace):
    images = an_artifact(workspace, "images")
    half = a_partial(workspace, "soft_maps", images=images)
    for name, state in (("first", "cancelled"), ("second", "failed"), ("third", "done")):
        a_run(workspace, name, state, images=images)
    delete_run(workspace, "first")
    assert half.exists()
    delete_run(workspace, "second")
    assert not half.exists()
    assert not half.with_suffix(".lock").exists()


def test_a_stopped_artifact_is_taken_up_again_and_its_key_file_does_not_stay(workspace):
    images = an_artifact(workspace, "images")
    half = a_partial(workspace, "soft_maps", images=images)
    assert (half / "key.json").exists()
    whole = an_artifact(workspace, "soft_maps", images=images)
    assert sorted(p.name for p in whole.folder.iterdir()) == ["content", "half", "manifest.json"]
    assert sorted(whole.manifest()["files"]) == ["content", "half"]


def test_a_run_whose_artifact_is_being_made_is_not_deleted(workspace):
    images = an_artifact(workspace, "images")
    half = a_partial(workspace, "soft_maps", images=images)
    a_run(workspace, "first", "running", images=images)
    hold = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX)"
    hold += "; print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", hold, half.with_suffix(".lock")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WorkspaceError, match=r"is at work .*soft_maps"):
            delete_run(workspace, "first")
        assert half.exists() and kinds_left(workspace) == ["images"]
    finally:
        holder.kill()
        holder.wait()
    delete_run(workspace, "first")  # it was killed, and its row still says running
    assert kinds_left(workspace) == []


def test_a_run_with_a_queued_or_working_job_is_not_deleted(workspace):
    a_run(workspace, "first", images=an_artifact(workspace, "images"))
    job = submit(workspace, "discover", {"dataset": "photos"})
    with workspace.database.writing() as connection:
        connection.execute("UPDATE jobs SET run = 'first' WHERE id = ?", (job.id,))
    with pytest.raises(WorkspaceError, match=f"job {job.id}.*stop it first"):
        delete_run(workspace, "first")
    cancel(workspace, job.id)
    delete_run(workspace, "first")
    assert JobTable(workspace.database).get(job.id).run == "first"  # its log can still be read


def test_decisions_go_with_the_run_and_are_counted_before(workspace):
    run = a_run(workspace, "first", clustering=an_artifact(workspace, "clustering"))
    log, of = workspace.decisions, (run.id, run.artifacts["clustering"])
    log.append(*of, "filter", percent=run.config.filter_percent)  # the run's own, written by the pipeline
    assert plan_deletion(workspace, "first").decisions == 0
    log.append(*of, "rename", cluster=0, name="dog")
    plan = plan_deletion(workspace, "first")
    assert (plan.decisions, plan.kept, len(plan.folders)) == (1, 0, 1)
    assert workspace.runs.get("first") and kinds_left(workspace) == ["clustering"]  # planning changes nothing
    delete_run(workspace, "first")
    assert workspace.decisions.events(run.id, run.artifacts["clustering"]) == []


def test_what_a_killed_deletion_left_is_removed_by_the_next(workspace):
    left = workspace.root / ".comus-deleted" / "abc"
    left.mkdir(parents=True)
    (left / "content").write_text("old")
    a_run(workspace, "first", images=an_artifact(workspace, "images"))
    delete_run(workspace, "first")
    assert not (workspace.root / ".comus-deleted").exists()


def test_an_unknown_run_is_a_sentence(workspace):
    with pytest.raises(WorkspaceError, match="no run 'nothing'"):
        delete_run(workspace, "nothing")


def test_real_runs_leave_each_other_whole_and_nothing_behind(drawn_settings, tmp_path):
    """Three real runs that share stages; after a deletion the others have nothing to compute again."""
    workspace = open_workspace(tmp_path / "w")

    def run(**clustering):
        settings = drawn_settings | {"clustering": {"neighbours": 6, "method": "kmeans", **clustering}}
        return discover(make_config(**settings), workspace, until="clustering")

    three, four, raw = run(clusters=3), run(clusters=4), run(clusters=4, features="raw")
    assert len({three.id, four.id, raw.id}) == 3
    delete_run(workspace, four.id)
    assert [run(clusters=3).result["computed"], run(clusters=4, features="raw").result["computed"]] == [[], []]
    again = run(clusters=4)
    assert again.id == four.id and again.result["computed"] == ["clustering"]
    for name in (three.id, raw.id, four.id):
        delete_run(workspace, name)
    assert kinds_left(workspace) == []
    assert [p.name for p in workspace.artifacts.root.rglob("*") if p.is_file()] == [MARK]

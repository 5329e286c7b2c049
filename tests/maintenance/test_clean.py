"""What a workspace takes on disk, and what a clean-up removes and leaves, on real artifacts of a real store."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from comus_core import discover, make_config, open_workspace, verify
from comus_core.cli.main import cli
from comus_core.config import RunConfig
from comus_core.errors import Cancelled, WorkspaceError
from comus_core.files.own_places import make_own
from comus_core.jobs import cancel, submit
from comus_core.jobs.table import JobTable
from comus_core.maintenance.clean import GRACE, clean, plan_cleaning
from comus_core.maintenance.delete import delete, plan_deletion
from comus_core.maintenance.disk_use import REST, disk_use
from comus_core.pipelines.evaluate import evaluate
from comus_core.pipelines.prediction_folder import FOLDER as PREDICTIONS
from comus_core.pipelines.verb_settings import CleanSettings, DiscoverSettings, EvaluateSettings, HealthSettings
from comus_core.runs.run_round import RunRound
from comus_core.workspace.trainings import Training
from tests.builders import copy_of
from tests.maintenance.test_delete import a_partial, a_run, an_artifact, kinds_left


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


def later() -> float:
    return time.time() + GRACE + 1


def aged(workspace) -> None:
    """Make every artifact as old as it takes not to be thought fresh."""
    for manifest in workspace.artifacts.root.glob("*/*/manifest.json"):
        os.utime(manifest, (1, 1))


def bytes_below(folder) -> int:
    listed = subprocess.run(["find", folder, "-type", "f", "-printf", r"%s\n"], capture_output=True, check=True)
    return sum(map(int, listed.stdout.split()))


def test_what_a_run_takes_alone_and_with_others_is_measured(workspace):
    images = an_artifact(workspace, "images")
    maps = [an_artifact(workspace, "soft_maps", {"detector": n}, images=images) for n in (1, 2)]
    a_run(workspace, "first", soft_maps=maps[0])  # its images are needed since the maps were made from them
    a_run(workspace, "second", images=images, soft_maps=maps[1])
    idle = an_artifact(workspace, "features", images=images)
    half = a_partial(workspace, "features", soft_maps=maps[0])
    use = disk_use(workspace)
    by_print = {a.fingerprint: a for a in use.artifacts}
    assert by_print[images.fingerprint].runs == ("first", "second")
    assert by_print[maps[1].fingerprint].runs == ("second",)
    assert by_print[idle.fingerprint].runs == () and by_print[idle.fingerprint].finished
    assert not by_print[half.name.removesuffix(".partial")].finished
    own, shared = bytes_below(maps[0].folder) + bytes_below(half), bytes_below(images.folder)
    assert (use.of_run("first").own, use.of_run("first").shared) == (own, shared)
    assert [a.bytes for a in use.artifacts] == sorted((a.bytes for a in use.artifacts), reverse=True)
    assert {a.fingerprint: a.bytes for a in use.artifacts}[half.name.removesuffix(".partial")] == bytes_below(half)
    assert use.total == bytes_below(workspace.root) and list(use.places) == [REST]


def test_the_size_of_a_run_is_what_goes_when_it_is_deleted(workspace):
    images = an_artifact(workspace, "images")
    maps = [an_artifact(workspace, "soft_maps", {"detector": n}, images=images) for n in (1, 2)]
    a_run(workspace, "first", images=images, soft_maps=maps[0])
    a_run(workspace, "second", images=images, soft_maps=maps[1])
    network = an_artifact(workspace, "network", soft_maps=maps[0])
    a_partial(workspace, "features", soft_maps=maps[0])
    predicted = make_own(workspace.root / PREDICTIONS) / "first" / "20260101-120000-00000000"
    predicted.mkdir(parents=True)
    (predicted / "mask.png").write_bytes(bytes(3000))
    told, planned = disk_use(workspace).of_run("first"), plan_deletion(workspace, "first").size
    before = bytes_below(workspace.artifacts.root) + bytes_below(workspace.root / PREDICTIONS)
    delete(workspace.runs.get("first"), workspace)
    freed = before - bytes_below(workspace.artifacts.root) - bytes_below(workspace.root / PREDICTIONS)
    assert told.own == planned == freed > 3000
    assert told.shared == bytes_below(images.folder)
    assert workspace.artifacts.find("network", network.fingerprint) is None


def test_only_what_no_run_needs_goes_and_as_much_as_was_said(workspace):
    images = an_artifact(workspace, "images")
    maps = an_artifact(workspace, "soft_maps", images=images)
    a_run(workspace, "first", soft_maps=maps)
    workspace.runs.describe("first", archived=True)
    idle = an_artifact(workspace, "pseudo_masks", {"version": 1}, soft_maps=maps)
    plan = plan_cleaning(workspace, later())
    assert [f.name for f in plan["unused"].folders] == [idle.fingerprint]
    assert plan["unused"].bytes == bytes_below(idle.folder)
    aged(workspace)
    before = bytes_below(workspace.root)
    done = clean(workspace)
    assert done.bytes == plan["unused"].bytes == before - bytes_below(workspace.root)
    assert kinds_left(workspace) == ["images", "soft_maps"]
    assert clean(workspace).folders == ()


def test_what_was_just_finished_is_left_alone(workspace):
    an_artifact(workspace, "images")
    assert plan_cleaning(workspace)["unused"].folders == ()
    assert len(plan_cleaning(workspace, later())["unused"].folders) == 1


def test_what_a_training_names_is_needed(workspace):
    clusters = an_artifact(workspace, "clustering")
    network = an_artifact(workspace, "network", clustering=clusters)
    a_run(workspace, "first", clustering=clusters)
    workspace.trainings.save(Training("first-t", "first", "done", artifacts={"network-1": network.fingerprint}))
    aged(workspace)
    assert clean(workspace).folders == ()
    workspace.runs.remove("first")
    assert len(clean(workspace).folders) == 2 and kinds_left(workspace) == []


@pytest.mark.parametrize(("run_state", "training_state", "stays"), [
    ("done", None, False), ("cancelled", None, True), ("done", "cancelled", True), ("done", "done", False),
])  # fmt: skip
def test_an_unfinished_stage_stays_while_a_run_or_training_may_go_on_with_it(
    workspace, run_state, training_state, stays
):
    images = an_artifact(workspace, "images")
    half = a_partial(workspace, "network", images=images)
    a_run(workspace, "first", run_state, images=images)
    if training_state:
        workspace.trainings.save(Training("first-t", "first", training_state))
    assert (half not in plan_cleaning(workspace)["unfinished"].folders) is stays
    clean(workspace)
    assert half.exists() is stays


def test_what_a_cancelled_run_had_finished_stays_until_it_is_freed_on_purpose(drawn_settings, tmp_path):
    """Stopped in a stage, with shards finished in it, and before any stage was through."""
    for stage in ("images", "clustering"):
        workspace = open_workspace(tmp_path / stage)

        def stop(progress, stage=stage):
            if progress.stage == stage and progress.step:
                raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            discover(make_config(**drawn_settings, filter_percent=30), workspace, on_progress=stop)
        run, before = workspace.runs.find("latest"), kinds_left(workspace)
        halves = list(workspace.artifacts.root.glob("*/*.partial"))
        assert run.state == "cancelled" and bool(halves) is (stage == "images")
        aged(workspace)
        assert clean(workspace).folders == ()
        assert kinds_left(workspace) == before and all(half.exists() for half in halves)
        assert list(plan_cleaning(workspace)["stopped"].folders) == halves
        clean(workspace, CleanSettings(unused=False, unfinished=False, stopped=True))
        assert not any(half.exists() for half in halves) and kinds_left(workspace) == before


@pytest.mark.parametrize(("state", "stays"), [("cancelled", True), ("failed", True), ("lost", True), ("done", False)])
def test_what_a_job_had_begun_stays_while_the_job_can_be_resumed(workspace, state, stays):
    images = an_artifact(workspace, "images")  # of a data set that no run is of, as `comus evaluate` needs them
    table, job = JobTable(workspace.database), submit(workspace, "images", "photos", HealthSettings())
    table.claim(lambda device, taken: device)
    half = a_partial(workspace, "health", images=images)
    table.finish(table.get(job.id), state)
    aged(workspace)
    clean(workspace)
    assert half.exists() is stays and (kinds_left(workspace) == ["images"]) is stays
    told = CliRunner().invoke(cli, ["clean", "--dry-run", "--workspace", str(workspace.root)]).output
    assert ("work of stopped jobs and runs (add --stopped)" in told) is stays
    asked = CliRunner().invoke(cli, ["clean", "--stopped", "--yes", "--workspace", str(workspace.root)])
    assert asked.exit_code == 0 and not half.exists()


def test_an_artifact_from_which_another_is_being_made_is_no_leftover(workspace):
    """A run from a terminal names nothing before its first stage is through."""
    images = an_artifact(workspace, "images")
    half = a_partial(workspace, "soft_maps", images=images)
    hold = "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX)"
    hold += "; print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", hold, half.with_suffix(".lock")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        assert all(part.folders == () for part in plan_cleaning(workspace, later()).values())
        with pytest.raises(WorkspaceError, match="computes soft_maps, is running"):
            clean(workspace)
    finally:
        holder.kill()
        holder.wait()
    aged(workspace)
    assert {f.parent.name for f in clean(workspace).folders} == {"images", "soft_maps"}


def test_nothing_is_removed_while_a_job_waits_or_works(workspace):
    an_artifact(workspace, "images")
    aged(workspace)
    job = submit(workspace, "discover", RunConfig("photos"), DiscoverSettings())
    with pytest.raises(WorkspaceError, match=f"job {job.id} is running"):
        clean(workspace)
    assert kinds_left(workspace) == ["images"]
    cancel(workspace, job.id)
    clean(workspace)
    assert kinds_left(workspace) == []


def test_pictures_go_only_when_asked_for_and_other_files_never(workspace):
    picture = make_own(workspace.root / "cache") / "pictures" / "ab" / "abc"
    photograph = make_own(workspace.root / "uploads") / "holiday" / "beach.jpg"
    for path in (picture, photograph):
        path.parent.mkdir(parents=True)
        path.write_text("pixels")
    clean(workspace)
    assert picture.exists()
    assert clean(workspace, CleanSettings(unused=False, unfinished=False, pictures=True)).bytes == 6
    assert not picture.exists() and photograph.exists()
    assert disk_use(workspace).places["uploaded images"] == 6


def test_after_a_clean_up_a_real_run_has_nothing_to_compute_again(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=50.0)
    again = discover(run.config, workspace)  # the pseudo-masks of the filter before are nobody's now
    assert again.result["computed"] == ["pseudo_masks"]
    aged(workspace)
    assert [f.name for f in clean(workspace).folders] == [run.artifacts["pseudo_masks"]]
    assert discover(run.config, workspace).result["computed"] == []


def test_what_an_evaluation_elsewhere_worked_out_is_kept_apart(drawn_settings, drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    settings = drawn_settings | {"clustering": {"neighbours": 6, "method": "kmeans", "clusters": 3}}
    run = discover(make_config(**settings), workspace, DiscoverSettings("clustering"))
    other = tmp_path / "other"
    (other / "images").mkdir(parents=True)
    (other / "images" / "000.png").symlink_to(drawn / "images" / "000.png")
    scored = evaluate(RunRound(run, 0), workspace, EvaluateSettings(str(other)))
    aged(workspace)
    plan = plan_cleaning(workspace)
    assert plan["unused"].folders == ()
    assert {f.parent.name for f in plan["transfers"].folders} == {
        "images", "soft_maps", "proposals", "features", "assignment"}  # fmt: skip
    clean(workspace)
    assert evaluate(RunRound(run, 0), workspace, EvaluateSettings(str(other)))["computed"] == [] != scored["computed"]
    aged(workspace)
    clean(workspace, CleanSettings(unused=False, unfinished=False, transfers=True))
    assert discover(make_config(**settings), workspace, DiscoverSettings("clustering")).result["computed"] == []


def test_the_command_says_what_would_go_asks_and_frees_it(workspace):
    a_run(workspace, "first", images=an_artifact(workspace, "images"))
    idle = an_artifact(workspace, "features")
    aged(workspace)

    def comus(*words, **more):
        return CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root)], **more)

    assert "features " + idle.fingerprint + ", 0 runs" in comus("disk").stdout
    assert "would free 1 kB" in comus("clean", "--dry-run").stdout and idle.folder.exists()
    assert comus("clean", input="n\n").exit_code != 0 and idle.folder.exists()
    assert "freed 1 kB" in comus("clean", "--yes").stdout and kinds_left(workspace) == ["images"]
    assert "nothing to remove" in comus("clean").stdout


def test_what_old_kills_left_in_finished_artifacts_and_beside_them_goes(workspace):
    kept = an_artifact(workspace, "images")
    a_run(workspace, "first", images=kept)
    old = [kept.folder / ".checkpoint.pt.4711.tmp", make_own(workspace.root / "cache") / ".x.png.4711.tmp"]
    fresh = workspace.root / "cache" / ".y.png.4712.tmp"
    half = a_partial(workspace, "network", images=kept) / ".z.4711.tmp"  # it goes or stays with its folder
    for path in (*old, fresh, half):
        path.parent.mkdir(exist_ok=True)
        path.write_text("half")
    for path in (*old, half):
        os.utime(path, (1, 1))
    workspace.runs.save(replace(workspace.runs.get("first"), state="cancelled"))
    assert sorted(plan_cleaning(workspace)["unfinished"].folders) == sorted(old)
    assert clean(workspace).bytes == 8
    assert [path.exists() for path in (*old, fresh, half)] == [False, False, True, True]
    assert kept.folder.exists() and verify(workspace) == []

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pytest

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import replacing
from comus_core.types import no_progress
from comus_core.workspace.artifacts import ArtifactKey, ArtifactStore

KEY = ArtifactKey("letters", 1, {"size": 2})
IDS = [f"id{n:02d}" for n in range(10)]


def upper(ids, tick, folder):
    tick(len(ids))
    return pa.table({"id": ids, "upper": [i.upper() for i in ids]})


def make(store: ArtifactStore, work=upper, key=KEY, on_progress=no_progress):
    return store.make_sharded(key, IDS, work, stage="letters", on_progress=on_progress, shard_size=3)


@pytest.mark.parametrize(
    "other",
    [
        ArtifactKey("letters", 2, {"size": 2}),
        ArtifactKey("letters", 1, {"size": 3}),
        ArtifactKey("letters", 1, {"size": 2}, inputs={"images": "abc"}),
        ArtifactKey("letters", 1, {"size": 2}, weights={"encoder": "abc"}),
        ArtifactKey("words", 1, {"size": 2}),
    ],
)
def test_everything_in_the_key_changes_the_fingerprint(other):
    assert other.fingerprint != KEY.fingerprint


def test_the_order_of_settings_does_not_change_the_fingerprint():
    forwards, backwards = ArtifactKey("k", 1, {"a": 1, "b": 2}), ArtifactKey("k", 1, {"b": 2, "a": 1})
    assert forwards.fingerprint == backwards.fingerprint


def test_a_finished_artifact_is_not_computed_again(tmp_path):
    store = ArtifactStore(tmp_path)
    first = make(store)

    def refuse(ids, tick, folder):
        raise AssertionError("computed twice")

    assert make(store, refuse).folder == first.folder
    assert first.table().column("upper").to_pylist() == [i.upper() for i in IDS]


def test_after_a_fault_only_the_unfinished_shards_are_computed(tmp_path):
    store, asked = ArtifactStore(tmp_path), []

    def fails_at_the_third(ids, tick, folder):
        asked.append(tuple(ids))
        if len(asked) == 3:
            raise RuntimeError("power cut")
        return upper(ids, tick, folder)

    with pytest.raises(RuntimeError):
        make(store, fails_at_the_third)
    assert store.find(KEY.kind, KEY.fingerprint) is None
    artifact = make(store, fails_at_the_third)
    assert asked[3:] == [tuple(IDS[6:9]), tuple(IDS[9:])]
    whole = make(ArtifactStore(tmp_path / "other"))
    assert artifact.manifest() == whole.manifest()  # the same bytes as an undisturbed run


def test_a_process_killed_in_the_middle_loses_only_its_shard(tmp_path):
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_artifacts import make, upper
        from comus_core.workspace.artifacts import ArtifactStore

        def slow(ids, tick, folder):
            if ids[0] == "id06":
                print("third", flush=True)
                time.sleep(60)
            return upper(ids, tick, folder)

        make(ArtifactStore(Path({str(tmp_path)!r})), slow)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "third\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = []

    def noting(ids, tick, folder):
        asked.append(ids[0])
        return upper(ids, tick, folder)

    artifact = make(ArtifactStore(tmp_path), noting)
    assert asked == ["id06", "id09"]
    assert artifact.manifest() == make(ArtifactStore(tmp_path / "other")).manifest()


def test_two_processes_wanting_the_same_artifact_compute_it_once(tmp_path):
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_artifacts import make, upper
        from comus_core.workspace.artifacts import ArtifactStore

        def counted(ids, tick, folder):
            print(ids[0], flush=True)
            time.sleep(0.2)
            return upper(ids, tick, folder)

        make(ArtifactStore(Path({str(tmp_path)!r})), counted)
        """
    )
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    shards = "".join(process.communicate(timeout=60)[0] for process in both).split()
    assert sorted(shards) == ["id00", "id03", "id06", "id09"]
    assert all(process.returncode == 0 for process in both)


def test_the_manifest_lists_the_key_and_every_file(tmp_path):
    artifact = make(ArtifactStore(tmp_path))
    manifest = json.loads((artifact.folder / "manifest.json").read_text())
    assert manifest["key"]["settings"] == {"size": 2}
    assert set(manifest["files"]) == {"table.parquet"}
    assert sorted(p.name for p in artifact.folder.iterdir()) == ["manifest.json", "table.parquet"]


def test_progress_goes_up_to_the_total(tmp_path):
    seen = []
    make(ArtifactStore(tmp_path), on_progress=seen.append)
    steps = [p.step for p in seen]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == len(IDS) == seen[-1].total


def test_a_missing_artifact_says_what_to_do(tmp_path):
    with pytest.raises(WorkspaceError, match="run the stage again"):
        ArtifactStore(tmp_path).get("letters", "0" * 16)


def test_a_half_written_file_never_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "name.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("killed")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["name.txt"]


def test_a_full_disk_is_a_clear_message(tmp_path):
    with pytest.raises(WorkspaceError, match="disk is full"), replacing(tmp_path / "file") as temporary:
        temporary.symlink_to("/dev/full")  # every write to it fails as on a full disk
        temporary.write_text("x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_columns_come_in_the_order_asked_for_and_one_that_is_not_there_is_named(tmp_path):
    artifact = make(ArtifactStore(tmp_path))
    assert artifact.table(["upper", "id"]).column_names == ["upper", "id"]
    with pytest.raises(WorkspaceError, match="no column age, size"):
        artifact.table(["id", "size", "age"])


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and then not a table at all PAR1", b"\0" * 40])
def test_a_table_that_is_gone_or_damaged_is_told_with_its_file_and_what_to_do(tmp_path, content):
    artifact = make(ArtifactStore(tmp_path))
    path = artifact.file("table.parquet")
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"letters: .*table\.parquet (is missing|cannot be read).*run again"):
        artifact.table()

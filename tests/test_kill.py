"""Killed during the long stages, the next run reuses the finished shards and ends with the same bytes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

COMMAND = [sys.executable, "-m", "comus_core", "run", "demo", "--saliency", "comus"]
COMMAND += ["--encoder", "efficientnet-lite0", "--workspace"]
KINDS = {"saliency": ("images", "soft_maps", "proposals")}  # of what is made until then
KINDS["clustering"] = (*KINDS["saliency"], "features", "clustering")


def start(workspace: Path, stage: str) -> subprocess.Popen:
    command = [*COMMAND, str(workspace), "--until", stage]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def shards(workspace: Path, kind: str) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in workspace.glob(f"artifacts/{kind}/*.partial/shards/0*.parquet")}


def kill_after_the_first_shard(process: subprocess.Popen, workspace: Path, kind: str) -> dict[str, int]:
    limit = time.monotonic() + 240
    while not shards(workspace, kind):
        assert process.poll() is None and time.monotonic() < limit, "ended before a shard was seen"
        time.sleep(0.02)
    process.kill()
    process.wait()
    return shards(workspace, kind)


def manifests(workspace: Path, stage: str) -> dict[str, bytes]:
    found = [path for kind in KINDS[stage] for path in workspace.glob(f"artifacts/{kind}/*/manifest.json")]
    return {str(p.parent.relative_to(workspace)): p.read_bytes() for p in found}


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Path:
    """A workspace in which another process made the same: nobody killed it."""
    workspace = tmp_path_factory.mktemp("other")
    assert start(workspace, "clustering").wait() == 0
    return workspace


@pytest.mark.parametrize(
    ("kind", "stage"), [("soft_maps", "saliency"), pytest.param("features", "clustering", marks=pytest.mark.slow)]
)
def test_killed_during_a_stage_the_next_run_ends_with_the_same_bytes(kind, stage, other, tmp_path):
    if kind == "features":  # the stages before it need not be computed again to kill this one
        _copy_without(other, tmp_path, ("features", "clustering", "projection", "pseudo_masks", "counts"))
    finished = kill_after_the_first_shard(start(tmp_path, stage), tmp_path, kind)
    assert finished, "no shard survived the kill"
    untouched = {}
    process = start(tmp_path, stage)
    while process.poll() is None:
        untouched |= {n: t for n, t in shards(tmp_path, kind).items() if n in finished}
        time.sleep(0.05)
    assert process.returncode == 0
    assert untouched == finished  # not one of them was written again
    assert manifests(tmp_path, stage) == manifests(other, stage)


def _copy_without(source: Path, target: Path, kinds: tuple[str, ...]) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=lambda _, names: [n for n in names if n in kinds])
    os.sync()

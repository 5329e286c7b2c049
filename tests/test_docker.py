"""The Dockerfile replayed without an engine: what it copies, its environment, command and health check."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTRUCTIONS = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()


def arguments(word: str) -> list[str]:
    return [line.removeprefix(f"{word} ") for line in INSTRUCTIONS if line.startswith(f"{word} ")]


def copied() -> list[str]:
    """Sources of the COPY lines that read the checkout."""
    return [name for line in arguments("COPY") if "--from" not in line for name in line.split()[:-1]]


def test_the_build_context_lets_in_exactly_what_is_copied():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    assert allowed == set(copied()) and all((ROOT / name).exists() for name in allowed)


def test_the_container_runs_without_root_and_keeps_its_work_on_volumes():
    assert arguments("USER")[-1] == "10001"
    environment = dict(pair.split("=", 1) for line in arguments("ENV") for pair in line.split())
    volumes = json.loads(arguments("VOLUME")[0])
    assert {environment[v] for v in ("COMUS_WORKSPACE", "COMUS_WEIGHTS", "COMUS_IMAGE_ROOTS")} == set(volumes)


@pytest.mark.thorough
def test_replayed_in_a_clean_folder_the_app_becomes_healthy(tmp_path):
    for name in copied():
        source, target = ROOT / name, tmp_path / "srv" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    places = {v: str(tmp_path / v) for v in ("COMUS_WORKSPACE", "COMUS_WEIGHTS", "COMUS_IMAGE_ROOTS")}
    environment = os.environ | places | {"PYTHONPATH": str(tmp_path / "srv")}
    command = json.loads(arguments("CMD")[-1])
    assert command[0] == "comus"
    process = subprocess.Popen(
        [sys.executable, "-m", "comus_core", *command[1:], "--port", port],
        cwd=tmp_path / "srv",
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        check = json.loads(re.search(r"CMD (\[.*\])", arguments("HEALTHCHECK")[0])[1])
        check = [sys.executable, *(part.replace("8501", port) for part in check[1:])]
        limit = time.monotonic() + 120
        while subprocess.run(check, capture_output=True).returncode:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < limit, "never healthy"
            time.sleep(0.3)
        foreign = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "evil.com"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign, timeout=10)
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_the_install_steps_end_in_a_working_command(tmp_path):
    """The RUN lines of the first stage in a clean folder, with the package index of this machine."""
    for name in copied():
        source, target = ROOT / name, tmp_path / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    steps = [s for s in arguments("RUN") if s.startswith(("python -m venv", "pip install"))]
    script = "\n".join(["set -e", "export TORCH_INDEX=", *steps, "comus doctor"]).replace(
        "/opt/venv", str(tmp_path / "venv")
    )
    environment = os.environ | {"PATH": f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=True)
